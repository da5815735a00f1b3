import keras
import numpy as np

from attention_ocr.training.fused_adam import FusedAdam


def trained(optimizer_class: type[keras.optimizers.Adam]) -> list[np.ndarray]:
    """Return two variables and the state of the optimiser after three steps."""
    random = np.random.default_rng(0)
    variables = [
        keras.Variable(random.normal(size=shape), name=name)
        for name, shape in (("kernel", (3, 4)), ("bias", (5,)))
    ]
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    optimizer = optimizer_class(schedule, weight_decay=0.3, beta_2=0.9, epsilon=1e-3)
    optimizer.exclude_from_weight_decay(var_list=[variables[1]])
    optimizer.build(variables)
    for _ in range(3):
        gradients = [random.normal(size=variable.shape).astype("float32") for variable in variables]
        optimizer.apply(gradients, variables)
    return [variable.numpy() for variable in [*variables, *optimizer.variables]]


def test_the_fused_update_equals_that_of_keras():
    expected, fused = trained(keras.optimizers.AdamW), trained(FusedAdam)
    for one, other in zip(fused, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)

import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.settings.training import OPTIMIZERS, TrainingConfig
from attention_ocr.training.checkpoints import Checkpoints
from attention_ocr.training.flattened_muon import HAS_MUON
from attention_ocr.training.optimization import AveragedWeights, clip_gradients, make_optimizer
from tests import tiny

KNOWN = tuple(name for name in OPTIMIZERS if HAS_MUON or name != "muon")


def variables(**values: float) -> list[keras.Variable]:
    """Return a kernel, a bias and further variables by name, filled with ones."""
    shapes = {"kernel": (2, 3), "bias": (3,)}
    return [keras.Variable(np.ones(shape), name=name) for name, shape in (shapes | values).items()]


def test_the_optimiser_has_the_learning_rate_of_the_settings():
    settings = TrainingConfig(
        steps=100,
        warmup_steps=20,
        learning_rate=0.4,
        schedule="exponential",
        final_learning_rate=0.01,
    )
    optimizer = make_optimizer(settings, variables())
    for step, rate in ((0, 0.0), (10, 0.2), (60, 0.04), (100, 0.004)):
        optimizer.iterations.assign(step)
        assert float(optimizer.learning_rate) == pytest.approx(rate, rel=1e-5)


def settings_of(optimizer: str, **values: float) -> TrainingConfig:
    return TrainingConfig(
        optimizer=optimizer,
        **{"steps": 10, "warmup_steps": 0, "learning_rate": 0.1, "schedule": "constant", **values},
    )


@pytest.mark.parametrize(
    ("optimizer", "values", "moves"),
    # Two steps with a gradient of 4: how much the weight decreases in each.
    [
        ("sgd", {"momentum": 0.0}, (0.4, 0.4)),
        ("sgd", {"momentum": 0.5}, (0.4, 0.6)),
        # The moments of a constant gradient are the gradient and its square.
        ("adam", {}, (0.1, 0.1)),
        ("adamw", {"weight_decay": 0.0}, (0.1, 0.1)),
        # The sum of squares starts at a tenth.
        ("adagrad", {}, (0.4 / 16.1**0.5, 0.4 / 32.1**0.5)),
        # The mean of squares, of which the last counts a tenth.
        ("rmsprop", {"momentum": 0.0}, (0.1 / 0.1**0.5, 0.1 / 0.19**0.5)),
        ("rmsprop", {"momentum": 0.5}, (0.1 / 0.1**0.5, 0.05 / 0.1**0.5 + 0.1 / 0.19**0.5)),
    ],
)
def test_steps_of_each_optimiser_worked_out_by_hand(optimizer, values, moves):
    weight = keras.Variable(np.float32(1.0), name="kernel")
    rule = make_optimizer(settings_of(optimizer, **values), [weight])
    for move in moves:
        before = float(weight)
        rule.apply([tf.constant(4.0)], [weight])
        assert before - float(weight) == pytest.approx(move, rel=1e-3)


def test_adadelta_moves_by_the_ratio_of_mean_changes():
    weight = keras.Variable(np.float32(1.0), name="kernel")
    rule = make_optimizer(settings_of("adadelta", learning_rate=0.5), [weight])
    rule.apply([tf.constant(4.0)], [weight])
    # The mean of squares counts the last for a twentieth; epsilon is 1e-7 (Zeiler, 2012).
    move = 0.5 * 4.0 * (1e-7 / (0.05 * 16.0 + 1e-7)) ** 0.5
    assert 1.0 - float(weight) == pytest.approx(move, rel=1e-2)


@pytest.mark.parametrize("optimizer", KNOWN)
def test_only_adamw_and_muon_decay_the_weights(optimizer):
    kernel, bias = variables()
    rule = make_optimizer(settings_of(optimizer, weight_decay=0.5), [kernel, bias])
    rule.apply([tf.zeros((2, 3)), tf.zeros(3)], [kernel, bias])
    expected = 0.95 if optimizer in ("adamw", "muon") else 1.0
    np.testing.assert_allclose(kernel, np.full((2, 3), expected), atol=1e-6)
    np.testing.assert_array_equal(bias, np.ones(3))


@pytest.mark.parametrize("optimizer", KNOWN)
def test_a_checkpoint_holds_the_complete_state_of_an_optimiser(optimizer, tmp_path):
    def start() -> tuple[keras.Optimizer, list[keras.Variable], Checkpoints]:
        weights = variables()
        rule = make_optimizer(settings_of(optimizer, schedule="cosine"), weights)
        state = {
            "weights": [weight.value for weight in weights],
            "optimizer": [variable.value for variable in rule.variables],
        }
        return rule, weights, Checkpoints(tmp_path, state, keep=1)

    def train(rule: keras.Optimizer, weights: list[keras.Variable], steps: range) -> None:
        for step in steps:
            random = np.random.default_rng(step)
            rule.apply(
                [tf.constant(random.normal(size=w.shape), tf.float32) for w in weights], weights
            )

    rule, weights, checkpoints = start()
    train(rule, weights, range(3))
    checkpoints.save(3)
    train(rule, weights, range(3, 6))
    again, weights_again, checkpoints = start()
    assert checkpoints.restore()
    train(again, weights_again, range(3, 6))
    assert int(again.iterations) == 6
    for one, other in zip(weights_again, weights, strict=True):
        np.testing.assert_array_equal(one, other)


GRADIENTS = [np.array([3.0, 0.0], np.float32), np.array([[0.0, 4.0]], np.float32)]
"""Of norms 3 and 4, and 5 together."""


@pytest.mark.parametrize(
    ("clipping", "limit", "scales"),
    [
        ("global_norm", 10.0, (1.0, 1.0)),
        ("global_norm", 2.5, (0.5, 0.5)),
        ("per_variable", 10.0, (1.0, 1.0)),
        ("per_variable", 3.5, (1.0, 0.875)),
        ("per_variable", 2.0, (2 / 3, 0.5)),
        ("none", 2.0, (1.0, 1.0)),
        ("global_norm", 0.0, (1.0, 1.0)),
    ],
)
def test_clipping_worked_out_by_hand(clipping, limit, scales):
    settings = TrainingConfig(clipping=clipping, clip_norm=limit)
    clipped, norm = clip_gradients([tf.constant(g) for g in GRADIENTS], settings)
    assert float(norm) == pytest.approx(5.0)
    for gradient, scale, result in zip(GRADIENTS, scales, clipped, strict=True):
        np.testing.assert_allclose(result, scale * gradient, rtol=1e-6)


def test_a_first_step_worked_out_by_hand():
    settings = TrainingConfig(
        steps=10, warmup_steps=0, learning_rate=0.1, final_learning_rate=0.0, weight_decay=0.5
    )
    kernel, bias = variables()
    optimizer = make_optimizer(settings, [kernel, bias])
    optimizer.apply([tf.fill((2, 3), 4.0), tf.fill((3,), -2.0)], [kernel, bias])
    # Adam's first step is the rate, whatever the gradient; the decay takes 0.1 * 0.5 of the kernel.
    np.testing.assert_allclose(kernel, np.full((2, 3), 1.0 - 0.05 - 0.1), atol=1e-5)
    np.testing.assert_allclose(bias, np.full(3, 1.0 + 0.1), atol=1e-5)


def test_only_kernels_and_embeddings_of_the_recogniser_decay():
    settings = TrainingConfig(
        steps=10, warmup_steps=0, learning_rate=0.1, weight_decay=0.5, final_learning_rate=0.5
    )
    trained = tiny.recognizer().trainable_variables
    for variable in trained:
        variable.assign(tf.ones_like(variable))
    optimizer = make_optimizer(settings, trained)
    optimizer.apply([tf.zeros_like(variable) for variable in trained], trained)
    decayed = {variable.name for variable in trained if float(tf.reduce_max(variable)) < 0.99}
    spared = {variable.name for variable in trained if float(tf.reduce_max(variable)) == 1.0}
    assert decayed == {"kernel", "recurrent_kernel", "embeddings"}
    assert spared == {"bias", "beta", "gamma"}


def test_the_slots_are_created_beforehand():
    optimizer = make_optimizer(TrainingConfig(), variables())
    # For a checkpoint restored before the first step: two per variable.
    assert len(optimizer.variables) >= 4
    before = len(optimizer.variables)
    kernel, bias = variables()
    optimizer = make_optimizer(TrainingConfig(), [kernel, bias])
    optimizer.apply([tf.ones((2, 3)), tf.ones(3)], [kernel, bias])
    assert len(optimizer.variables) == before


def test_averages_worked_out_by_hand():
    weight = keras.Variable(np.array([10.0, 0.0], np.float32))
    averages = AveragedWeights([weight], decay=0.5)
    weight.assign([20.0, 1.0])
    # The decay is (1 + 0) / (10 + 0).
    averages.update(tf.constant(0))
    np.testing.assert_allclose(averages.averages[0], [0.1 * 10 + 0.9 * 20, 0.9], rtol=1e-6)
    weight.assign([0.0, 0.0])
    # (1 + 2) / (10 + 2).
    averages.update(tf.constant(2))
    np.testing.assert_allclose(averages.averages[0], [0.25 * 19.0, 0.25 * 0.9], rtol=1e-6)
    # (1 + 80) / (10 + 80) is above the limit.
    averages.update(tf.constant(80, tf.int64))
    np.testing.assert_allclose(averages.averages[0], [0.125 * 19.0, 0.125 * 0.9], rtol=1e-6)


def test_averages_without_decay_are_the_weights():
    weight = keras.Variable(np.array([10.0], np.float32))
    averages = AveragedWeights([weight], decay=0.0)
    weight.assign([3.0])
    averages.update(tf.constant(100))
    np.testing.assert_array_equal(averages.averages[0], [3.0])


@pytest.fixture
def moved():
    """Return a weight of 3 and its averages, which differ."""
    weight = keras.Variable(np.array([1.0, 2.0]))
    averages = AveragedWeights([weight], decay=0.9)
    weight.assign([3.0, 3.0])
    return weight, averages


def test_the_network_has_the_averages_inside_the_block_and_the_weights_after_it(moved):
    weight, averages = moved
    with averages.swapped_in():
        np.testing.assert_array_equal(weight, [1.0, 2.0])
    np.testing.assert_array_equal(weight, [3.0, 3.0])
    np.testing.assert_array_equal(averages.averages[0], [1.0, 2.0])


def test_the_weights_come_back_after_an_error(moved):
    weight, averages = moved

    def fail() -> None:
        with averages.swapped_in():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    np.testing.assert_array_equal(weight, [3.0, 3.0])
    np.testing.assert_array_equal(averages.averages[0], [1.0, 2.0])


@pytest.mark.parametrize("name", ["sgd", "adamw", "adadelta"])
def test_a_part_is_trained_at_its_own_rate(name):
    def steps(scales: str) -> dict[str, np.ndarray]:
        weights = {
            path: keras.Variable([1.0, -2.0], name=path) for path in ("stem", "stage", "rest")
        }
        for path, weight in weights.items():
            weight._path = f"net/encoder/{path}/kernel" if path != "rest" else "net/decoder/kernel"
        settings = TrainingConfig(
            optimizer=name,
            warmup_steps=0,
            learning_rate=0.1,
            weight_decay=0.0,
            momentum=0.0,
            learning_rate_scales=scales,
        )
        optimizer = make_optimizer(settings, list(weights.values()))
        optimizer.apply([tf.constant([0.5, -0.25])] * 3, list(weights.values()))
        return {path: np.array([1.0, -2.0]) - weight.numpy() for path, weight in weights.items()}

    plain, scaled = steps(""), steps("encoder=0.5,encoder/stage=0")
    np.testing.assert_allclose(scaled["stem"], 0.5 * plain["stem"], rtol=1e-3)
    np.testing.assert_array_equal(scaled["stage"], 0.0)
    np.testing.assert_allclose(scaled["rest"], plain["rest"], rtol=1e-6)
    assert np.abs(plain["rest"]).min() > 0.0
    with pytest.raises(ValueError, match="parts are decoder, encoder. Received: 'enc'"):
        steps("enc=0.5")


@pytest.mark.parametrize("scales", ["encoder", "encoder=fast", "=0.5", "encoder=-1", "encoder=nan"])
def test_a_malformed_rate_of_a_part_is_refused(scales):
    with pytest.raises(ValueError, match="must hold entries like encoder=0.1"):
        TrainingConfig(learning_rate_scales=scales)


@pytest.mark.skipif(HAS_MUON, reason="the installed Keras has Muon")
def test_muon_of_an_old_keras_is_refused():
    with pytest.raises(ValueError, match="`optimizer=muon` needs Keras 3.15.1"):
        make_optimizer(settings_of("muon"), variables())

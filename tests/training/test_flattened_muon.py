import keras
import numpy as np
import pytest

from attention_ocr.inference.work_directory import weight_name
from attention_ocr.models.build import build_recognizer
from attention_ocr.training.flattened_muon import HAS_MUON, FlattenedMuon, make_muon, orthogonalize
from attention_ocr.training.fused_adam import FusedAdam
from tests import tiny

pytestmark = pytest.mark.skipif(not HAS_MUON, reason="the installed Keras is too old for Muon")

RANDOM = np.random.default_rng(0)


def trained(optimizer: keras.Optimizer, values: np.ndarray, name: str = "kernel") -> np.ndarray:
    """Return a variable after three steps with gradients similar to its values."""
    variable = keras.Variable(values.astype("float32"), name=name)
    optimizer.build([variable])
    for factor in (1.0, -0.5, 2.0):
        optimizer.apply([factor * np.roll(values, 1).astype("float32")], [variable])
    return variable.numpy()


def muon(**values: object) -> FlattenedMuon:
    return FlattenedMuon(0.1, weight_decay=0.1, **values)


@pytest.mark.parametrize("shape", [(6, 10), (10, 6), (7, 7)])
def test_a_matrix_is_updated_as_in_keras(shape):
    values = RANDOM.normal(size=shape)
    expected = trained(keras.optimizers.Muon(0.1, weight_decay=0.1), values)
    np.testing.assert_allclose(trained(muon(), values), expected, atol=5e-3)
    # By more than that it has moved.
    assert np.abs(expected - values).max() > 0.05


def test_the_kernel_of_a_convolution_is_updated_as_a_matrix():
    values = RANDOM.normal(size=(3, 2, 4, 5))
    expected = trained(muon(), values.reshape(24, 5))
    np.testing.assert_allclose(trained(muon(), values).reshape(24, 5), expected, atol=1e-5)


def test_the_kernels_of_two_directions_are_updated_separately():
    values = RANDOM.normal(size=(2, 4, 6)).astype("float32")
    updates = orthogonalize(values, 5, (3.4445, -4.7750, 2.0315))
    apart = [orthogonalize(matrix, 5, (3.4445, -4.7750, 2.0315)) for matrix in values]
    np.testing.assert_array_equal(updates, apart)
    singular = np.linalg.svd(np.asarray(updates, np.float32)).S
    assert singular.shape == (2, 4)
    assert (singular > 0.6).all()
    assert (singular < 1.3).all()


@pytest.mark.parametrize(
    ("shape", "name"), [((5,), "bias"), ((6, 4), "embeddings"), ((4, 1), "kernel")]
)
def test_other_variables_are_updated_by_adam(shape, name):
    values = RANDOM.normal(size=shape)
    adam = FusedAdam(0.01, weight_decay=0.1, beta_2=0.99, epsilon=1e-8)
    ours = make_muon(0.01, weight_decay=0.1, momentum=0.9, beta_2=0.99, epsilon=1e-8)
    np.testing.assert_allclose(
        trained(ours, values, name), trained(adam, values, name), rtol=1e-5, atol=1e-6
    )


def test_projections_to_logits_are_updated_by_adam():
    ours = make_muon(0.01, weight_decay=0.1, momentum=0.9, beta_2=0.99, epsilon=1e-8)
    recognizer = build_recognizer(tiny.config(), tiny.CHARSET)
    paths = {
        weight_name(variable)
        for variable in recognizer.trainable_variables
        if len(variable.shape) > 1 and ours._should_use_adamw(variable)
    }
    assert paths == {
        "ctc_head/kernel",
        "decoder/attention/scores/kernel",
        "decoder/embedding/embeddings",
        "decoder/output/kernel",
        "sequence_0/bias",
    }

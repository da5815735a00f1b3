import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.settings.training import TrainingConfig
from attention_ocr.training.optimization import AveragedWeights, make_optimizer
from tests import tiny


def variables(**values: float) -> list[keras.Variable]:
    """Return a kernel and a bias, and others by name, filled with ones."""
    shapes = {"kernel": (2, 3), "bias": (3,)}
    return [keras.Variable(np.ones(shape), name=name) for name, shape in (shapes | values).items()]


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 0.0),
        (5, 0.1),
        (10, 0.2),
        (20, 0.4),
        # A quarter, a half and all of the cosine, which ends at a tenth of the peak.
        (40, 0.4 * (0.1 + 0.9 * (1 + 0.5**0.5) / 2)),
        (60, 0.22),
        (100, 0.04),
        (150, 0.04),
    ],
)
def test_the_rate_warms_up_and_falls_along_a_cosine(step, rate):
    settings = TrainingConfig(
        steps=100, warmup_steps=20, learning_rate=0.4, final_learning_rate=0.1
    )
    optimizer = make_optimizer(settings, variables())
    optimizer.iterations.assign(step)
    assert float(optimizer.learning_rate) == pytest.approx(rate, rel=1e-5)


@pytest.mark.parametrize(("step", "rate"), [(0, 0.4), (50, 0.2), (100, 0.0)])
def test_without_warm_up_the_rate_starts_at_its_peak(step, rate):
    settings = TrainingConfig(steps=100, warmup_steps=0, learning_rate=0.4, final_learning_rate=0.0)
    optimizer = make_optimizer(settings, variables())
    optimizer.iterations.assign(step)
    assert float(optimizer.learning_rate) == pytest.approx(rate, abs=1e-7)


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


def test_the_slots_are_made_beforehand():
    optimizer = make_optimizer(TrainingConfig(), variables())
    # For a checkpoint that is restored before the first step: two for each variable.
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
    """Return a weight of 3 and its averages, which are elsewhere."""
    weight = keras.Variable(np.array([1.0, 2.0]))
    averages = AveragedWeights([weight], decay=0.9)
    weight.assign([3.0, 3.0])
    return weight, averages


def test_averages_are_in_the_network_inside_the_block_and_the_weights_after_it(moved):
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

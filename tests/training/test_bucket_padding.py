import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.build import build_recognizer
from attention_ocr.models.losses import ctc_loss
from attention_ocr.training.bucket_padding import pad_to_bucket
from attention_ocr.training.devices import make_strategy
from attention_ocr.training.optimization import AveragedWeights, make_optimizer
from attention_ocr.training.step import input_signature, make_train_step
from tests import tiny

SETTINGS = {
    "learning_rate": 0.01,
    "warmup_steps": 0,
    "max_image_width": 96,
    "bucket_widths": (40, 64),
    "bucket_lengths": (3,),
}


@pytest.mark.parametrize(
    ("width", "length", "padded"),
    [(16, 1, (48, 4)), (48, 3, (48, 4)), (64, 4, (64, 7)), (65, 6, (96, 7)), (112, 9, (112, 10))],
)
def test_a_batch_is_padded_to_the_limits_of_its_bucket(width, length, padded):
    config = tiny.config(**SETTINGS)
    batch = tiny.random_batch(num_examples=1, widths=(width,), lengths=(length,))
    inputs = {name: batch[name] for name in input_signature(config)}
    # The pipeline gives multiples of 16.
    inputs["images"] = inputs["images"][:, :, :width]
    found = pad_to_bucket(inputs, config)
    assert found["images"].shape == (1, 16, padded[0], 1)
    for name in ("decoder_inputs", "targets", "target_weights"):
        assert found[name].shape == (1, padded[1])
        np.testing.assert_array_equal(found[name][:, : length + 1], batch[name])
        assert not np.asarray(found[name])[:, length + 1 :].any()
    np.testing.assert_array_equal(found["images"][:, :, :width], inputs["images"])
    np.testing.assert_array_equal(found["image_sizes"], batch["image_sizes"])


def test_the_loss_that_xla_can_compile_is_the_same():
    batch = tiny.random_batch(lengths=(2, 5, 0, 3))
    targets, weights = batch["targets"], batch["target_weights"]
    # The second label does not fit.
    logits = tf.random.stateless_normal((4, 6, 11), (1, 2))
    columns = tf.constant([6, 3, 4, 6])
    losses, gradients = [], []
    for compilable in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = ctc_loss(logits, columns, targets, weights, compilable)
        losses.append(float(loss))
        gradients.append(tape.gradient(loss, logits))
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    np.testing.assert_allclose(gradients[1], gradients[0], atol=1e-5)


def losses_of(config, batches) -> list[dict[str, float]]:
    strategy = make_strategy("one_device")
    with strategy.scope():
        recognizer = build_recognizer(config, tiny.CHARSET)
        optimizer = make_optimizer(config.training, recognizer.trainable_variables)
        averages = AveragedWeights(recognizer.weights, config.training.average_decay)
        step = make_train_step(strategy, recognizer, optimizer, averages, config)
    return [{name: float(value) for name, value in step(batch).items()} for batch in batches]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_compiled_step_trains_as_one_that_is_not():
    batches = [tiny.random_batch(lengths=(2, 5, 0, 3), seed=seed) for seed in range(3)]
    plain = tiny.config(**SETTINGS)
    # Without compilation, too, normalisation statistics depend slightly on the padding.
    padded = [pad_to_bucket(batch, plain) for batch in batches]
    compiled = losses_of(tiny.config(**SETTINGS, jit_compile=True), batches)
    for found, expected in zip(compiled, losses_of(plain, padded), strict=True):
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=2e-3), name


def test_several_devices_are_refused():
    config = tiny.config(**SETTINGS, jit_compile=True)
    strategy = make_strategy("mirrored")
    with pytest.raises(ValueError, match="`jit_compile` is for one device. Received: 2 devices"):
        make_train_step(strategy, None, None, None, config)

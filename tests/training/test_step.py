import importlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.build import build_recognizer
from attention_ocr.settings.config import Config
from attention_ocr.training.devices import make_strategy
from attention_ocr.training.optimization import AveragedWeights, make_optimizer
from attention_ocr.training.step import input_signature, make_train_step
from tests import tiny

CONFIG = tiny.config(learning_rate=0.01, warmup_steps=0, clip_norm=0.0, label_smoothing=0.1)


def two_batches(pairs: bool = False) -> list[dict[str, tf.Tensor]]:
    """Return two batches; with `pairs`, rows 0 and 1 hold one image, as do rows 2 and 3."""
    batches = [
        tiny.random_batch(widths=(32, 32, 40, 40), lengths=(2, 4, 0, 3), seed=1),
        tiny.random_batch(widths=(48, 48, 23, 23), lengths=(1, 3, 4, 0), seed=2),
    ]
    if pairs:
        for batch in batches:
            batch["images"] = tf.gather(batch["images"], [0, 0, 2, 2])
    return batches


class Trained:
    """A recogniser after one training step on each batch."""

    def __init__(
        self,
        config: Config,
        batches: list[dict[str, tf.Tensor]],
        strategy: str = "one_device",
        precision: str = "float32",
    ) -> None:
        distribution = make_strategy(strategy)
        with distribution.scope():
            self.recognizer = build_recognizer(config, tiny.CHARSET, precision)
            optimizer = make_optimizer(config.training, self.recognizer.trainable_variables)
            averages = AveragedWeights(self.recognizer.weights, config.training.average_decay)
            self.step = make_train_step(distribution, self.recognizer, optimizer, averages, config)
        self.num_replicas = distribution.num_replicas_in_sync
        self.before = self.recognizer.get_weights()
        self.losses = [
            {name: float(value) for name, value in self.step(batch).items()} for batch in batches
        ]
        self.moments = {
            variable.path.split("/", 1)[1]: variable.numpy() for variable in optimizer.variables
        }
        self.averages = [average.numpy() for average in averages.averages]


@pytest.fixture(scope="module")
def trained():
    return Trained(CONFIG, two_batches())


def test_a_step_reports_the_loss_its_parts_and_the_norm_of_the_gradient(trained):
    for losses in trained.losses:
        assert losses.keys() == {"loss", "attention_loss", "ctc_loss", "gradient_norm"}
        assert losses["loss"] == pytest.approx(
            losses["attention_loss"] + 0.5 * losses["ctc_loss"], rel=1e-5
        )
        assert losses["gradient_norm"] > 0.0


def test_every_weight_changes(trained):
    for before, weight in zip(trained.before, trained.recognizer.weights, strict=True):
        assert np.abs(weight.numpy() - before).max() > 0.0, weight.path


def test_the_averages_follow_the_weights(trained):
    for before, average, weight in zip(
        trained.before, trained.averages, trained.recognizer.get_weights(), strict=True
    ):
        assert np.abs(average - before).max() > 0.0
        assert np.abs(average - weight).max() > 0.0


def test_batches_of_any_size_share_one_graph(trained):
    batch = tiny.random_batch(num_examples=3, widths=(17, 50, 90), lengths=(1, 1, 1))
    assert np.isfinite(float(trained.step(batch)["loss"]))
    assert input_signature(CONFIG)["images"].shape.as_list() == [None, 16, None, 1]


def test_a_norm_above_the_limit_is_clipped():
    config = tiny.config(learning_rate=0.01, warmup_steps=0, clip_norm=1e-9, weight_decay=0.0)
    with tiny.running_eagerly():
        clipped = Trained(config, two_batches()[:1])
    assert clipped.losses[0]["gradient_norm"] > 0.1
    # Below Adam's epsilon, a gradient changes nothing.
    for before, weight in zip(clipped.before, clipped.recognizer.weights, strict=True):
        if weight.trainable:
            np.testing.assert_allclose(weight, before, atol=1e-3)


def test_two_devices_train_like_one():
    # Each device has its own normalisation statistics: both get the same images, with different
    # labels.
    batches = two_batches(pairs=True)
    with tiny.running_eagerly():
        one = Trained(CONFIG, batches)
    two = Trained(CONFIG, batches, strategy="mirrored")
    assert (one.num_replicas, two.num_replicas) == (1, 2)
    for alone, shared in zip(one.losses, two.losses, strict=True):
        for name, value in alone.items():
            assert shared[name] == pytest.approx(value, rel=1e-3), name
    for weight, other in zip(two.recognizer.weights, one.recognizer.weights, strict=True):
        np.testing.assert_allclose(weight, other, atol=2e-3, err_msg=weight.path)
    # Adam divides a gradient by its size: counting it twice shows in its moments only.
    assert two.moments.keys() == one.moments.keys()
    for name, moment in two.moments.items():
        scale = np.abs(one.moments[name]).max()
        np.testing.assert_allclose(moment, one.moments[name], atol=0.05 * scale, err_msg=name)
    for average, other in zip(two.averages, one.averages, strict=True):
        np.testing.assert_allclose(average, other, atol=2e-3)


def test_fit_trains_with_the_same_loss_as_the_explicit_step():
    batch = two_batches()[0]
    with tiny.running_eagerly():
        explicit = Trained(CONFIG, [batch])
    recognizer = build_recognizer(CONFIG, tiny.CHARSET)
    optimizer = make_optimizer(CONFIG.training, recognizer.trainable_variables)
    recognizer.compile(optimizer=optimizer)
    batches = tf.data.Dataset.from_tensors(batch)
    (loss,) = recognizer.fit(batches, shuffle=False, verbose=0).history["loss"]
    assert loss == pytest.approx(explicit.losses[0]["loss"], rel=1e-5)
    for weight, other in zip(recognizer.weights, explicit.recognizer.weights, strict=True):
        # Keras squares the parts of a row of a sparse gradient before summing them.
        if not weight.path.endswith("embeddings"):
            np.testing.assert_allclose(weight, other, atol=1e-3, err_msg=weight.path)
    (lower,) = recognizer.fit(batches, shuffle=False, verbose=0).history["loss"]
    assert lower < loss


SAMPLING = {"scheduled_sampling": "linear", "sampling_final": 0.9, "sampling_steps": 1}
"""The first step has probability 0, the second nearly one."""


def test_scheduled_sampling_goes_with_mixed_precision():
    config = tiny.config(**{**SAMPLING, "warmup_steps": 0})
    trained = Trained(config, two_batches(), precision="bfloat16")
    assert all(np.isfinite(losses["loss"]) for losses in trained.losses)


def test_scheduled_sampling_feeds_the_decoder_its_own_characters_as_the_schedule_says():
    values = {"warmup_steps": 0, "learning_rate": 0.05, "ctc_weight": 0.0, "feedback": "one_hot"}
    batches = [two_batches()[0]] * 2
    plain = Trained(tiny.config(**values), batches)
    sampled = Trained(tiny.config(**values, **SAMPLING), batches)
    first, second = (
        abs(one["loss"] - other["loss"])
        for one, other in zip(sampled.losses, plain.losses, strict=True)
    )
    assert first < 1e-5
    assert second > 1e-3
    # Part of the checkpoints, so that a resumed run draws the same numbers.
    drawn_by = sampled.recognizer.decoder.seed_generator.state
    assert any(variable is drawn_by for variable in sampled.recognizer.variables)
    assert plain.recognizer.decoder.seed_generator is None


def trained_with_every_option(strategy: str) -> tuple[dict[str, float], list[np.ndarray]]:
    """Return the losses of a step with every option of the loss, and the weights after it."""
    # Two logical processors, in a new process as well.
    importlib.import_module("tests.conftest")
    config = tiny.config(
        warmup_steps=0,
        loss_reduction="examples",
        l2=0.01,
        clipping="per_variable",
        optimizer="sgd",
        **SAMPLING,
    )
    batches = two_batches(pairs=True)[:1]
    with tiny.running_eagerly() if strategy == "one_device" else nullcontext():
        trained = Trained(config, batches, strategy)
    return trained.losses[0], trained.recognizer.get_weights()


@pytest.mark.slow
def test_two_devices_train_like_one_with_every_option_of_the_loss():
    # In a process of its own: TensorFlow mixes up the sums of networks of different sizes.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        one, two = process.map(trained_with_every_option, ["one_device", "mirrored"])
    for name, value in one[0].items():
        assert two[0][name] == pytest.approx(value, rel=1e-3), name
    for weight, other in zip(two[1], one[1], strict=True):
        np.testing.assert_allclose(weight, other, atol=2e-3)

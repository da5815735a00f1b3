"""Training for a fixed CPU time instead of a number of steps."""

import gc
import math
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

import keras
import tensorflow as tf

from attention_ocr.data.pipeline import SkipReport, training_batches
from attention_ocr.data.sources import open_source
from attention_ocr.models.build import build_recognizer
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset
from attention_ocr.training.devices import make_strategy, resolve_precision
from attention_ocr.training.optimization import AveragedWeights, make_optimizer
from attention_ocr.training.step import Batch, make_train_step

WARMUP = 0.05
"""Share of the time for the warm-up of the learning rate."""

UNTIMED_STEPS = 3
"""Number of first steps, in which graphs are traced; their time is not counted."""


class RateOfTime(keras.optimizers.schedules.LearningRateSchedule):
    """Warm-up and cosine decay over the time spent, not over steps.

    The number of steps that fit into the time is unknown in advance; so every network gets its
    whole schedule.

    Args:
        peak: Peak learning rate.
    """

    def __init__(self, peak: float) -> None:
        self.peak = peak
        self.rate = tf.Variable(0.0, trainable=False)
        self.spend(0.0)

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return self.rate.value()

    def spend(self, share: float) -> None:
        """Set the rate for a share of the time, in [0, 1]."""
        fall = (1.0 + math.cos(math.pi * min(share, 1.0))) / 2.0
        self.rate.assign(self.peak * min(fall, max(share, 0.1 * WARMUP) / WARMUP))


class Trained(NamedTuple):
    """A trained recogniser.

    Attributes:
        recognizer: The recogniser, with the averaged weights.
        images: Number of images trained on, without the untimed steps.
        cpu_s: CPU seconds of training on them.
    """

    recognizer: Recognizer
    images: int
    cpu_s: float


def train_for(
    cpu_seconds: float,
    config: Config,
    charset: Charset,
    begin: Callable[[Recognizer], object] | None = None,
    make_step: Callable[..., Callable[[Batch], object]] = make_train_step,
) -> Trained:
    """Train for a fixed CPU time.

    Args:
        cpu_seconds: CPU time of all threads of this process.
        config: Settings with `train_data`; the schedule is always `RateOfTime`.
        charset: Charset of the recogniser.
        begin: Sets the initial weights; `None` keeps the random ones.
        make_step: Makes the training step, with the arguments of `make_train_step`.
    """
    keras.utils.set_random_seed(config.training.seed)
    strategy = make_strategy("one_device")
    with strategy.scope():
        recognizer = build_recognizer(config, charset, resolve_precision("auto"))
        optimizer = make_optimizer(config.training, recognizer.trainable_variables)
        rate = RateOfTime(config.training.learning_rate)
        optimizer.learning_rate = rate
        averages = AveragedWeights(recognizer.weights, config.training.average_decay)
        train_step = make_step(strategy, recognizer, optimizer, averages, config)
    if begin is not None:
        begin(recognizer)
        averages.restart()
    source = open_source(config.data.train_data)
    batches: Iterator[Batch] = iter(training_batches(source, config, charset, SkipReport()))
    for batch in islice(batches, UNTIMED_STEPS):
        train_step(batch)
    start, steps, spent = time.process_time(), 0, 0.0
    while spent < cpu_seconds:
        rate.spend(spent / cpu_seconds)
        train_step(next(batches))
        steps += 1
        spent = time.process_time() - start
    # A pipeline that is still running would keep the interpreter from exiting.
    del batches
    gc.collect()
    for average, weight in zip(averages.averages, recognizer.weights, strict=True):
        weight.assign(average)
    return Trained(recognizer, steps * config.data.batch_size, spent)

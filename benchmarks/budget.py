"""Training for a span of processor time, however many steps that is."""

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
"""Share of the time in which the learning rate rises."""

UNTIMED_STEPS = 3
"""First steps, in which graphs are traced: they are trained, but their time does not count."""


class RateOfTime(keras.optimizers.schedules.LearningRateSchedule):
    """A rise and half a cosine over the time that is spent, not over steps.

    Nobody knows beforehand how many steps a network does in a span of time; so every one of them
    has its whole schedule.

    Args:
        peak: of the rate.
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
    """A recogniser after its time.

    Attributes:
        recognizer: with the averaged weights.
        images: trained on, the untimed ones left out.
        cpu_s: seconds that they took.
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
    """Train for a span of processor time.

    Args:
        cpu_seconds: of this process, all threads together.
        config: its `train_data` is trained on; its schedule is `RateOfTime` in any case.
        charset: of the recogniser.
        begin: gives the recogniser the weights that it begins with, if not random ones.
        make_step: makes what trains on a batch, from what `make_train_step` takes.
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
    # A pipeline that still works while the interpreter ends would never let it end.
    del batches
    gc.collect()
    for average, weight in zip(averages.averages, recognizer.weights, strict=True):
        weight.assign(average)
    return Trained(recognizer, steps * config.data.batch_size, spent)

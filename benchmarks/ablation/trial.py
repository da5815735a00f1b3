"""Train one variant for a span of processor time, and see what it reads then."""

import argparse
import gc
import json
import math
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from attention_ocr.charset import ASCII, Charset
from attention_ocr.data.pipeline import SkipReport, evaluation_batches, training_batches
from attention_ocr.data.sources import open_source
from attention_ocr.evaluation.evaluate import evaluate, make_recognize
from attention_ocr.models.build import build_recognizer
from attention_ocr.training.devices import make_strategy, resolve_precision
from attention_ocr.training.optimization import AveragedWeights, make_optimizer
from attention_ocr.training.step import Batch, make_train_step
from attention_ocr.whole_files import whole_file
from benchmarks.ablation.variants import VARIANTS, make_config

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


class Trial:
    """One variant with its data.

    Args:
        name: of the variant.
        pictures: folder of `pictures.write_pictures`.
    """

    def __init__(self, name: str, pictures: Path) -> None:
        variant = VARIANTS[name]
        self.folder = pictures / variant.pictures
        train = f"{self.folder / 'train'}/*.tfrecord"
        self.config = make_config(variant, train_data=train, warmup_steps=0)
        self.charset = Charset(ASCII)
        keras.utils.set_random_seed(0)
        strategy = make_strategy("one_device")
        with strategy.scope():
            precision = resolve_precision("auto")
            self.recognizer = build_recognizer(self.config, self.charset, precision)
            variables = self.recognizer.trainable_variables
            optimizer = make_optimizer(self.config.training, variables)
            self.rate = RateOfTime(self.config.training.learning_rate)
            optimizer.learning_rate = self.rate
            self.averages = AveragedWeights(
                self.recognizer.weights, self.config.training.average_decay
            )
            self.step = make_train_step(
                strategy, self.recognizer, optimizer, self.averages, self.config
            )

    def train(self, cpu_seconds: float) -> dict[str, Any]:
        """Train until the time is spent; return how many images that were, and their cost."""
        source = open_source(self.config.data.train_data)
        batches: Iterator[Batch] = iter(
            training_batches(source, self.config, self.charset, SkipReport())
        )
        for batch in islice(batches, UNTIMED_STEPS):
            self.step(batch)
        start, steps, spent = time.process_time(), 0, 0.0
        while spent < cpu_seconds:
            self.rate.spend(spent / cpu_seconds)
            self.step(next(batches))
            steps += 1
            spent = time.process_time() - start
        # A pipeline that still works while the interpreter ends would never let it end.
        del batches
        gc.collect()
        images = steps * self.config.data.batch_size
        return {
            "parameters": sum(int(np.prod(weight.shape)) for weight in self.recognizer.weights),
            "steps": steps,
            "images": images,
            "train CPU ms": 1000 * spent / images,
        }

    def test(self, part: str) -> dict[str, Any]:
        """Read the words of a part with the averaged weights; `read CPU ms` is of the second walk.

        Returns:
            Exact match, or for real words the match without case and punctuation, with the ends
            of its 95 % interval (Wilson), all in %.
        """
        source = open_source(f"{self.folder / part}/*.tfrecord")
        batches = list(evaluation_batches(source, self.config))
        recognize = make_recognize(self.recognizer, self.config, self.charset)
        with self.averages.swapped_in():
            metrics = evaluate(recognize, batches).metrics
            cpu_ms = _cpu_ms(recognize, batches, metrics.num_examples)
        exact = part == "test"
        match = metrics.exact_match if exact else metrics.alphanumeric_match
        low, high = metrics.exact_match_interval if exact else metrics.alphanumeric_match_interval
        return {
            part: 100 * match,
            f"{part} low": 100 * low,
            f"{part} high": 100 * high,
            f"{part} images": metrics.num_examples,
            f"{part} read CPU ms": cpu_ms,
        }


def _cpu_ms(recognize: Any, batches: Iterable[Batch], num_images: int) -> float:
    start = time.process_time()
    for batch in batches:
        recognize(batch["images"], batch["image_sizes"])
    return 1000 * (time.process_time() - start) / num_images


def main() -> None:
    """Run one trial and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--cpu_seconds", type=float, required=True)
    parser.add_argument("--result", type=Path, required=True)
    args = parser.parse_args()
    trial = Trial(args.variant, args.pictures)
    figures = {"variant": args.variant, "CPU s": args.cpu_seconds, **trial.train(args.cpu_seconds)}
    for part in ("test", "real"):
        if (trial.folder / part).is_dir():
            figures |= trial.test(part)
    with whole_file(args.result) as file:
        file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

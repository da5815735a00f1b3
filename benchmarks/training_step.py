"""Cost of a training step: CPU time per image, wall time, memory.

Each model trains, in its own process and alternately with the others, on fixed batches of 32 x 128
pixels with label lengths as in MJSynth, bucketed as in the pipeline, with the training step of the
package: loss, gradients, clipping, optimiser and averaged weights. A matrix product is timed
alternately with them as the peak performance of the processor; the last column is the share of it
that the step reaches.

A flag file, `--run=FILE`, is measured as a whole run: its network, batches and sources, including
reading or rendering and augmentation, after a few untimed steps, in the precision that
`--precision=auto` chooses.

    python -m benchmarks.training_step [--models compact vgg] [--precisions bfloat16] [--json FILE]
    python -m benchmarks.training_step --run configs/default_model/train.flags
"""

import argparse
import bisect
import functools
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from attention_ocr.data.pipeline import SkipReport, training_batches
from attention_ocr.data.sources import open_source
from attention_ocr.models.build import build_recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import ASCII, END_ID, PAD_ID, SPECIAL_TOKENS, START_ID, Charset
from attention_ocr.training.devices import make_strategy, resolve_precision
from attention_ocr.training.optimization import AveragedWeights, make_optimizer
from attention_ocr.training.step import Batch, make_train_step
from benchmarks import arithmetic, measure
from benchmarks.flag_files import read_flags

MODELS: dict[str, dict[str, str | int | float]] = {
    "compact": {},
    "compact-grid": {"sequence_layers": 0},
    "compact-attention": {"ctc_weight": 0.0},
    "compact-ctc": {"attention_weight": 0.0, "decoding": "ctc"},
    "compact-tps": {"rectifier": "tps"},
    # CRNN's encoder and sequence model with an attention decoder.
    "vgg": {"encoder": "vgg", "sequence_layers": 2, "sequence_units": 256},
    "resnet": {"encoder": "resnet"},
    "recursive": {"encoder": "recursive"},
    "inception-v3": {"encoder": "inception_v3"},
}
IMAGE_SIZE = (32, 128)


def draw_lengths(config: Config, num_batches: int) -> list[np.ndarray]:
    """Draw the label lengths of each batch: 8 characters on average, in buckets of lengths."""
    generator = np.random.default_rng(0)
    buckets: dict[int, list[int]] = defaultdict(list)
    batches: list[np.ndarray] = []
    while len(batches) < num_batches:
        length = int(np.clip(round(generator.normal(8.0, 2.6)), 1, 23))
        index = bisect.bisect_left(config.data.bucket_lengths, length)
        buckets[index].append(length)
        if len(buckets[index]) == config.data.batch_size:
            batches.append(np.array(buckets.pop(index)))
    return batches


def make_batch(lengths: np.ndarray, vocabulary_size: int) -> Batch:
    """Return a batch of noise with labels of these lengths."""
    generator = np.random.default_rng(1)
    batch_size, num_steps = len(lengths), lengths.max() + 1
    token_ids = generator.integers(len(SPECIAL_TOKENS), vocabulary_size, (batch_size, num_steps))
    steps = np.arange(num_steps)
    texts = np.where(steps < lengths[:, None], token_ids, PAD_ID)
    starts = np.full((batch_size, 1), START_ID)
    return {
        "images": tf.constant(generator.uniform(-1, 1, (batch_size, *IMAGE_SIZE, 1)), tf.float32),
        "image_sizes": tf.tile([IMAGE_SIZE], (batch_size, 1)),
        "decoder_inputs": tf.constant(np.concatenate([starts, texts[:, :-1]], axis=1), tf.int32),
        "targets": tf.constant(np.where(steps == lengths[:, None], END_ID, texts), tf.int32),
        "target_weights": tf.constant(steps <= lengths[:, None], tf.float32),
    }


def make_training(
    model: str, precision: str, batch_size: int, num_batches: int
) -> Callable[[], None]:
    """Build a model and return a function that trains it on each batch once."""
    config = Config.from_values({"batch_size": batch_size, **MODELS[model]})
    charset = Charset(ASCII)
    batches = [
        make_batch(lengths, charset.vocabulary_size)
        for lengths in draw_lengths(config, num_batches)
    ]
    strategy = make_strategy("one_device")
    with strategy.scope():
        recognizer = build_recognizer(config, charset, precision)
        optimizer = make_optimizer(config.training, recognizer.trainable_variables)
        averages = AveragedWeights(recognizer.weights, config.training.average_decay)
        step = make_train_step(strategy, recognizer, optimizer, averages, config)

    def train() -> None:
        losses = [step(batch)["loss"] for batch in batches]
        # Reading the loss waits for the step.
        tf.add_n(losses).numpy()

    return train


def gflop_of(model: str, batch_size: int, num_batches: int) -> float:
    """Return the operations of a training step per image, averaged over the batches."""
    config = Config.from_values({"batch_size": batch_size, **MODELS[model]})
    recognizer = build_recognizer(config, Charset(ASCII))
    steps = np.mean([lengths.max() + 1 for lengths in draw_lengths(config, num_batches)])
    return arithmetic.training_gflop(recognizer, *IMAGE_SIZE, float(steps))


class WholeRun:
    """A training run of a flag file, without its outputs.

    Args:
        flag_file: Path of its settings.

    Attributes:
        num_images: Images per batch.
        gflop: Operations of the batches trained on so far, in 10^9.
    """

    def __init__(self, flag_file: Path) -> None:
        config = Config.from_values(read_flags(flag_file))
        charset = Charset(ASCII)
        strategy = make_strategy("one_device")
        with strategy.scope():
            self.recognizer = build_recognizer(config, charset, resolve_precision("auto"))
            optimizer = make_optimizer(config.training, self.recognizer.trainable_variables)
            averages = AveragedWeights(self.recognizer.weights, config.training.average_decay)
            self._step = make_train_step(strategy, self.recognizer, optimizer, averages, config)
        source = open_source(config.data.train_data)
        self._batches = iter(training_batches(source, config, charset, SkipReport()))
        self._gflop_of_size = functools.cache(partial(arithmetic.training_gflop, self.recognizer))

    def train(self, num_batches: int) -> tuple[int, float, measure.Sample]:
        """Train on some batches.

        Returns:
            How many images they held, the arithmetic that they took, in 10^9, and the time.
        """
        sizes = []

        def take_steps() -> None:
            for _ in range(num_batches):
                batch = next(self._batches)
                float(self._step(batch)["loss"])
                sizes.append((batch["images"].shape[1:3], batch["targets"].shape))

        sample, num_images, gflop = measure.take_sample(take_steps), 0, 0.0
        for (height, width), (count, num_steps) in sizes:
            num_images += count
            gflop += count * self._gflop_of_size(height, width, num_steps)
        return num_images, gflop, sample


def measure_run(flag_file: Path, num_batches: int) -> dict[str, Any]:
    """Train with a flag file, and return the row of the run.

    The first batches are not timed: the pipeline fills, and graphs are traced.
    """
    run = WholeRun(flag_file)
    run.train(num_batches)
    num_images, gflop, sample = run.train(num_batches)
    multiply = arithmetic.make_peak(resolve_precision("auto"))
    multiply()
    peak = min(measure.take_sample(multiply).cpu_s for _ in range(5)) / arithmetic.peak_gflop()
    return {
        "a whole run, an image": flag_file.as_posix(),
        "images": num_images,
        "CPU ms": 1000 * sample.cpu_s / num_images,
        "wall ms": 1000 * sample.wall_s / num_images,
        "GFLOP": gflop / num_images,
        "peak GFLOP/s": 1.0 / peak,
        "share of peak %": 100 * gflop * peak / sample.cpu_s,
    }


def main(arguments: argparse.Namespace) -> None:
    """Time every model in every precision, or whole runs."""
    if arguments.run:
        # A new process, as training sets the environment before TensorFlow is imported.
        with measure.fresh_process() as process:
            rows = [
                process.submit(measure_run, file, arguments.batches).result()
                for file in arguments.run
            ]
        measure.report(rows, arguments.json)
        return
    kinds = [(model, precision) for model in arguments.models for precision in arguments.precisions]
    with ExitStack() as processes:
        work = {
            f"{model} {precision}": processes.enter_context(
                measure.own_process(
                    partial(
                        make_training, model, precision, arguments.batch_size, arguments.batches
                    )
                )
            )
            for model, precision in kinds
        }
        peaks = {
            precision: processes.enter_context(
                measure.own_process(partial(arithmetic.make_peak, precision))
            )
            for precision in arguments.precisions
        }
        units = arguments.batch_size * arguments.batches
        times = measure.time_alternately({**work, **peaks}, units, arguments.rounds)
    rows = []
    for model, precision in kinds:
        name = f"{model} {precision}"
        gflop = gflop_of(model, arguments.batch_size, arguments.batches)
        peak = arithmetic.peak_gflop() / (units * times[precision]["lowest"])
        share = {"GFLOP": gflop, "share of peak %": 100 * gflop / (times[name]["CPU ms"] * peak)}
        rows.append({"training step, an image": name, **times[name], **share})
    measure.report(rows, arguments.json)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=["compact", "vgg"])
    parser.add_argument(
        "--precisions",
        nargs="+",
        choices=("bfloat16", "float32"),
        default=["bfloat16", "float32"],
    )
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--batches", type=int, default=4, help="batches per round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--run", type=Path, nargs="+", metavar="FILE", help="measure whole runs")
    main(parser.parse_args())

"""Cost of a training step: CPU time an image, images a second, memory.

Each encoder trains on fixed batches of 32 x 128 pixels whose labels are as long as words are, with
the step that training uses.

    python -m benchmarks.training_step [--json=FILE]
"""

import argparse

import numpy as np
import tensorflow as tf

from attention_ocr.charset import ASCII, END_ID, SPECIAL_TOKENS, START_ID, Charset
from attention_ocr.config import Config
from attention_ocr.models.build import build_recognizer
from attention_ocr.training.devices import make_strategy, resolve_precision
from attention_ocr.training.optimization import AveragedWeights, make_optimizer
from attention_ocr.training.step import Batch, make_train_step
from benchmarks import measure

MODELS: dict[str, dict[str, str | int | float]] = {
    "compact": {},
    "compact, no BiLSTM": {"sequence_layers": 0},
    "compact, attention alone": {"ctc_weight": 0.0},
    "compact, CTC alone": {"attention_weight": 0.0, "decoding": "ctc"},
    "vgg, 2 x BiLSTM(256)": {"encoder": "vgg", "sequence_layers": 2, "sequence_units": 256},
}


def make_batch(config: Config, charset: Charset, seed: int) -> Batch:
    """Return a batch of noise whose labels are 3 to 14 characters long, 8 on average."""
    generator = np.random.default_rng(seed)
    batch_size = config.data.batch_size
    lengths = np.clip(np.round(generator.normal(8, 2.5, batch_size)), 3, 14).astype(int)
    targets = np.zeros((batch_size, lengths.max() + 1), np.int32)
    for row, length in enumerate(lengths):
        targets[row, :length] = generator.integers(
            len(SPECIAL_TOKENS), charset.vocabulary_size, length
        )
        targets[row, length] = END_ID
    starts = np.full((batch_size, 1), START_ID, np.int32)
    inputs = np.concatenate([starts, targets[:, :-1]], axis=1)
    images = generator.normal(0, 0.5, (batch_size, 32, 128, 1)).astype(np.float32)
    return {
        "images": tf.constant(images),
        "image_sizes": tf.tile([[32, 120]], (batch_size, 1)),
        "decoder_inputs": tf.constant(np.where(inputs == END_ID, 0, inputs)),
        "targets": tf.constant(targets),
        "target_weights": tf.constant((targets > 0).astype(np.float32)),
    }


def main(arguments: argparse.Namespace) -> None:
    """Time every model that was asked for, in turn."""
    charset = Charset(ASCII)
    strategy = make_strategy("one_device")
    precision = resolve_precision(arguments.precision)
    names = [name for name in MODELS if name.startswith(arguments.models)]
    work, units = {}, arguments.batch_size * arguments.batches
    for name in names:
        config = Config.from_values({"batch_size": arguments.batch_size, **MODELS[name]})
        batches = [make_batch(config, charset, seed) for seed in range(arguments.batches)]
        with strategy.scope():
            recognizer = build_recognizer(config, charset, precision)
            optimizer = make_optimizer(config.training, recognizer.trainable_variables)
            averages = AveragedWeights(recognizer.weights, config.training.average_decay)
            step = make_train_step(strategy, recognizer, optimizer, averages, config)

        def train(step=step, batches=batches) -> None:  # type: ignore[no-untyped-def]
            for batch in batches:
                step(batch)["loss"].numpy()

        work[name] = train
    times = measure.measure_alternating(work, units, arguments.rounds)
    rows = [
        {
            "model": name,
            "precision": precision,
            "CPU ms an image": times[name].cpu_ms,
            "images a second": 1000 / times[name].wall_ms,
        }
        for name in names
    ]
    measure.report(rows, arguments.json)
    print(f"peak memory of all together: {measure.peak_mb():.0f} MB")


if __name__ == "__main__":
    main(
        measure.parse_arguments(
            __doc__, models="", precision="auto", batch_size=64, batches=3, rounds=5
        )
    )

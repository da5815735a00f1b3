"""Speed of augmentation: each op and the default policy, on batches of 32x128 pixels.

python -m benchmarks.augmentation [--policies default affine] [--json FILE]
"""

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
import tensorflow as tf

from attention_ocr.data.augmentation.augment import augment
from attention_ocr.settings.augmentation import OPS, parse_policy
from benchmarks import measure

HEIGHT, WIDTH = 32, 128
STRENGTH = 0.5


def make_work(policy: str, batch_size: int, num_batches: int, channels: int) -> Callable[[], None]:
    """Return a function that augments some batches of noise."""
    random = np.random.default_rng(0)
    images = random.uniform(-1.0, 1.0, (batch_size, HEIGHT, WIDTH, channels)).astype(np.float32)
    widths = random.integers(WIDTH // 2, WIDTH + 1, batch_size)
    sizes = tf.constant(np.stack([np.full(batch_size, HEIGHT), widths], axis=1), tf.int32)
    batch, parsed = tf.constant(images), parse_policy(policy)

    @tf.function
    def apply(seed: tf.Tensor) -> tf.Tensor:
        return augment(batch, sizes, seed, parsed, STRENGTH)

    def work() -> None:
        for index in range(num_batches):
            apply(tf.constant([0, index]))

    work()
    return work


def main(arguments: argparse.Namespace) -> None:
    """Print a row for each policy."""
    make = partial(
        make_work,
        batch_size=arguments.batch_size,
        num_batches=arguments.batches,
        channels=arguments.channels,
    )
    work = {policy: partial(measure.take_sample, make(policy)) for policy in arguments.policies}
    num_images = arguments.batches * arguments.batch_size
    times = measure.time_alternately(work, num_images, arguments.rounds)
    rows = [
        {
            "augmentation, per image": policy,
            **columns,
            "images per CPU-second": 1000 / columns["CPU ms"],
        }
        for policy, columns in times.items()
    ]
    measure.report(rows, arguments.json)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("--policies", nargs="+", default=["default", *OPS])
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--batches", type=int, default=20, help="batches per round")
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args())

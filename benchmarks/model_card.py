"""Figures of the model card: accuracy by data set, length, size and rotation, and worst errors.

The images of each data set held out by `every=5`, or chosen by its own options, are read; both, and
the match, as in `benchmarks.peers.compare`. `rotated`, `sloping`, `receding` and `along an arc` are
the same images distorted (`benchmarks.distortions`; along arcs those of five characters and more),
`without a text` rendered images without text, for which an empty prediction is correct. `ECE %` is
the expected calibration error against strict matches (`attention_ocr.metrics.calibration`), and
`by chance %` the mean and the 95th percentile of it for calibrated confidences.

    python -m benchmarks.model_card LABELS... --model=DIR --worst=worst.png
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

import attention_ocr
from attention_ocr.metrics.accuracy import alphanumeric_match, compute_metrics, exact_match
from attention_ocr.metrics.calibration import compute_calibration
from attention_ocr.synthesis.contact_sheet import draw_contact_sheet
from attention_ocr.synthesis.fonts import find_faces
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from benchmarks import measure
from benchmarks.distortions import bend, recede, turn
from benchmarks.peers.compare import choose_images, data_of

LENGTHS = ((1, 3), (4, 6), (7, 9), (10, 99))
HEIGHTS = ((1, 15), (16, 23), (24, 31), (32, 63), (64, 9999))
TURNS = (-30, -15, -5, 5, 15, 30)
RECEDING = {
    "sloping by 24°, letters upright": (24, 0.7, 1.0),
    "receding to half the height": (17, 0.6, 0.5),
}
"""Slope, width and height of the far edge; every second word rises."""
ARCS = (-120, 60, 110, 150)
MIN_BENT = 5
"""Least characters of a word along an arc."""
NUM_TEXTLESS = 300


class Word(NamedTuple):
    """An image, uint8 RGB [H, W, 3], its data set and its text."""

    image: np.ndarray
    data: str
    text: str


class Reading(NamedTuple):
    """A word, the predicted text and its confidence, in [0, 1]."""

    word: Word
    text: str
    confidence: float


def read_words(labels: Iterable[str], every: int) -> list[Word]:
    """Read the held-out images of label files, each with options or without.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a file is not an image.
    """
    words = []
    for source in labels:
        for row in choose_images(source, every, "eval"):
            image = cv2.imread(str(row.path), cv2.IMREAD_COLOR)
            if image is None:
                raise ValueError(f"Expected an image. Received: {row.path}")
            words.append(Word(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), data_of(source), row.text))
    return words


def read_with(reader: Any, words: Sequence[Word]) -> list[Reading]:
    """Return predictions in the order of the words."""
    results = reader.read([word.image for word in words])
    return [
        Reading(word, result.text, result.confidence)
        for word, result in zip(words, results, strict=True)
    ]


def _distorted(words: Sequence[Word]) -> Iterator[tuple[str, list[Word]]]:
    """Yield the name of each distortion, and the words so distorted."""
    for degrees in TURNS:
        yield (
            f"rotated by {degrees}°",
            [word._replace(image=turn(word.image, degrees)) for word in words],
        )
    for name, (slope, width, far) in RECEDING.items():
        yield (
            name,
            [
                word._replace(image=recede(word.image, (-1) ** (index + 1) * slope, width, far))
                for index, word in enumerate(words)
            ],
        )
    for degrees in ARCS:
        yield (
            f"along an arc of {degrees}°",
            [
                word._replace(image=bend(word.image, degrees))
                for word in words
                if len(word.text) >= MIN_BENT
            ],
        )


def textless_words() -> list[Word]:
    """Render images without text."""
    renderer = Renderer(SynthesisConfig(textless=1.0, fonts="bundled", seed=1))
    return [Word(image, "", "") for image, _ in renderer.generate(0, NUM_TEXTLESS)]


def describe(name: str, readings: Sequence[Reading]) -> dict[str, Any]:
    """Return the row of a group of predictions."""
    labels = [reading.word.text for reading in readings]
    metrics = compute_metrics(labels, [reading.text for reading in readings])
    low, high = metrics.alphanumeric_match_interval
    believed = compute_calibration(
        [reading.confidence for reading in readings],
        [exact_match(reading.word.text, reading.text) for reading in readings],
    )
    return {
        "images": name,
        "number": len(readings),
        "match %": 100 * metrics.alphanumeric_match,
        "95 % interval": f"{100 * low:.1f} to {100 * high:.1f}",
        "strict %": 100 * metrics.exact_match,
        "CER %": 100 * metrics.cer,
        "confidence": float(np.mean([reading.confidence for reading in readings])),
        "ECE %": 100 * believed.expected_calibration_error,
        "by chance %": 100 * believed.chance_error.mean,
        "up to": 100 * believed.chance_error.high,
    }


def describe_groups(readings: Sequence[Reading]) -> list[dict[str, Any]]:
    """Return a row for each data set, length and size that has predictions."""
    groups = {data: [row for row in readings if row.word.data == data] for data in _sets(readings)}
    groups["all"] = list(readings)
    for low, high in LENGTHS:
        groups[f"{low} to {high} characters"] = [
            row for row in readings if low <= len(row.word.text) <= high
        ]
    for low, high in HEIGHTS:
        groups[f"{low} to {high} pixels high"] = [
            row for row in readings if low <= row.word.image.shape[0] <= high
        ]
    return [describe(name, group) for name, group in groups.items() if group]


def _sets(readings: Iterable[Reading]) -> Iterable[str]:
    return dict.fromkeys(reading.word.data for reading in readings)


def draw_worst(readings: Sequence[Reading], number: int) -> np.ndarray:
    """Draw the most confident errors, each with its label and prediction."""
    wrong = [row for row in readings if not alphanumeric_match(row.word.text, row.text)]
    wrong.sort(key=lambda row: -row.confidence)
    if not wrong:
        raise ValueError("Expected errors to draw. Received: none")
    examples = [
        (row.word.image, f"{row.word.text} > {row.text} ({row.confidence:.2f})")
        for row in wrong[:number]
    ]
    return draw_contact_sheet(examples, find_faces("bundled"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read all images and print the table."""
    parser = measure.make_parser(__doc__)
    parser.add_argument("labels", nargs="+", help="labels.tsv files, with options or without")
    parser.add_argument("--model", metavar="DIR", help="default: the package's model")
    parser.add_argument("--every", type=int, default=5, help="read every N-th image")
    parser.add_argument(
        "--worst", type=Path, metavar="FILE", help="output image of the most confident errors"
    )
    parser.add_argument("--num_worst", type=int, default=36, help="number of errors to draw")
    args: argparse.Namespace = parser.parse_args(arguments)
    reader = attention_ocr.load(args.model)
    words = read_words(args.labels, args.every)
    readings = read_with(reader, words)
    rows = describe_groups(readings)
    for name, distorted in _distorted(words):
        if distorted:
            rows.append(describe(name, read_with(reader, distorted)))
    rows.append(describe("without a text", read_with(reader, textless_words())))
    measure.report(rows, args.json)
    if args.worst:
        sheet = cv2.cvtColor(draw_worst(readings, args.num_worst), cv2.COLOR_RGB2BGR)
        if not cv2.imwrite(str(args.worst), sheet):
            raise OSError(f"Cannot write an image to {args.worst}")


if __name__ == "__main__":
    main()

"""How rendered words look beside real ones: contrast, strokes, sharpness, room around the text.

Each image is brought to 32 pixels of height and split into text and background by two means of its
colours, the text being what touches the border less. An image higher than wide is left out. The
table has medians: contrast of luma, of 255; mean width of the strokes in pixels; sharpness, the
steepest step from pixel to pixel as a share of the contrast; the share that the text covers; how
bright and how colourful the image is; and its width for each character of the text, in heights.

    python -m benchmarks.looks LABELS... [--difficulty=0.8] [--count=200]

Of each data set the images are those that `every=5` leaves to train on.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from attention_ocr.data.labels import held_out_split, read_labels
from attention_ocr.synthesis.effects import measure_strokes
from attention_ocr.synthesis.looks import LOOKS
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from benchmarks import measure

HEIGHT = 32
COLUMNS = (
    *("contrast", "stroke px", "sharpness %", "text %"),
    *("luma", "saturation %", "width a character"),
)
# What is written on things of a look.
KINDS = {
    "plates": ("plates",),
    "tags": ("tags",),
    "punched": ("numbers",),
    "led": ("meters",),
    "wheels": ("meters",),
    "captchas": ("captchas",),
}
# Below, two colours of the text or of the background are separated, not these two.
MIN_CONTRAST = 5.0
STEEPEST = 98


def look_of(image: np.ndarray, text: str) -> tuple[float, ...] | None:
    """Measure an image, uint8 RGB [H, W, 3]; see `COLUMNS`. None for one higher than wide."""
    height, width = image.shape[:2]
    if width < height or not text:
        return None
    size = (max(8, round(width * HEIGHT / height)), HEIGHT)
    way = cv2.INTER_AREA if height > HEIGHT else cv2.INTER_LINEAR
    image = cv2.resize(image, size, interpolation=way)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 1.0)
    colors = image.reshape(-1, 3).astype(np.float32)
    _, labels, centers = cv2.kmeans(colors, 2, np.array([]), stop, 2, cv2.KMEANS_PP_CENTERS)
    parts = labels.reshape(image.shape[:2])
    border = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    ink = np.where(parts == int(border.mean() < 0.5), 255, 0).astype(np.uint8)
    contrast = max(MIN_CONTRAST, abs(float(_luma(centers[0]) - _luma(centers[1]))))
    steps = np.abs(np.diff(_luma(image.astype(np.float32)), axis=1))
    sharpness = 100 * float(np.percentile(steps, STEEPEST)) / contrast
    brightest = image.max(axis=2).astype(np.float32)
    saturation = float(((brightest - image.min(axis=2)) / np.maximum(brightest, 1.0)).mean())
    return (
        contrast,
        measure_strokes(ink).width,
        sharpness,
        float(ink.mean()) / 2.55,
        float(_luma(image.astype(np.float32)).mean()),
        100 * saturation,
        width / height / len(text),
    )


def _luma(colors: np.ndarray) -> np.ndarray:
    return colors @ np.array([0.299, 0.587, 0.114], np.float32)


def measure_looks(images: Iterable[tuple[np.ndarray, str]]) -> dict[str, Any]:
    """Return the number of measured images, and medians by `COLUMNS`.

    Raises:
        ValueError: If no image can be measured.
    """
    looks = [look for image, text in images if (look := look_of(image, text)) is not None]
    if not looks:
        raise ValueError("Expected an image with a text, not higher than wide. Received: none")
    medians = np.median(looks, axis=0)
    return {"number": len(looks)} | dict(zip(COLUMNS, map(float, medians), strict=True))


def read_images(labels: Path, count: int) -> Iterator[tuple[np.ndarray, str]]:
    """Read training images, evenly spread over the file.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a file is not an image.
    """
    rows = list(held_out_split(read_labels(labels), 5, "train"))
    for row in rows[:: max(1, len(rows) // count)][:count]:
        image = cv2.imread(str(row.path), cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError(f"Expected an image. Received: {row.path}")
        yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB), row.text


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labels", type=Path, nargs="*", help="label files of real words")
    parser.add_argument("--count", type=int, default=200, help="images per set")
    parser.add_argument("--difficulty", type=float, default=0.8, help="of rendered images")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    options = parser.parse_args(arguments)
    # k-means starts at random centres.
    cv2.setRNGSeed(0)
    rows = [
        {"images": file.parent.name} | measure_looks(read_images(file, options.count))
        for file in options.labels
    ]
    # A column of letters is higher than wide.
    for look in (name for name in LOOKS if name != "stacked"):
        kinds = KINDS.get(look, ("words",))
        config = SynthesisConfig(kinds=kinds, difficulty=options.difficulty, look=look)
        images = Renderer(config).generate(0, options.count)
        rows.append({"images": f"rendered, look={look}"} | measure_looks(images))
    measure.report(rows, options.json)


if __name__ == "__main__":
    main()

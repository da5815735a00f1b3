r"""Warp labelled words as if they were seen from elsewhere: more irregular real images.

The words of the real sets are mostly level. Each is rotated, sheared and foreshortened at its own
resolution, and placed on a continuation of its background or on another image, within the bounding
box of the warped word, as crops of photographs are cut. Vertical and single characters are skipped.

    python configs/word_views.py runs/words/views SOURCE...

A source is one of `--train_data`, such as
`runs/data/iiit5k_train/labels.tsv,every=5,part=train`. The views are written beside a `labels.tsv`
that lists them.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from attention_ocr.data.sources import Walk, open_source
from attention_ocr.images.decode import decode_array

VIEWS_OF_A_WORD = 4
LOWEST, HIGHEST = 48, 160
"""Rows in which a word is warped: more than it has, so that warping does not blur it, but few."""
TALLEST = 1.2
"""Greatest height of a word, in widths."""
ROTATION, STEEPEST = 16.0, 50.0
"""Standard deviation and largest value in degrees."""
SHEAR = 0.18
MARGIN = (-0.03, 0.12)
"""Range of each margin of the crop, in its shorter sides; some cut into the word's box."""
SMALLEST = 8
"""Pixels of the shorter side below which a view is left out."""
HIGHEST_WRITTEN = 96


class Placement(NamedTuple):
    """Where a word goes: its corners float64 [4, 2] in a view of `size` (width, height) pixels."""

    corners: np.ndarray
    size: tuple[int, int]


def main(folder: Path, sources: list[str]) -> None:
    """Write views of the words of all sources into a folder, which is created."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    words, num_skipped = read_words(sources)
    lines: list[str] = []
    for image, label in words:
        for _ in range(VIEWS_OF_A_WORD):
            view = draw_view(rng, image, words[rng.integers(len(words))][0])
            name = f"{len(lines)}.png"
            if view is not None and cv2.imwrite(str(folder / name), view[..., ::-1]):
                lines.append(f"{name}\t{label}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    sys.stdout.write(f"{len(lines)} views in {folder}; {num_skipped} images skipped\n")


def read_words(sources: list[str]) -> tuple[list[tuple[np.ndarray, str]], int]:
    """Return the words that can be warped, uint8 [h, w, 3] and label, and the number of others."""
    words: list[tuple[np.ndarray, str]] = []
    num_skipped = 0
    for source in sources:
        for row in open_source(source).files(Walk()).as_numpy_iterator():
            image, label = decode_array(row["encoded"]), row["text"].decode("utf-8")
            if image is None or len(label) < 2 or image.shape[0] > TALLEST * image.shape[1]:
                num_skipped += 1
            else:
                words.append((image, label))
    return words, num_skipped


def draw_view(rng: np.random.Generator, image: np.ndarray, other: np.ndarray) -> np.ndarray | None:
    """Return a word, uint8 [h, w, 3], seen from elsewhere; None if hardly anything is seen of it.

    Args:
        rng: Random numbers.
        image: The word.
        other: An image of any size for the background.
    """
    rows = min(max(image.shape[0], LOWEST), HIGHEST)
    columns = max(round(image.shape[1] * rows / image.shape[0]), 1)
    grown = rows > image.shape[0]
    interpolation = cv2.INTER_CUBIC if grown else cv2.INTER_AREA
    image = cv2.resize(image, (columns, rows), interpolation=interpolation)
    corners, size = draw_placement(rng, columns, rows)
    if min(size) < SMALLEST or size[1] > 1.6 * size[0]:
        return None
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    repeated = rng.choice([cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE])
    warped = cv2.warpPerspective(image, matrix, size, borderMode=int(repeated))
    inside = cv2.warpPerspective(np.full((rows, columns), 255, np.uint8), matrix, size)
    share = (cv2.GaussianBlur(inside, (0, 0), 1.3) / 255.0)[..., None]
    kind = rng.random()
    if kind < 0.3:
        ground = on_other(other, image, size)
    elif kind < 0.8:
        ground = cv2.GaussianBlur(warped, (0, 0), max(size[1] / 9, 1.0))
    else:
        ground = warped  # Mirrored or drawn out, as if there were more text.
    view = (warped * share + ground * (1.0 - share)).astype(np.uint8)
    return shrink(rng, view)


def draw_placement(rng: np.random.Generator, columns: int, rows: int) -> Placement:
    """Rotate, shear and foreshorten the corners of a word, and draw the crop around it."""
    x = np.array([-1.0, 1.0, 1.0, -1.0]) * columns / 2
    y = np.array([-1.0, -1.0, 1.0, 1.0]) * rows / 2
    if rng.random() < 0.6:
        far = [0, 3] if rng.random() < 0.5 else [1, 2]
        y[far] *= 1 - rng.uniform(0.0, 0.55)
    if rng.random() < 0.5:
        x *= 1 - rng.uniform(0.0, 0.4)
    x = x + rng.normal(0.0, SHEAR) * y
    angle = np.radians(np.clip(rng.normal(0.0, ROTATION), -STEEPEST, STEEPEST))
    cosine, sine = np.cos(angle), np.sin(angle)
    corners = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1)
    shorter = np.ptp(corners, axis=0).min()
    begin = corners.min(axis=0) - shorter * rng.uniform(*MARGIN, 2)
    end = corners.max(axis=0) + shorter * rng.uniform(*MARGIN, 2)
    width, height = np.ceil(end - begin).astype(int)
    return Placement(corners - begin, (int(width), int(height)))


def on_other(other: np.ndarray, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Blur another image, and give it the colour at the edge of the word."""
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).mean(axis=0)
    ground = cv2.GaussianBlur(cv2.resize(other, size), (0, 0), max(size[1] / 12, 1.0))
    return np.clip(ground + (edge - ground.mean(axis=(0, 1))), 0.0, 255.0)


def shrink(rng: np.random.Generator, view: np.ndarray) -> np.ndarray:
    """Reduce a third of the views to what a distant camera sees, and large ones."""
    height, width = view.shape[:2]
    factor = rng.uniform(0.3, 0.9) if rng.random() < 0.35 else 1.0
    new_height = min(max(round(factor * height), 10), height, HIGHEST_WRITTEN)
    new_width = max(round(width * new_height / height), 1)
    return cv2.resize(view, (new_width, new_height), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python configs/word_views.py FOLDER SOURCE...")
    main(Path(sys.argv[1]), sys.argv[2:])

r"""Crop parts of labelled words, cut between characters: more real images than there are words.

A network memorises few real words; there are more parts of them. The attention of the bundled model
locates the characters. Words that it reads differently from their label or with low confidence,
vertical words, and words of fewer than four characters are skipped.

    python configs/word_parts.py runs/words/parts SOURCE...

A source is one of `--train_data`, such as
`runs/data/iiit5k_train/labels.tsv,every=5,part=train`. The parts are written beside a `labels.tsv`
that lists them.
"""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

import attention_ocr
from attention_ocr.data.sources import Walk, open_source
from attention_ocr.images.decode import decode_array
from attention_ocr.inference.engines.interface import Reading

PARTS_OF_A_WORD = 3
SHORTEST = 2
CONFIDENT = 0.8
"""Least confidence of a reading whose attention is used."""
FLATTEST = 1.2
"""Least width of a word, in heights."""
GAP = np.array([0.5, 1.1])
"""Range in which the gap after a character is searched, in steps to the next character."""


def main(folder: Path, sources: list[str]) -> None:
    """Write the parts of the words of all sources into a folder, which is created."""
    folder.mkdir(parents=True, exist_ok=True)
    reader = attention_ocr.load()
    rng = np.random.default_rng(0)
    lines: list[str] = []
    num_whole = num_unreadable = 0
    for number, source in enumerate(sources):
        for file, label in read_files(source):
            image = decode_array(file)
            reading = reader.read(file)[0]
            if image is None:
                num_unreadable += 1
                continue
            if not can_be_cut(image, label, reading):
                num_whole += 1
                continue
            places = borders(image, reading)
            for begin, end in draw_parts(rng, len(label)):
                left, right = places[[begin, end]]
                name = f"{number}_{len(lines)}.png"
                part = np.ascontiguousarray(image[:, left:right, ::-1])
                if part.size and cv2.imwrite(str(folder / name), part):
                    lines.append(f"{name}\t{label[begin:end]}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    sys.stdout.write(
        f"{len(lines)} parts in {folder}; {num_whole} words skipped, "
        f"{num_unreadable} files unreadable\n"
    )


def read_files(source: str) -> Iterator[tuple[bytes, str]]:
    """Yield image files, empty if missing, and their labels."""
    for row in open_source(source).files(Walk()).as_numpy_iterator():
        yield row["encoded"], row["text"].decode("utf-8")


def can_be_cut(image: np.ndarray, label: str, reading: Reading) -> bool:
    """Return whether the positions of the characters are known."""
    height, width = image.shape[:2]
    return (
        len(label) >= 2 * SHORTEST
        and reading.text == label
        and reading.confidence >= CONFIDENT
        and not reading.quarter_turns
        and not reading.slant
        and width >= FLATTEST * height
    )


def borders(image: np.ndarray, reading: Reading) -> np.ndarray:
    """Return the cuts between characters: int [n + 1], in pixels, from 0 to the width.

    The attention is on the left of a character, so the gap, the column of least contrast, is
    searched to the right of the midpoint between two.
    """
    width = image.shape[1]
    columns = reading.attention.sum(axis=1)  # [n, W']
    places = (np.arange(columns.shape[1]) + 0.5) / columns.shape[1] / reading.attention_extent[1]
    centres = width * (columns @ places) / columns.sum(axis=1)
    contrast = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).std(axis=0)
    found = [0]
    for first, second in itertools.pairwise(centres):
        step = second - first
        begin, end = (first + GAP * step).round().astype(int)
        begin = int(np.clip(begin, found[-1], width - 1))
        found.append(begin + int(np.argmin(contrast[begin : max(begin, end) + 1])))
    return np.array([*found, width])


def draw_parts(rng: np.random.Generator, length: int) -> set[tuple[int, int]]:
    """Return begin and end of a few parts of a word of `length` characters."""
    parts = set()
    for _ in range(PARTS_OF_A_WORD):
        size = int(rng.integers(SHORTEST, length))
        begin = int(rng.integers(0, length - size + 1))
        parts.add((begin, begin + size))
    return parts


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python configs/word_parts.py FOLDER SOURCE...")
    main(Path(sys.argv[1]), sys.argv[2:])

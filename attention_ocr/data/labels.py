"""Label files: one line per image, its path, a tab, its text."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from attention_ocr.charset import normalize
from attention_ocr.data.files import read_lines
from attention_ocr.data.tables import ImageTable, split_indices


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image file and the text in it.

    Args:
        path: Where the image is.
        key: The path as the label file gives it; names the image in reports.
        text: The label, in Unicode's composed form (NFC).
    """

    path: Path
    key: str
    text: str


def read_labels(path: str | os.PathLike[str], require_images: bool = True) -> list[LabelledImage]:
    """Read a label file.

    The file is UTF-8, with or without a byte order mark. A line ends with a line feed, or with a
    carriage return and a line feed, and with nothing else: Unicode's other line separators are
    text. The first tab ends the path; spaces belong to the path or to the text, and further tabs to
    the text. The text may be empty. An empty line is skipped. A relative path starts at the folder
    of the label file.

    Args:
        path: The label file.
        require_images: Whether each image has to be there.

    Returns:
        The images in the order of the file.

    Raises:
        FileNotFoundError: If the label file or an image is not there.
        ValueError: If a line is not UTF-8, has no tab or no path, if two lines name one image, or
            if there is no line. The message names the file and the line.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Expected a label file. Received: {path}, which is no file")
    table = ImageTable(str(path), str(path.parent), label_rows(str(path)), require_images)
    return [
        LabelledImage(path.parent / key, key, normalize(text))
        for key, text in zip(table.keys, table.texts, strict=True)
    ]


def held_out_split(images: Sequence[LabelledImage], every: int, part: str) -> list[LabelledImage]:
    """Split images by their sorted keys: of each `every` in a row the last is held out.

    Args:
        images: What to split, in any order.
        every: One image in so many is held out: of the sorted images, those at the positions
            `every - 1`, `2 * every - 1`, …
        part: `"eval"` for the images held out, `"train"` for the rest, or one of its own two
            parts, see `tables.split_indices`.

    Returns:
        The images of the part, sorted by key.

    Raises:
        ValueError: If `every` is below 2, `part` is unknown, or the part would be empty.
    """
    indices = split_indices([image.key for image in images], every, part)
    return [images[index] for index in indices]


def label_rows(path: str) -> Iterator[tuple[int, str, str]]:
    """Yield line number, path and text of each line of a label file, local or remote.

    Raises:
        ValueError: a line that is not UTF-8 or has no tab.
    """
    for line_number, line in read_lines(path):
        key, tab, text = line.partition("\t")
        if not tab:
            raise ValueError(
                f"{path}, line {line_number}: expected path, tab, text. "
                f"Received: {line!r}, without a tab"
            )
        yield line_number, key, text

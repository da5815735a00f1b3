"""Label files: one line per image, its path, a tab, its text."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from attention_ocr.data.columns import IMAGE_COLUMN, TEXT_COLUMN, Columns, find_columns
from attention_ocr.data.storage import read_lines
from attention_ocr.data.tables import ImageTable, split_indices
from attention_ocr.text.charset import normalize


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

    The file is UTF-8, with or without a byte order mark, or UTF-16 with one. A line ends with a
    line feed, or with a carriage return and a line feed, and with nothing else: Unicode's other
    line separators are text. A tab ends the path, and a line has one. Spaces belong to the text,
    which may be empty; those around a path are dropped where there is no image of that name, and a
    backslash is read as a slash. An empty line is skipped, and so is a first line that names the
    columns (`image`, tab, `text`). A relative path starts at the folder of the label file.

    Args:
        path: The label file.
        require_images: Whether each image has to be there.

    Returns:
        The images in the order of the file.

    Raises:
        FileNotFoundError: If the label file or an image is not there.
        ValueError: If a line is not UTF-8, has no tab, several or no path, if two lines name one
            image, or if there is no line. The message names the file and the line.
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


def label_rows(
    path: str, image: str = "", text: str = "", encoding: str = ""
) -> Iterator[tuple[int, str, str]]:
    """Yield line number, path and text of each line of a label file, local or remote.

    Args:
        path: The label file.
        image: Name or number of the column of the paths, as `columns.find_columns` takes it. With
            none for either a line is a path, a tab and a text, and the first line may be a header
            with `image` and `text` in it.
        text: Name or number of the column of the texts.
        encoding: As `files.decoded_lines` takes it.

    Raises:
        ValueError: If a line is in another encoding, or has too few or too many tabs. The message
            names it.
    """
    columns: Columns | None = None
    named = bool(image or text)
    image, text = image or IMAGE_COLUMN, text or TEXT_COLUMN
    for line_number, line in read_lines(path, encoding):
        values = line.split("\t")
        if columns is None and (named or {image, text} <= set(values)):
            columns = find_columns(values, f"{path}, line {line_number}", image, text)
            if columns.has_header:
                continue
        elif columns is None:
            columns = Columns(image=0, text=1, num_values=2, has_header=False)
        if len(values) != columns.num_values:
            raise ValueError(
                f"{path}, line {line_number}: expected {_expected(columns, named)}. "
                f"Received: {line!r}, {_tabs(len(values) - 1)}"
            )
        yield line_number, values[columns.image], values[columns.text]


def _expected(columns: Columns, named: bool) -> str:
    if named or columns.has_header:
        return f"{columns.num_values} columns with tabs between"
    return "path, tab, text; with more columns, name two (`image=1,text=2`)"


def _tabs(count: int) -> str:
    return "without a tab" if not count else f"with {count} tab{'s' * (count > 1)}"

"""Label files: one line per image, with path, tab and text."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from attention_ocr.data.columns import IMAGE_COLUMN, TEXT_COLUMN, Columns, find_columns
from attention_ocr.data.storage import is_remote, read_lines
from attention_ocr.data.tables import ImageTable, split_indices
from attention_ocr.text.charset import normalize


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image file and its label.

    Args:
        path: Path of the image. Of an address, which a path cannot hold, see `location`.
        key: The path as written in the label file; identifies the image in reports.
        text: The label, in Unicode's composed form (NFC).
    """

    path: Path
    key: str
    text: str

    @property
    def location(self) -> str:
        """The path or the address where the image is read."""
        is_address = is_remote(self.key) and self.path == Path(self.key)
        return self.key if is_address else str(self.path)


def read_labels(path: str | os.PathLike[str], require_images: bool = True) -> list[LabelledImage]:
    """Read a label file.

    The file is UTF-8, with or without a byte order mark, or UTF-16 with one. Lines end with LF or
    CRLF only; Unicode's other line separators are text. Each line has one tab, which ends the
    path. Spaces are part of the text, which may be empty; spaces around a path are dropped if no
    image has that name, and a backslash is read as a slash. Empty lines are skipped, as is a first
    line that names the columns (`image`, tab, `text`). Paths are relative to the label file, or
    addresses such as `s3://bucket/a.png`.

    Args:
        path: The label file.
        require_images: Whether each image must exist.

    Returns:
        The images in the order of the file.

    Raises:
        FileNotFoundError: If the label file or an image does not exist.
        ValueError: If a line is not UTF-8, has no path, no tab or several, if two lines name the
            same image, or if there are no lines. The message names the file and the line.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Expected a label file. Received: {path}, which is not a file")
    table = ImageTable(str(path), str(path.parent), label_rows(str(path)), require_images)
    return [
        LabelledImage(Path(table.path_of(key)), key, normalize(text))
        for key, text in zip(table.keys, table.texts, strict=True)
    ]


def held_out_split(images: Sequence[LabelledImage], every: int, part: str) -> list[LabelledImage]:
    """Split images by their sorted keys: every `every`-th image is held out.

    Args:
        images: Images in any order.
        every: Of the sorted images, those at the positions `every - 1`, `2 * every - 1`, … are
            held out.
        part: `"eval"` for the held-out images, `"train"` for the rest, or one of its two parts
            (see `tables.split_indices`).

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
        image: Name or number of the column of the paths, as in `columns.find_columns`. Without
            either name, a line is a path, a tab and a text, and the first line may be a header
            that contains `image` and `text`.
        text: Name or number of the column of the texts.
        encoding: As in `storage.decoded_lines`.

    Raises:
        ValueError: If a line has another encoding, or too few or too many tabs. The message names
            the line.
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
        return f"{columns.num_values} columns separated by tabs"
    return "path, tab, text; with more columns, name two (`image=1,text=2`)"


def _tabs(count: int) -> str:
    return "without a tab" if not count else f"with {count} tab{'s' * (count > 1)}"

"""Label files: one line per image, its path, a tab, its text."""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


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
    images: list[LabelledImage] = []
    line_by_path: dict[str, int] = {}
    for line_number, line in _lines(path):
        place = f"{path}, line {line_number}"
        image = _parse_line(line, path.parent, place)
        # `images/a.png` and `./images/a.png` are one image.
        first_line = line_by_path.setdefault(os.path.normpath(image.path), line_number)
        if first_line != line_number:
            raise ValueError(
                f"{place}: expected each image once. "
                f"Received: {image.key!r}, which line {first_line} names too"
            )
        if require_images and not image.path.is_file():
            raise FileNotFoundError(f"{place}: no such image: {image.path}")
        images.append(image)
    if not images:
        raise ValueError(f"Expected lines of path, tab, text. Received: {path}, which has none")
    return images


def held_out_split(images: Sequence[LabelledImage], every: int, part: str) -> list[LabelledImage]:
    """Split images by their sorted keys: of each `every` in a row the last is held out.

    Args:
        images: What to split, in any order.
        every: One image in so many is held out: of the sorted images, those at the positions
            `every - 1`, `2 * every - 1`, …
        part: `"eval"` for the images held out, `"train"` for the rest.

    Returns:
        The images of the part, sorted by key.

    Raises:
        ValueError: If `every` is below 2, `part` is unknown, or the part would be empty.
    """
    if every < 2:
        raise ValueError(f"Expected `every` to be 2 or more. Received: every={every}")
    if part not in ("train", "eval"):
        raise ValueError(f"Expected `part` to be 'train' or 'eval'. Received: part={part!r}")
    ordered = sorted(images, key=lambda image: image.key)
    chosen = [
        image
        for index, image in enumerate(ordered)
        if (index % every == every - 1) == (part == "eval")
    ]
    if not chosen:
        raise ValueError(
            f"Expected images for part={part!r} with every={every}. Received: {len(images)} images"
        )
    return chosen


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    # Read as bytes: a file opened as text also ends lines at a lone carriage return.
    with path.open("rb") as file:
        for line_number, raw_line in enumerate(file, start=1):
            # "utf-8-sig" drops a byte order mark, which stands at the start of the file only.
            encoding = "utf-8-sig" if line_number == 1 else "utf-8"
            try:
                line = raw_line.decode(encoding)
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{path}, line {line_number}: expected UTF-8. "
                    f"Received: byte 0x{raw_line[error.start]:02x}"
                ) from error
            line = line.removesuffix("\n").removesuffix("\r")
            if line:
                yield line_number, line


def _parse_line(line: str, folder: Path, place: str) -> LabelledImage:
    key, tab, text = line.partition("\t")
    if not tab:
        raise ValueError(f"{place}: expected path, tab, text. Received: {line!r}, without a tab")
    if not key:
        raise ValueError(f"{place}: expected a path before the tab. Received: {line!r}")
    return LabelledImage(path=folder / key, key=key, text=unicodedata.normalize("NFC", text))

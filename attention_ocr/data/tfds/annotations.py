"""Annotation formats shared by several published data sets."""

import re
from collections.abc import Iterator
from pathlib import Path

from attention_ocr.data.storage import read_lines

_ICDAR_LINE = re.compile(r'(?P<key>[^,]+),\s*"(?P<text>.*)"\s*')


def image_list_rows(path: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Yield path, text and lexicon of each line of an `imagelist.txt`.

    A line contains, separated by spaces, a path, the text and, for some data sets, the size of the
    lexicon and its words, separated by commas.

    Raises:
        ValueError: If a line is malformed; the message names it.
    """
    for number, line in read_lines(str(path)):
        parts = line.strip().split(" ")
        lexicon = parts[3].split(",") if len(parts) == 4 else []
        if len(parts) not in (2, 4) or (lexicon and parts[2] != str(len(lexicon))):
            raise ValueError(
                f"{path}, line {number}: expected a path, a text, the size of a lexicon and its "
                f"words. Received: {line!r}"
            )
        yield parts[0], parts[1], lexicon


def icdar_rows(path: Path) -> Iterator[tuple[str, str]]:
    """Yield file name and text of each line of `icdar_lines`."""
    return ((key, text) for _, key, text in icdar_lines(str(path)))


def icdar_lines(path: str, encoding: str = "") -> Iterator[tuple[int, str, str]]:
    r"""Yield number, file name and text of each line of an ICDAR ground truth file.

    A line is `word_1.png, "text"`; quotes and backslashes in the text are escaped by a backslash.

    Args:
        path: The file, local or remote.
        encoding: As in `storage.decoded_lines`.

    Raises:
        ValueError: If a line is malformed. The message names it.
    """
    for number, line in read_lines(path, encoding):
        match = _ICDAR_LINE.fullmatch(line)
        if match is None:
            raise ValueError(
                f'{path}, line {number}: expected a file name and "text". Received: {line!r}'
            )
        yield number, match["key"].strip(), re.sub(r'\\(["\\])', r"\1", match["text"])

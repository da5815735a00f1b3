"""The columns of a list that hold the image and the text."""

from collections.abc import Sequence
from typing import NamedTuple

IMAGE_COLUMN, TEXT_COLUMN = "image", "text"


class Columns(NamedTuple):
    """Columns of image and text in a row.

    Attributes:
        image: Index of the column of the image.
        text: Index of the column of the text.
        num_values: Number of values of a row.
        has_header: Whether the first row names the columns.
    """

    image: int
    text: int
    num_values: int
    has_header: bool

    def pick(self, row: Sequence[str], place: str) -> tuple[str, str]:
        """Return image and text of a row.

        Args:
            row: Its values.
            place: File and line, for the message.

        Raises:
            ValueError: If the row has too few or too many values.
        """
        if len(row) != self.num_values:
            raise ValueError(
                f"{place}: expected {self.num_values} values. Received: {len(row)} in {list(row)}"
            )
        return row[self.image], row[self.text]


def find_columns(
    first_row: Sequence[str], place: str, image: str = IMAGE_COLUMN, text: str = TEXT_COLUMN
) -> Columns:
    """Find the columns of a list by its first row.

    Args:
        first_row: The values of the first row: a header, unless both columns are numbers.
        place: The file, for the message.
        image: Name of the column of the image, or its number, from 1.
        text: Name of the column of the text, or its number, from 1.

    Returns:
        The columns.

    Raises:
        ValueError: If there is no such column, or several of that name.

    Example:
        >>> find_columns(["file", "label", "source"], "words.csv", "file", "label")
        Columns(image=0, text=1, num_values=3, has_header=True)
        >>> find_columns(["a.png", "one", "left"], "words.tsv", "1", "2")
        Columns(image=0, text=1, num_values=3, has_header=False)
    """
    names = [name.strip() for name in first_row]
    indices = []
    for column in (image, text):
        if column.isdecimal():
            index = int(column) - 1
            if not 0 <= index < len(names):
                raise ValueError(
                    f"{place}: expected column {column}, counted from 1. "
                    f"Received: {len(names)} columns, {names}"
                )
        elif names.count(column) != 1:
            raise ValueError(
                f"{place}: expected a column {column!r}, once; name columns with `image=` and "
                "`text=`, or give their numbers from 1 where no header names them. "
                f"Received: {', '.join(names)}"
            )
        else:
            index = names.index(column)
        indices.append(index)
    has_header = not (image.isdecimal() and text.isdecimal())
    return Columns(indices[0], indices[1], len(names), has_header)

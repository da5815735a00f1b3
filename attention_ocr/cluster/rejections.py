"""The items of a shard that could not be read, as they are listed beside its readings."""

import json

from attention_ocr.data.storage import StoreError


class Rejections:
    """Collects the items that could not be read.

    Attributes:
        rows: `key`, `reason` and `detail` of each.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, key: str, reason: str, detail: str) -> None:
        """List an item."""
        # Errors of plug-ins may name the file as well.
        self.rows.append({"key": printable(key), "reason": reason, "detail": printable(detail)})

    def add_error(self, key: str, error: Exception) -> None:
        """List an item whose file could not be opened.

        Raises:
            StoreError: If that is the error: a store that fails would have all items listed.
        """
        if isinstance(error, StoreError):
            raise error
        if isinstance(error, FileNotFoundError):
            self.add(key, "missing", "no such file")
            return
        detail = error.strerror if isinstance(error, OSError) else None
        self.add(key, "unreadable", detail or str(error))

    def json_lines(self) -> str:
        """Return the rows as JSON objects, one per line."""
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows)


def printable(key: str) -> str:
    """Return a text that can be written: names of files need not be UTF-8."""
    return key.encode("utf-8", "backslashreplace").decode("utf-8")

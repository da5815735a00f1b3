"""Names of files that are written for others: each is used once, and short enough."""

# Most file systems allow names of 255 bytes, including numbers and suffixes.
_MAX_BYTES = 200


def short_name(name: str) -> str:
    """Return the beginning of a name that leaves room for numbers and suffixes.

    Example:
        >>> short_name("文" * 79 + ".pdf") == "文" * 66
        True
    """
    return name.encode("utf-8", "replace")[:_MAX_BYTES].decode("utf-8", "ignore")


class FreeNames:
    """Short names that have not been used; the second `scan` is `scan-2`."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        """Return a free name like `name`, and reserve it."""
        short = short_name(name)
        candidate, number = short, 1
        # Some file systems ignore case.
        while candidate.casefold() in self._taken:
            number += 1
            candidate = f"{short}-{number}"
        self.reserve(candidate)
        return candidate

    def reserve(self, name: str) -> None:
        """Note that a name is used."""
        self._taken.add(name.casefold())

"""A progress bar on the terminal."""

import sys
from types import TracebackType
from typing import Any


class ProgressBar:
    """Shows the number of images read, on standard error.

    Args:
        total: Number of images; `None` if unknown.
        shown: Whether to show the bar; false without a terminal.
    """

    def __init__(self, total: int | None, shown: bool) -> None:
        self._bar: Any = None
        if shown:
            try:
                from tqdm import tqdm
            except ImportError:
                # Not installed with the inference-only package.
                return
            self._bar = tqdm(total=total, unit=" images", file=sys.stderr, leave=False)

    def advance(self, num_done: int) -> None:
        """Show the number of images done."""
        if self._bar is not None:
            self._bar.update(num_done - self._bar.n)

    def say(self, line: str) -> None:
        """Write a line to standard error, above the bar."""
        if self._bar is None:
            print(line, file=sys.stderr)
        else:
            self._bar.write(line, file=sys.stderr)

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

"""Progress bars on standard error, with rate and time left; silent when it is not a terminal."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tqdm import tqdm

DELAY_S = 2.0
"""Work that takes less shows no bar."""

Item = TypeVar("Item")


def progress_bar(
    description: str,
    total: int | None = None,
    unit: str = "image",
    *,
    initial: int = 0,
    delay_s: float = DELAY_S,
    shown: bool = True,
) -> Any:
    """Return a bar, to be used as a context manager.

    Args:
        description: What is done, which begins the line.
        total: Number of units; None if unknown, which shows no time left.
        unit: What is counted, in the singular.
        initial: Units that were done before.
        delay_s: Seconds before it appears.
        shown: Whether to show the bar at all; it is silent in any case when standard error is not
            a terminal.
    """
    return tqdm(
        total=total,
        desc=description,
        unit=f" {unit}s",
        initial=initial,
        # None is silent without a terminal.
        disable=None if shown else True,
        leave=False,
        delay=delay_s,
        dynamic_ncols=True,
    )


def with_progress(
    items: Iterable[Item],
    description: str,
    total: int | None = None,
    unit: str = "image",
    shown: bool = True,
) -> Iterator[Item]:
    """Yield items while a bar counts them; see `progress_bar`."""
    with progress_bar(description, total, unit, shown=shown) as bar:
        for item in items:
            yield item
            bar.update()


@contextmanager
def notice(text: str) -> Iterator[None]:
    """Show a text on a terminal while work is done that has no steps, and erase it afterwards."""
    with tqdm(bar_format=text, disable=None, leave=False):
        yield


@contextmanager
def compiling(bar: Any, what: str) -> Iterator[None]:
    """Say on a bar that a graph is compiled, which the first call of a function takes long for.

    Its time does not count in the rate.

    Args:
        bar: Result of `progress_bar`.
        what: What is compiled, such as `the first step`.
    """
    description = bar.desc if not bar.disable else ""
    bar.set_description_str(f"compiling {what}")
    try:
        yield
    finally:
        # With the colon that `set_description` adds, a bar without a total would show two.
        bar.set_description_str(description.removesuffix(": "), refresh=False)
        if not bar.disable:
            bar.start_t = bar.last_print_t = time.time()


@contextmanager
def phase(bar: Any, description: str) -> Iterator[None]:
    """Name the current unit of a bar while it is worked on, and count it when it is done.

    Args:
        bar: Result of `progress_bar`.
        description: What is done, such as `checking onnx`.
    """
    bar.set_description(description)
    yield
    bar.update()

"""The effort of Python code: a count that is the same on any machine, however busy it is."""

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")


def lines_run(function: Callable[[], Result]) -> tuple[Result, int]:
    """Call a function and return its result and the number of lines of Python that it runs.

    No garbage is collected meanwhile: finalizers of other tests' objects would be counted.
    """
    lines = 0

    def trace(_frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    before, collects = sys.gettrace(), gc.isenabled()
    gc.disable()
    sys.settrace(trace)
    try:
        result = function()
    finally:
        sys.settrace(before)
        if collects:
            gc.enable()
    return result, lines

"""Keeps TensorFlow's notes about itself off the terminal."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from absl import logging as absl_logging

from attention_ocr.cli.terminal import escape_log

_STDERR = 2


@contextmanager
def quiet_start() -> Iterator[None]:
    """Drop what is written to standard error while TensorFlow starts, and its own log afterwards.

    Some of its libraries write before they look at `TF_CPP_MIN_LOG_LEVEL`. Where that is set, it
    holds; at 0, what is written at the start is shown as well. An exception is raised as ever.
    """
    # What goes wrong inside TensorFlow is raised as well as logged.
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        yield
        return
    kept = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)


def show_own_notes(handler: logging.Handler | None = None) -> None:
    """Let the log's notes of this package through, and of TensorFlow's only the warnings.

    Args:
        handler: that writes them; absl's without one, which wants flags to be parsed.
    """
    package = str(Path(__file__).parent.parent)
    absl_logging.set_verbosity(absl_logging.INFO)
    escape_log(handler)
    (handler or absl_logging.get_absl_handler()).addFilter(
        lambda note: note.levelno >= logging.WARNING or note.pathname.startswith(package)
    )

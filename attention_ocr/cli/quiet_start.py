"""Keeps TensorFlow's notes about itself off the terminal."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from absl import logging as absl_logging

_STDERR = 2


@contextmanager
def quiet_start() -> Iterator[None]:
    """Drop what is written to standard error while TensorFlow starts.

    Some of its libraries write there before they look at `TF_CPP_MIN_LOG_LEVEL`. Where that is 0,
    everything is shown. An exception is raised as ever.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
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


def show_own_notes() -> None:
    """Let the log's notes of this package through, and of TensorFlow's only the warnings."""
    package = str(Path(__file__).parent.parent)
    absl_logging.set_verbosity(absl_logging.INFO)
    absl_logging.get_absl_handler().addFilter(
        lambda note: note.levelno >= logging.WARNING or note.pathname.startswith(package)
    )

"""Keeps TensorFlow's notes about itself off the terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

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

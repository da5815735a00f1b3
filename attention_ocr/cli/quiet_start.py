"""Keep TensorFlow's own log messages off the terminal."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from absl import logging as absl_logging

from attention_ocr.cli.terminal import escape_log
from attention_ocr.io.progress import notice

_STDERR = 2


@contextmanager
def quiet_start() -> Iterator[None]:
    """Discard standard error while TensorFlow starts, and silence its log afterwards.

    As that takes seconds, a terminal shows meanwhile that the command is starting.

    Some of its libraries write before they read `TF_CPP_MIN_LOG_LEVEL`. If that is set, it is
    respected; 0 also shows the output at start. Exceptions are raised as usual.
    """
    # Errors inside TensorFlow are raised as well as logged.
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        yield
        return
    with notice("starting"):
        kept = os.dup(_STDERR)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, _STDERR)
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
            os.close(nowhere)


def show_own_log(handler: logging.Handler | None = None) -> None:
    """Log messages of this package, but only warnings of TensorFlow.

    Args:
        handler: The log handler; by default absl's, which requires flags to be parsed.
    """
    package = str(Path(__file__).parent.parent)
    absl_logging.set_verbosity(absl_logging.INFO)
    escape_log(handler)
    (handler or absl_logging.get_absl_handler()).addFilter(
        lambda record: record.levelno >= logging.WARNING or record.pathname.startswith(package)
    )

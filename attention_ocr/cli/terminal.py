"""What commands say on a terminal: texts of users' data must not steer it."""

import logging
import os
import sys

from absl import logging as absl_logging

from attention_ocr.text.escaping import escape_controls


def describe_error(error: Exception) -> str:
    """Return what went wrong, in one line without control characters."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return escape_controls(f"{error.filename}: {error.strerror}")
    return escape_controls(" ".join(str(error).splitlines()))


def escape_log(handler: logging.Handler | None = None) -> None:
    """Escape control characters in what the log shows, but for line feeds and tabs.

    Args:
        handler: That writes it; absl's without one.
    """
    target = handler or absl_logging.get_absl_handler()
    if not any(isinstance(entry, _Escape) for entry in target.filters):
        target.addFilter(_Escape())


def leave_closed_pipe() -> None:
    """Drop what is still buffered for a reader of the output who has enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Escape(logging.Filter):
    """Lets every note through, its message escaped."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # Whoever writes the note says that its values do not fit.
            return True
        escaped = escape_controls(message, keep="\n\t")
        if escaped != message:
            record.msg, record.args = escaped, ()
        return True

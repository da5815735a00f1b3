"""Terminal output of commands: control characters in users' data must not reach the terminal."""

import logging
import os
import sys

from absl import logging as absl_logging

from attention_ocr.distribution import explain_missing
from attention_ocr.text.escaping import escape_controls


def describe_error(error: Exception, keep: str = "") -> str:
    """Return the error message without control characters, in one line.

    Args:
        error: The error.
        keep: Control characters that stay; a line feed leaves a message its lines.
    """
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return escape_controls(f"{error.filename}: {error.strerror}")
    explained = explain_missing(error) if isinstance(error, ImportError) else None
    message = explained or str(error)
    return escape_controls(message if "\n" in keep else " ".join(message.splitlines()), keep=keep)


def escape_log(handler: logging.Handler | None = None) -> None:
    """Escape control characters in log messages, except line feeds and tabs.

    Args:
        handler: The log handler; by default absl's.
    """
    target = handler or absl_logging.get_absl_handler()
    if not any(isinstance(entry, _Escape) for entry in target.filters):
        target.addFilter(_Escape())


def leave_closed_pipe() -> None:
    """Discard buffered output whose reader has closed the pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Escape(logging.Filter):
    """Passes every record, with its message escaped."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # The handler reports that the arguments do not match the format.
            return True
        escaped = escape_controls(message, keep="\n\t")
        if escaped != message:
            record.msg, record.args = escaped, ()
        return True

"""Files on this machine and elsewhere: `gs://` through TensorFlow, the rest through fsspec."""

import os
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import tensorflow as tf

from attention_ocr.extras import extra

MAX_LINE_BYTES = 2**20
"""Of a line of a list: a file without line feeds must not be read into memory as one."""

_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://")


def is_remote(path: str) -> bool:
    """Return whether `path` begins with a scheme such as `gs://`."""
    return _REMOTE.match(path) is not None


def tensorflow_reads(path: str) -> bool:
    """Return whether TensorFlow's own file systems read `path`."""
    scheme = path.partition("://")[0]
    return not is_remote(path) or scheme in tf.io.gfile.get_registered_schemes()


def exists(path: str) -> bool:
    """Return whether there is a file or a folder at `path`."""
    if not is_remote(path):
        return os.path.exists(path)  # noqa: PTH110 - a million times, and three times as fast
    if tensorflow_reads(path):
        return bool(tf.io.gfile.exists(path))
    return bool(_fsspec(path).exists(path))


def is_folder(path: str) -> bool:
    """Return whether `path` is a folder."""
    if tensorflow_reads(path):
        return bool(tf.io.gfile.isdir(path))
    return bool(_fsspec(path).isdir(path))


def open_binary(path: str) -> BinaryIO:
    """Open a file to read its bytes.

    Raises:
        FileNotFoundError: there is none.
        ImportError: a remote path that TensorFlow cannot read, without the extra `remote`.
        ValueError: a remote path that neither TensorFlow nor fsspec can read.
    """
    file: Any
    if not is_remote(path):
        return open(path, "rb")  # noqa: PTH123 - the caller closes it
    if not exists(path):
        raise FileNotFoundError(f"No such file: {path}")
    file = tf.io.gfile.GFile(path, "rb") if tensorflow_reads(path) else _fsspec(path).open(path)
    binary: BinaryIO = file
    return binary


def read_lines(path: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line of a UTF-8 file that is not empty.

    A line ends with a line feed, or with a carriage return and a line feed, and with nothing
    else: Unicode's other line separators are text. A byte order mark is dropped.

    Raises:
        ValueError: a line is not UTF-8, or too long. The message names it.
    """
    # Read as bytes: a file opened as text also ends lines at a lone carriage return.
    with open_binary(path) as file:
        lines = iter(lambda: file.readline(MAX_LINE_BYTES), b"")
        for line_number, raw_line in enumerate(lines, start=1):
            if len(raw_line) == MAX_LINE_BYTES:
                raise ValueError(
                    f"{path}, line {line_number}: expected less than {MAX_LINE_BYTES} bytes."
                )
            # "utf-8-sig" drops a byte order mark, which stands at the start of the file only.
            encoding = "utf-8-sig" if line_number == 1 else "utf-8"
            try:
                line = raw_line.decode(encoding)
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{path}, line {line_number}: expected UTF-8. "
                    f"Received: byte 0x{raw_line[error.start]:02x}"
                ) from error
            line = line.removesuffix("\n").removesuffix("\r")
            if line:
                yield line_number, line


def _fsspec(path: str) -> Any:
    with extra("remote", f"Reading {path}, besides the package of that store (s3fs, gcsfs),"):
        import fsspec
    try:
        return fsspec.core.url_to_fs(path)[0]
    except (ImportError, ValueError) as error:
        raise ValueError(
            f"Expected a path that fsspec can read. Received: {path}: {error}"
        ) from error

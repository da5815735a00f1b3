"""Local and remote files: `gs://` through TensorFlow, other schemes through fsspec."""

import codecs
import io
import itertools
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from attention_ocr.io.extras import extra

MAX_LINE_BYTES = 2**20
"""Maximum length of a line: a file without line feeds must not be read into memory as one."""

_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://")
# A byte order mark names its encoding; the longer ones begin with the shorter ones.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PEEKED_BYTES = 4096
_RETRY_PAUSES_S = (0.5, 2.0, 8.0)
_RETRY_LIMIT_S = 30.0
_BLOCK_BYTES = 2**16
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


class StoreError(OSError):
    """Raised for a store that cannot be reached or refuses access.

    It says nothing about the file that was asked for: a job must end with it, not leave out files.
    """


def is_remote(path: str) -> bool:
    """Return whether `path` begins with a scheme such as `gs://`."""
    return _REMOTE.match(path) is not None


def folder_of(path: str) -> str:
    """Return the folder of a file, local or remote; empty if the path names none."""
    # Of an address, also where paths have backslashes.
    return path.rpartition("/")[0] if is_remote(path) else os.path.dirname(path)  # noqa: PTH120


def tensorflow_reads(path: str) -> bool:
    """Return whether TensorFlow's own file systems read `path`."""
    return not is_remote(path) or path.partition("://")[0] in _gfile().get_registered_schemes()


@contextmanager
def explaining_store(path: str, done: str = "read") -> Iterator[None]:
    """Convert the errors of a store, of whatever class they are, to `OSError`s that name the path.

    Args:
        path: What was asked for; errors of local files stay as they are.
        done: What could not be done with it.

    Raises:
        FileNotFoundError: If it is not there; if its bucket is not, the message says so.
        StoreError: For everything else.
    """
    try:
        yield
    except (StoreError, ValueError, ImportError):
        raise
    except Exception as error:
        if not is_remote(path):
            raise
        # TensorFlow's errors hold their message apart.
        text = str(getattr(error, "message", error)).strip()
        reason = text.splitlines()[0] if text else type(error).__name__
        if type(error).__name__ == "NotFoundError":
            raise FileNotFoundError(f"No such file: {path}") from error
        if isinstance(error, FileNotFoundError):
            # Most stores repeat the name; some say that there is no bucket.
            why = "" if reason.strip("/") in path or not error.args else f" ({reason})"
            raise FileNotFoundError(f"No such file: {path}{why}") from error
        raise StoreError(f"{path} cannot be {done}: {reason}") from error


def exists(path: str) -> bool:
    """Return whether there is a file or a folder at `path`."""
    if not is_remote(path):
        return os.path.exists(path)  # noqa: PTH110 - a million times, and three times as fast
    with explaining_store(path):
        if tensorflow_reads(path):
            return bool(_gfile().exists(path))
        return bool(file_system(path).exists(path))


def is_folder(path: str) -> bool:
    """Return whether `path` is a folder."""
    if not is_remote(path):
        return os.path.isdir(path)  # noqa: PTH112
    with explaining_store(path):
        if tensorflow_reads(path):
            return bool(_gfile().isdir(path))
        return bool(file_system(path).isdir(path))


def state_of(path: str) -> tuple[int, str]:
    """Return the size of a file in bytes, and what else tells it from another of its name.

    Raises:
        FileNotFoundError: If it does not exist.
    """
    if not is_remote(path):
        status = os.stat(path)  # noqa: PTH116
        return status.st_size, str(status.st_mtime_ns)
    with explaining_store(path):
        if tensorflow_reads(path):
            status = _gfile().stat(path)
            return int(status.length), str(status.mtime_nsec)
        store = file_system(path)
        store.invalidate_cache()
        info = store.info(path)
        return int(info["size"]), str(info)


def open_binary(path: str) -> BinaryIO:
    """Open a file to read its bytes.

    Raises:
        FileNotFoundError: If it does not exist.
        ImportError: If a remote path needs the extra `remote`, which is not installed.
        StoreError: If its store cannot be reached.
        ValueError: If neither TensorFlow nor fsspec can read a remote path.
    """
    file: Any
    if not is_remote(path):
        return open(path, "rb")  # noqa: PTH123 - the caller closes it
    with explaining_store(path):
        if not tensorflow_reads(path):
            file = file_system(path).open(path)
        elif not _gfile().exists(path):
            raise FileNotFoundError
        else:
            file = _gfile().GFile(path, "rb")
    binary: BinaryIO = file
    return binary


def list_files(folder: str) -> Iterator[str]:
    """Yield the sorted addresses of all files below a remote folder.

    Raises:
        FileNotFoundError: If there are none.
        StoreError: If its store cannot be reached.
    """
    folder = folder.rstrip("/")
    with explaining_store(folder, "listed"):
        if tensorflow_reads(folder):
            found = [
                f"{parent.rstrip('/')}/{name}"
                for parent, _, names in _gfile().walk(folder)
                for name in names
                if name
            ]
        else:
            store = file_system(folder)
            store.invalidate_cache()
            root = store._strip_protocol(folder)
            found = [f"{folder}/{path.removeprefix(root).strip('/')}" for path in store.find(root)]
        if not found:
            raise FileNotFoundError(folder)
    yield from sorted(found)


def match_files(pattern: str) -> list[str]:
    """Return the sorted paths of the files that match a pattern, local or remote.

    A file that exists is itself, even if its path contains brackets.
    """
    with explaining_store(pattern, "listed"):
        if tensorflow_reads(pattern):
            matched = [pattern] if _gfile().exists(pattern) else _gfile().glob(pattern)
            return sorted(path for path in matched if not _gfile().isdir(path))
        store = file_system(pattern)
        store.invalidate_cache()
        if "[" in pattern and store.isfile(pattern):
            return [store.unstrip_protocol(store._strip_protocol(pattern))]
        found = store.glob(pattern, detail=True)
        return sorted(
            store.unstrip_protocol(path) for path, info in found.items() if info["type"] == "file"
        )


def check_bucket(path: str) -> None:
    """Refuse an address in a bucket that does not exist, if its store has buckets.

    Raises:
        FileNotFoundError: If there is no such bucket.
    """
    if tensorflow_reads(path):
        return
    store = file_system(path)
    bucket = store._strip_protocol(path).partition("/")[0]
    with explaining_store(path):
        if not store.root_marker and not store.exists(bucket):
            raise FileNotFoundError(f"there is no bucket {bucket}")


def read_file(path: str) -> bytes:
    """Return the content of a file, local or remote; a store that fails is asked again.

    Raises:
        FileNotFoundError: If it does not exist.
        OSError: If it cannot be read; a `StoreError` if that is the store's fault.
    """
    if not is_remote(path):
        with open_binary(path) as file:
            return file.read()
    pauses_s = iter(_RETRY_PAUSES_S)
    deadline_s = time.monotonic() + _RETRY_LIMIT_S
    while True:
        try:
            with explaining_store(path):
                if not tensorflow_reads(path):
                    # One request; to open a file takes a second one.
                    content: bytes = file_system(path).cat_file(path)
                    return content
                with open_binary(path) as file:
                    return file.read()
        except StoreError as error:
            pause_s = next(pauses_s, None)
            refused = isinstance(error.__cause__, PermissionError)
            if pause_s is None or refused or time.monotonic() > deadline_s:
                raise
            time.sleep(pause_s)


def read_lines(path: str, encoding: str = "") -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each non-empty line of a text file.

    Lines end with LF or CRLF only; Unicode's other line separators are text.

    Args:
        path: The file, local or remote.
        encoding: As in `decoded_lines`.

    Raises:
        ValueError: If a line is too long or not in the encoding. The message names it.
    """
    for line_number, whole_line in decoded_lines(path, encoding):
        line = whole_line.removesuffix("\n").removesuffix("\r")
        if line:
            yield line_number, line


def decoded_lines(path: str, encoding: str = "") -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line of a text file, including its line feed.

    A byte order mark at the start of any line is dropped: concatenated files have several.

    Args:
        path: The file, local or remote.
        encoding: A Python encoding name. Empty: the encoding of the byte order mark (UTF-16,
            UTF-32), else UTF-8.

    Raises:
        ValueError: If the encoding is unknown, or a line is not in it or contains a NUL. The
            message names the line.
    """
    try:
        codec = codecs.lookup(encoding or "utf-8").name
        # Some of Python's codecs map bytes to bytes.
        b"a".decode(codec, errors="ignore")
    except LookupError as error:
        raise ValueError(
            f"Expected a text encoding, such as utf-8 or latin-1. Received: {encoding!r}"
        ) from error
    with open_binary(path) as file:
        # Read as bytes: a file opened as text also ends lines at a lone carriage return.
        raw_lines: Iterator[bytes] = _bounded_lines(path, file)
        first = next(raw_lines, b"")
        marked = next((name for mark, name in _BYTE_ORDER_MARKS if first.startswith(mark)), "")
        raw_lines = itertools.chain([first], raw_lines)
        codec = codec if encoding else marked or codec
        if codec.startswith(("utf-16", "utf-32")):
            lines = _decode_whole(path, b"".join(raw_lines), codec)
        else:
            lines = _decode_by_line(path, raw_lines, codec)
        for line_number, line in enumerate(lines, start=1):
            if "\0" in line:
                raise ValueError(
                    f"{path}, line {line_number}: expected text. Received: a NUL character, as in "
                    "UTF-16 without a byte order mark"
                )
            yield line_number, line.removeprefix("\ufeff")


def first_line_of_text(path: str) -> str | None:
    """Return the first non-empty line of a file, or `None` if it is not a text file.

    Reads only the beginning of the file. Invalid characters are replaced.
    """
    with open_binary(path) as file:
        head = file.read(_PEEKED_BYTES)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            text = head.decode(encoding, errors="replace")
            break
    else:
        if _NOT_IN_TEXT.search(head):
            return None
        text = head.decode("utf-8-sig", errors="replace")
    return next((line.rstrip("\r") for line in text.split("\n") if line.rstrip("\r")), "")


def _bounded_lines(path: str, file: BinaryIO) -> Iterator[bytes]:
    # In blocks: not every file system's `readline` takes a limit.
    line_number, rest = 1, b""
    while block := _read_block(path, file):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line + b"\n"
        line_number += len(lines)
        if len(rest) >= MAX_LINE_BYTES:
            raise ValueError(
                f"{path}, line {line_number}: expected less than {MAX_LINE_BYTES} bytes."
            )
    if rest:
        yield rest


def _read_block(path: str, file: BinaryIO) -> bytes:
    with explaining_store(path):
        return file.read(_BLOCK_BYTES)


def _decode_by_line(path: str, raw_lines: Iterable[bytes], codec: str) -> Iterator[str]:
    for line_number, raw_line in enumerate(raw_lines, start=1):
        try:
            yield raw_line.decode(codec)
        except UnicodeDecodeError as error:
            raise _not_in_encoding(path, line_number, codec, error) from error


def _decode_whole(path: str, content: bytes, codec: str) -> Iterator[str]:
    """Return the lines of text in an encoding whose line feed has several bytes."""
    try:
        return iter(io.StringIO(content.decode(codec), newline="\n"))
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(codec, errors="ignore")
        raise _not_in_encoding(path, before.count("\n") + 1, codec, error) from error


def _not_in_encoding(
    path: str, line_number: int, codec: str, error: UnicodeDecodeError
) -> ValueError:
    received = f"byte 0x{error.object[error.start]:02x}"
    hint = ""
    if codec == "utf-8":
        hint = "; convert the file, or set `encoding=` if the source has it"
    return ValueError(
        f"{path}, line {line_number}: expected {codec.upper()}. Received: {received}{hint}"
    )


def _gfile() -> Any:
    """Return TensorFlow's file systems; imported late, as local files do not need them."""
    import tensorflow as tf

    return tf.io.gfile


def file_system(path: str) -> Any:
    """Return the file system of fsspec for a remote path.

    Raises:
        ImportError: If the extra `remote` is not installed.
        ValueError: If fsspec does not know the scheme, or lacks the package of the store.
    """
    with extra("remote", f"Reading {path}, besides the package of that store (s3fs, gcsfs),"):
        import fsspec
    try:
        return fsspec.core.url_to_fs(path)[0]
    except (ImportError, ValueError) as error:
        raise ValueError(
            f"Expected a path that fsspec can read. Received: {path}: {error}"
        ) from error

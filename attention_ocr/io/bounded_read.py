"""Model files, read in no more memory than a valid file takes.

A file of some kilobytes can announce terabytes, or unpack to gigabytes. The announced sizes are
checked before memory is allocated.
"""

import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

MAX_TEXT_BYTES = 2**23
"""Limit for a file of settings or characters; all of Unicode takes five million bytes."""

MAX_ARRAYS = 20_000
"""Limit for a file of arrays; the deepest network of `keras.applications` has about 2,000."""

MAX_RATIO = 50
"""Largest ratio of the arrays to their compressed file; sorted numbers shrink to a tenth."""

_FREE_BYTES = 2**26

_STRAY = "allow_pickle.npy"
"""Earlier releases wrote this extra array when they ran on NumPy before 2.2."""


class ArrayHeader(NamedTuple):
    """Shape and type of an array, as its file declares them."""

    shape: tuple[int, ...]
    dtype: np.dtype


def read_bounded(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
    """Read a file of at most `max_bytes`.

    Raises:
        ValueError: If the file is larger; the message names it.
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"{path} may have {max_bytes} bytes at most.")
    return content


def read_array_headers(path: Path, kinds: str = "fiub") -> dict[str, ArrayHeader]:
    """Read the headers of the arrays of a `.npz` file, not the arrays.

    Args:
        path: The `.npz` file.
        kinds: Types that its arrays may have, see `numpy.dtype.kind`.

    Returns:
        Shape and type by name.

    Raises:
        ValueError: If an entry is not an array or not as large as its header says, or the arrays
            are far larger than the file; the message says which.
        OSError: If the file cannot be read.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            total = sum(entry.file_size for entry in entries)
            if len(entries) > MAX_ARRAYS:
                raise ValueError(f"it has {len(entries)} entries, the limit is {MAX_ARRAYS}")
            if total > MAX_RATIO * os.fstat(file.fileno()).st_size + _FREE_BYTES:
                raise ValueError(f"it would unpack to {total} bytes")
            return {
                entry.filename.removesuffix(".npy"): _header(archive, entry, kinds)
                for entry in entries
                if entry.filename != _STRAY
            }
    except (
        zipfile.BadZipFile,
        EOFError,
        # From zipfile, for a damaged entry that seems to use another compression or a password.
        NotImplementedError,
        RuntimeError,
        # From the parser of array headers.
        MemoryError,
    ) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def read_arrays(path: Path, kinds: str = "fiub") -> dict[str, np.ndarray]:
    """Read the arrays of a `.npz` file by name.

    Args:
        path: The `.npz` file.
        kinds: Types that its arrays may have, see `numpy.dtype.kind`.

    Raises:
        ValueError: If the file is damaged, see `read_array_headers`.
        OSError: If the file cannot be read.
    """
    names = read_array_headers(path, kinds)
    try:
        # NumPy leaves a file that it opened itself open when the file is damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, kinds: str) -> ArrayHeader:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"`{entry.filename}` uses a compression that NumPy does not write")
    with archive.open(entry) as content:
        try:
            header = _parse_header(content)
        except (ValueError, zlib.error) as error:
            raise ValueError(f"`{entry.filename}` is not an array: {error}") from error
        held = entry.file_size - content.tell()
    if header.dtype.kind not in kinds:
        raise ValueError(f"`{entry.filename}` holds values of type {header.dtype}")
    announced = math.prod(header.shape) * header.dtype.itemsize
    if announced != held or min(header.shape, default=0) < 0:
        raise ValueError(f"`{entry.filename}` declares {announced} bytes and holds {held}")
    return header


def _parse_header(content: IO[bytes]) -> ArrayHeader:
    version = np.lib.format.read_magic(content)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(content)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(content)
    else:
        raise ValueError(f"unsupported format version {version}")
    return ArrayHeader(shape, dtype)

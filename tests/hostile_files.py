"""Malicious and damaged files other than images (see `hostile_images`)."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def packed_zeros(num_megabytes: int, window: int = zlib.MAX_WBITS) -> bytes:
    """Return zeros compressed to a thousandth of their size, without the checksum.

    Args:
        num_megabytes: Number of zeros in megabytes.
        window: As for `zlib.compressobj`: 15 for zlib, -15 for raw deflate, 31 for gzip.
    """
    pack = zlib.compressobj(9, wbits=window)
    # After a full flush, the same megabyte compresses to the same bytes again.
    first, again = (pack.compress(bytes(2**20)) + pack.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (num_megabytes - 1)


def npz(path: Path, entries: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """Write a `.npz` file with raw entries."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)
    return path


def npy(shape: tuple[int, ...], content: bytes = b"", dtype: str = "<f4") -> bytes:
    """Return an entry of a `.npz` file that announces an array and holds other bytes."""
    buffer = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + content


def npz_of_zeros(path: Path, num_bytes: int, name: str = "zeros") -> Path:
    """Write a `.npz` file of a few kilobytes that decompresses to `num_bytes`."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open(f"{name}.npy", "w", force_zip64=True) as entry,
    ):
        entry.write(npy((num_bytes // 4,)))
        for _ in range(num_bytes >> 20):
            entry.write(bytes(2**20))
    return path


def record(length: int, content: bytes) -> bytes:
    """Return a TFRecord that announces `length` bytes, with a valid checksum, and holds others."""
    header = struct.pack("<Q", length)
    return header + struct.pack("<I", _masked_crc32c(header)) + content


def _masked_crc32c(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

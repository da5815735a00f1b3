"""Record lengths of TFRecord files, checked before TensorFlow allocates memory for them."""

import struct
from pathlib import Path

_HEADER_BYTES, _FOOTER_BYTES = 12, 4


def check_record_lengths(path: Path, max_records: int | None = None) -> None:
    """Refuse a TFRecord file with a record that declares more bytes than the file contains.

    TensorFlow allocates memory for a record before it reads it; a process that allocates terabytes
    is killed.

    Args:
        path: An uncompressed file.
        max_records: Number of records to check, from the start; `None` checks all.

    Raises:
        ValueError: If there is such a record; the message names it.
        OSError: If the file cannot be read.
    """
    num_bytes = path.stat().st_size
    with path.open("rb") as file:
        position = number = 0
        while position + _HEADER_BYTES <= num_bytes and number != max_records:
            file.seek(position)
            (length,) = struct.unpack("<Q", file.read(8))
            position += _HEADER_BYTES + length + _FOOTER_BYTES
            if position > num_bytes:
                raise ValueError(
                    f"record {number} declares {length} bytes, and the file has {num_bytes}"
                )
            number += 1

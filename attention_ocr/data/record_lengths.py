"""The lengths that the records of a file announce, looked at before TensorFlow makes room."""

import struct
from pathlib import Path

_HEADER_BYTES, _FOOTER_BYTES = 12, 4


def check_record_lengths(path: Path, max_records: int | None = None) -> None:
    """Refuse a TFRecord file with a record that announces more bytes than the file has.

    TensorFlow makes room for a record before it reads it, and a process that is told to make room
    for terabytes ends.

    Args:
        path: of a file that is not packed.
        max_records: that are looked at, the first of the file; none looks at all of them.

    Raises:
        ValueError: If there is such a record; the message names the record.
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
                    f"record {number} announces {length} bytes, and the file has {num_bytes}"
                )
            number += 1

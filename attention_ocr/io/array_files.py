"""Named NumPy arrays in one file (`.npz`) that every NumPy from 2.0 on reads without pickles.

`bounded_read.read_arrays` reads them.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from attention_ocr.io.atomic_write import whole_file

PLAIN_KINDS = "biufcSU"
"""`dtype.kind` of arrays stored unchanged: booleans, numbers and strings of fixed size."""


def write_arrays(values: Mapping[str, np.ndarray], path: Path, compressed: bool = False) -> None:
    """Write arrays by name, whole or not at all.

    Types that NumPy itself lacks, such as bfloat16, become float32.

    Args:
        values: Arrays by name.
        path: File to write.
        compressed: Whether to compress the file, which takes time.

    Raises:
        OSError: If the file cannot be written, as on a full disk; an existing file stays.
        TypeError: If an array holds Python objects.
    """
    plain = {name: _plain(name, np.asarray(value)) for name, value in values.items()}
    save = np.savez_compressed if compressed else np.savez
    # An open file, because `savez` would add a suffix to a name. `allow_pickle` is not passed:
    # NumPy before 2.2 takes it for one more array, and plain arrays need no pickle.
    with whole_file(path) as temporary, temporary.open("wb") as file:
        save(file, **plain)  # type: ignore[arg-type]


def _plain(name: str, value: np.ndarray) -> np.ndarray:
    if value.dtype.kind in PLAIN_KINDS:
        return value
    if value.dtype.kind == "O":
        raise TypeError(f"`{name}` must hold numbers or text. Received: {value.dtype}")
    return value.astype(np.float32)

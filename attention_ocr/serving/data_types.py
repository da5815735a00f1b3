"""TensorFlow's data types by number, for servers without TensorFlow."""

from typing import Any

import numpy as np

DT_FLOAT, DT_STRING = 1, 7
NUMPY_TYPES: dict[int, np.dtype[Any]] = {
    DT_FLOAT: np.dtype(np.float32),
    2: np.dtype(np.float64),
    3: np.dtype(np.int32),
    4: np.dtype(np.uint8),
    5: np.dtype(np.int16),
    6: np.dtype(np.int8),
    DT_STRING: np.dtype(object),
    9: np.dtype(np.int64),
    10: np.dtype(bool),
    17: np.dtype(np.uint16),
    19: np.dtype(np.float16),
    22: np.dtype(np.uint32),
    23: np.dtype(np.uint64),
}
"""NumPy's type for each number of `tensorflow.DataType` that JSON can hold."""

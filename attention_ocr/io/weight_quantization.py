"""Weights in fewer bits, for a model to distribute: half precision, or 8 bits with scales."""

from collections.abc import Mapping

import numpy as np

SCALE = ":scale"
"""Suffix of the scales of 8-bit weights; the path of a weight has no colon."""

LARGEST = 127


def to_half(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights with kernels and embeddings in float16; vectors stay as they are.

    Raises:
        ValueError: If a value exceeds the range of half precision; the message names its weight.
    """
    halves = {}
    for name, value in values.items():
        with np.errstate(over="ignore"):
            half = value.astype(np.float16) if value.ndim > 1 else value
        if not np.isfinite(half).all():
            raise ValueError(f"`{name}` holds values beyond the range of half precision.")
        halves[name] = half
    return halves


def to_int8(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights with kernels and embeddings in 8 bits; vectors stay as they are.

    Each channel has a float32 scale that maps its largest value to 127. Channels are the last axis,
    or the one before in a depthwise kernel, whose last is 1 (Krishnamoorthi, 2018, section 3.1:
    symmetric, per channel).

    Raises:
        ValueError: If a value is not finite; the message names its weight.
    """
    small = {}
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise ValueError(f"`{name}` holds values that are not finite.")
        if value.ndim < 2:
            small[name] = value
            continue
        channels = value.ndim - (2 if value.shape[-1] == 1 else 1)
        others = tuple(axis for axis in range(value.ndim) if axis != channels)
        scale = np.abs(value).max(axis=others, keepdims=True).astype(np.float32) / LARGEST
        scale = np.where(scale > 0, scale, np.float32(1.0))
        small[name] = np.rint(value / scale).astype(np.int8)
        small[name + SCALE] = scale
    return small


def restore(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights by name, 8-bit ones as float32, others unchanged.

    Raises:
        ValueError: If there are scales without weights, or scales of another shape than theirs.
    """
    restored = {}
    for name, value in values.items():
        if name.endswith(SCALE):
            if name.removesuffix(SCALE) not in values:
                raise ValueError(f"`{name}` holds scales without a weight")
            continue
        scale = values.get(name + SCALE)
        restored[name] = value if scale is None else value * scale
        if restored[name].shape != value.shape:
            raise ValueError(f"`{name}` has scales of another shape")
    return restored


PRECISIONS = {"half": to_half, "int8": to_int8}
"""Quantisation functions by name."""

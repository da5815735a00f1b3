"""A smaller LiteRT file of the same model.

A model with a signature per width repeats the shapes and the quantisation scales of each tensor
once per signature, and names every tensor. Here equal vectors and equal constants are stored once,
and only names that a signature gives are kept.
"""

from typing import Any

import flatbuffers
from tensorflow.lite.python import schema_py_generated as schema

FILE_IDENTIFIER = b"TFL3"
BUFFER_ALIGNMENT = 16
"""Of the bytes of constants, in the schema of the format."""

LENGTH_BYTES = 4
"""Of the number of elements, before them."""

NO_BUFFER = 0
"""Index of the empty buffer, which tensors without a constant refer to."""


def compact(model: bytes) -> bytes:
    """Return a flatbuffer of the same operations, constants and signatures.

    Args:
        model: A LiteRT model.
    """
    contents = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model))
    for subgraph in contents.subgraphs:
        for tensor in subgraph.tensors:
            tensor.name = None
            _drop_ranges(tensor)
    _share_buffers(contents)
    builder = SharingBuilder(len(model))
    builder.Finish(contents.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


class SharingBuilder(flatbuffers.Builder):
    """Writes flatbuffers in which vectors of equal numbers are stored once."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._known: dict[tuple[int, bytes], int] = {}
        self._begin: tuple[int, int, int] | None = None

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:  # noqa: N802
        """Begin a vector of numbers or references."""
        if elemSize == 1:
            alignment = BUFFER_ALIGNMENT
        self._begin = (elemSize, numElems, self.Offset())
        offset: int = super().StartVector(elemSize, numElems, alignment)
        return offset

    def PrependUOffsetTRelative(self, off: int) -> None:  # noqa: N802
        """Prepend a reference. Vectors of references, which are relative, are never equal."""
        self._begin = None
        super().PrependUOffsetTRelative(off)

    def EndVector(self, *arguments: int) -> int:  # noqa: N802
        """End a vector, and return its offset, or that of an earlier one with equal numbers."""
        offset: int = super().EndVector(*arguments)
        if self._begin is None:
            return offset
        (element_size, count, begin), self._begin = self._begin, None
        # Without the padding after it.
        end = self.Head() + LENGTH_BYTES + count * element_size
        key = element_size, bytes(self.Bytes[self.Head() : end])
        known = self._known.setdefault(key, offset)
        if known != offset:
            self.head = len(self.Bytes) - begin
        return known


def _drop_ranges(tensor: Any) -> None:
    """Drop the value ranges that calibration noted; the runtime does not use them."""
    quantization = tensor.quantization
    if quantization is not None:
        quantization.min = quantization.max = None
        if quantization.scale is None:
            tensor.quantization = None


def _share_buffers(model: Any) -> None:
    """Store equal constants once, and no buffer for tensors without a constant."""
    kept = [model.buffers[NO_BUFFER]]
    index_of = {b"": NO_BUFFER}

    def shared(index: int) -> int:
        data = model.buffers[index].data
        content = b"" if data is None else bytes(data)
        if content not in index_of:
            index_of[content] = len(kept)
            kept.append(model.buffers[index])
        return index_of[content]

    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            tensor.buffer = shared(tensor.buffer)
    for entry in model.metadata or ():
        entry.buffer = shared(entry.buffer)
    model.buffers = kept

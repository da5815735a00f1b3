"""What the server asks of a version of a model, whichever engine runs it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from attention_ocr.serving.batching import Arrays

WARMUP_SIZES = ((32, 64), (32, 160))
"""Heights and widths of the blank images that warm up a model without its own requests."""


class ServedSignature(Protocol):
    """A function of a model, from arrays to arrays.

    Attributes:
        name: Name of the signature.
        definition: Its inputs, outputs and method.
        takes_rows: Whether the first axis of every input and output is the batch axis.
    """

    name: str
    definition: Any
    takes_rows: bool

    def __call__(self, inputs: Arrays) -> Arrays:
        """Compute the outputs."""
        ...

    def check(self, inputs: Arrays) -> None:
        """Refuse inputs that do not match the signature.

        Raises:
            ServingError: If a name, type or shape differs.
        """
        ...


class ServedModel(Protocol):
    """A version of a model that has been loaded and warmed up.

    Attributes:
        version: Version number.
        directory: Directory of the version.
        signature_definitions: The `SignatureDef` of each signature, for gRPC.
    """

    version: int
    directory: Path
    signature_definitions: Mapping[str, Any]

    def signature(self, name: str = "") -> ServedSignature:
        """Return a signature by name, the default one for an empty name.

        Raises:
            ServingError: If no signature has that name.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Return the signatures as the JSON form of TF Serving's `SignatureDefMap`."""
        ...


Load = Callable[[int, Path], ServedModel]
"""Loads a version of a model from its directory."""

"""The folder of `--overlay_dir`: attention overlays of the images read."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from attention_ocr.images.decode import decode_array
from attention_ocr.inference.reader import Reading
from attention_ocr.inference.second_looks.deskew import deskew
from attention_ocr.inference.second_looks.widths import add_margin
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.visualization.overlay import attention_strip, scale_to_height

_IMAGE_HEIGHT = 64
_MAX_IMAGE_WIDTH = 1024
# Most file systems allow names of 255 bytes, including number and suffix.
_MAX_STEM_BYTES = 200


class OverlayFolder:
    """Draws and names the overlays.

    An overlay is named after its image, `word.attention.png`, so that it never replaces the image
    itself; images of the same name are numbered.

    Args:
        folder: Created if it does not exist.
        kind: Kind of the overlays, part of their names.

    Raises:
        OSError: If the folder cannot be created.
    """

    def __init__(self, folder: Path, kind: str = "attention") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._kind = kind
        self._taken: set[str] = set()

    def write(self, name: str, encoded: bytes, reading: Reading) -> Path:
        """Draw the overlay of one image.

        Args:
            name: Name of the image.
            encoded: Content of the image file.
            reading: The prediction for the image.

        Returns:
            The path of the overlay.

        Raises:
            OSError: If the image cannot be decoded or the overlay cannot be written.
        """
        decoded = decode_array(encoded)
        if decoded is None:
            raise OSError(f"{name} cannot be decoded")
        decoded = np.rot90(decoded, reading.quarter_turns)
        if reading.slant and (word := deskew(decoded, reading.slant)) is not None:
            decoded = word
        if reading.margin:
            decoded = add_margin(decoded, reading.margin)
        image = scale_to_height(decoded, _IMAGE_HEIGHT, _MAX_IMAGE_WIDTH)
        strip = attention_strip(image, reading.text, reading.attention, reading.attention_extent)
        path = self._folder / self._free_name(name)
        with whole_file(path) as temporary:
            Image.fromarray(strip).save(temporary, format="PNG")
        return path

    def keep(self, overlays: Iterable[str]) -> None:
        """Reserve the names of overlays that were drawn before."""
        for overlay in overlays:
            self._taken.add(Path(overlay).name.removesuffix(f".{self._kind}.png").casefold())

    def _free_name(self, name: str) -> str:
        stem = "stdin" if name == "-" else Path(name).stem
        stem = stem.encode("utf-8", "replace")[:_MAX_STEM_BYTES].decode("utf-8", "ignore")
        candidate, number = stem, 1
        # Some file systems ignore case.
        while candidate.casefold() in self._taken:
            number += 1
            candidate = f"{stem}-{number}"
        self._taken.add(candidate.casefold())
        return f"{candidate}.{self._kind}.png"

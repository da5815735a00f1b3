"""The folder of `--overlay_dir`: for each image a picture of where it was read."""

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

_PICTURE_HEIGHT = 64
_MAX_PICTURE_WIDTH = 1024
# Most file systems hold names of 255 bytes; number and ending come on top.
_MAX_STEM_BYTES = 200


class OverlayFolder:
    """Draws and names the pictures.

    A picture is named after its image, `word.attention.png`, so that it replaces no image even in
    the folder of the images; a number tells images of one name apart.

    Args:
        folder: made where it does not exist.
        kind: what the pictures show, part of their names.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path, kind: str = "attention") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._kind = kind
        self._taken: set[str] = set()

    def write(self, name: str, encoded: bytes, reading: Reading) -> Path:
        """Draw the picture of one image.

        Args:
            name: of the image.
            encoded: the bytes of its file, which was read.
            reading: what was read.

        Returns:
            The picture's path.

        Raises:
            OSError: the picture cannot be written, or the image not be decoded.
        """
        decoded = decode_array(encoded)
        if decoded is None:
            raise OSError(f"{name} cannot be decoded")
        decoded = np.rot90(decoded, reading.quarter_turns)
        if reading.slant and (word := deskew(decoded, reading.slant)) is not None:
            decoded = word
        if reading.margin:
            decoded = add_margin(decoded, reading.margin)
        image = scale_to_height(decoded, _PICTURE_HEIGHT, _MAX_PICTURE_WIDTH)
        strip = attention_strip(image, reading.text, reading.attention, reading.attention_extent)
        path = self._folder / self._free_name(name)
        with whole_file(path) as temporary:
            Image.fromarray(strip).save(temporary, format="PNG")
        return path

    def keep(self, pictures: Iterable[str]) -> None:
        """Leave pictures alone that were drawn before."""
        for picture in pictures:
            self._taken.add(Path(picture).name.removesuffix(f".{self._kind}.png").casefold())

    def _free_name(self, name: str) -> str:
        stem = "stdin" if name == "-" else Path(name).stem
        stem = stem.encode("utf-8", "replace")[:_MAX_STEM_BYTES].decode("utf-8", "ignore")
        candidate, number = stem, 1
        # Some file systems do not tell `a` from `A`.
        while candidate.casefold() in self._taken:
            number += 1
            candidate = f"{stem}-{number}"
        self._taken.add(candidate.casefold())
        return f"{candidate}.{self._kind}.png"

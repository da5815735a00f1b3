"""The folder of `--overlay_dir`: attention overlays of the images read."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from attention_ocr.images.decode import decode_array
from attention_ocr.inference.reader import Reading
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.io.free_names import FreeNames
from attention_ocr.visualization.boxes import as_read
from attention_ocr.visualization.overlay import (
    attention_frames,
    attention_strip,
    scale_to_height,
)

OVERLAY_FORMATS = ("png", "gif")
_FRAME_MS, _LAST_FRAME_MS = 450, 1500
_IMAGE_HEIGHT = 64
_MAX_IMAGE_WIDTH = 1024


class OverlayFolder:
    """Draws and names the overlays.

    An overlay is named after its image, `word.attention.png`, so that it never replaces the image
    itself; images of the same name are numbered.

    Args:
        folder: Created if it does not exist.
        kind: Kind of the overlays, part of their names.
        file_format: `png`, with a row for each character, or `gif`, an animation.

    Raises:
        OSError: If the folder cannot be created.
    """

    def __init__(
        self, folder: Path, kind: str = "attention", file_format: str = OVERLAY_FORMATS[0]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._ending = f".{kind}.{file_format}"
        self._folder = folder
        self._names = FreeNames()

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
        image = scale_to_height(as_read(decoded, reading), _IMAGE_HEIGHT, _MAX_IMAGE_WIDTH)
        seen = image, reading.text, reading.attention, reading.attention_extent
        stem = self._names.take("stdin" if name == "-" else Path(name).stem)
        path = self._folder / f"{stem}{self._ending}"
        with whole_file(path) as temporary:
            if path.suffix == ".gif":
                _save_animation(attention_frames(*seen), temporary)
            else:
                Image.fromarray(attention_strip(*seen)).save(temporary, format="PNG")
        return path

    def keep(self, overlays: Iterable[str]) -> None:
        """Reserve the names of overlays that were drawn before."""
        for overlay in overlays:
            self._names.reserve(Path(overlay).name.removesuffix(self._ending))


def _save_animation(frames: Sequence[np.ndarray], path: Path) -> None:
    first, *others = [Image.fromarray(frame) for frame in frames]
    first.save(
        path,
        format="GIF",
        save_all=True,
        append_images=others,
        duration=[_FRAME_MS] * len(others) + [_LAST_FRAME_MS],
        loop=0,
    )

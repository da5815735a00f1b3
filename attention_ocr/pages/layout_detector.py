"""Lines that somebody else has found: hOCR, ALTO or PAGE XML files beside the images."""

import dataclasses
from pathlib import Path

from attention_ocr.io.free_names import short_name
from attention_ocr.layout.files import LAYOUT_SUFFIXES, read_layout
from attention_ocr.layout.outline import outline_of
from attention_ocr.layout.page import Line, Page, Polygon
from attention_ocr.pages.detector import Detector, PageImage


class LayoutDetector(Detector):
    """Takes the lines of a page from a file of its name, `scan.xml` or `scan.png.xml`.

    A file of several pages belongs to an image file of several; `scan.tif-0002.xml` to its second
    page. Coordinates are scaled if the file was made for an image of another size.

    Args:
        folder: Folder of the files; empty for that of each image.
    """

    def __init__(self, folder: str = "") -> None:
        self._folder = folder
        # Pages of the file that was read last: an image file may have hundreds.
        self._last: tuple[Path, list[Page]] | None = None

    def detect(self, page: PageImage) -> list[Line]:
        """Return the lines of the file of a page, see `Detector`."""
        if page.path is None:
            raise ValueError("The detector `layout` needs the path of the page. Received: pixels")
        path, number = self._find(Path(page.path), page.number)
        if self._last is None or self._last[0] != path:
            self._last = path, read_layout(path.read_bytes(), str(path))
        pages = self._last[1]
        if len(pages) < number:
            raise ValueError(f"{path}: expected page {number}. Received: {len(pages)} pages")
        found = pages[number - 1]
        height, width = page.pixels.shape[:2]
        found = dataclasses.replace(
            found, width=found.width or width, height=found.height or height
        )
        scale_x, scale_y = width / found.width, height / found.height
        return [_scaled(line, outline_of(line, found), scale_x, scale_y) for line in found.lines]

    def _find(self, image: Path, number: int) -> tuple[Path, int]:
        """Return the layout file of a page, and the number of the page in it."""
        folder = Path(self._folder) if self._folder else image.parent
        for suffix in LAYOUT_SUFFIXES:
            own = folder / f"{short_name(image.name)}-{number:04d}{suffix}"
            if own.is_file():
                return own, 1
            for name in (image.name, image.stem):
                if (folder / f"{name}{suffix}").is_file():
                    return folder / f"{name}{suffix}", number
        raise ValueError(
            f"No layout file found: expected {image.stem} with one of {', '.join(LAYOUT_SUFFIXES)} "
            f"in {folder}. Received: {image}"
        )


def _scaled(line: Line, outline: Polygon, scale_x: float, scale_y: float) -> Line:
    def scale(polygon: Polygon) -> Polygon:
        return tuple((x * scale_x, y * scale_y) for x, y in polygon)

    words = tuple(
        dataclasses.replace(word, polygon=scale(word.polygon))
        for word in line.words
        if len(word.polygon) > 2
    )
    return Line(scale(outline), words=words, block=line.block, baseline=scale(line.baseline))

"""Detectors for tests."""

from pathlib import Path

import numpy as np

from attention_ocr.layout.page import Line, box_polygon
from attention_ocr.pages.detector import Detector, PageImage


class BandDetector(Detector):
    """Returns the bands of rows with ink: enough for clean pages of one column.

    Args:
        margin: Rows added above and below.
    """

    def __init__(self, margin: int = 5) -> None:
        self._margin = margin

    def detect(self, page: PageImage) -> list[Line]:
        ink = page.pixels.min(axis=2) < 128
        rows = np.flatnonzero(np.diff(np.pad(ink.any(axis=1).astype(int), 1)))
        lines = []
        for top, bottom in zip(rows[::2], rows[1::2], strict=True):
            columns = np.flatnonzero(ink[top:bottom].any(axis=0))
            left, right = columns[0] - self._margin, columns[-1] + self._margin
            box = (left, top - self._margin, right, bottom + self._margin)
            lines.append(Line(box_polygon(*map(float, box))))
        return lines


class CellDetector(BandDetector):
    """Cuts each band at its wide gaps, as networks do.

    Args:
        gap: Columns without ink between two cells.
    """

    def __init__(self, gap: int = 30) -> None:
        super().__init__()
        self._gap = gap

    def detect(self, page: PageImage) -> list[Line]:
        cells = []
        for line in super().detect(page):
            (left, top), (right, _), (_, bottom), _ = ((int(x), int(y)) for x, y in line.polygon)
            columns = left + np.flatnonzero(
                (page.pixels[top:bottom, left:right].min(axis=2) < 128).any(axis=0)
            )
            for part in np.split(columns, np.flatnonzero(np.diff(columns) > self._gap) + 1):
                sides = (part[0] - self._margin, top, part[-1] + self._margin, bottom)
                cells.append(Line(box_polygon(*map(float, sides))))
        return cells


class MeasuringDetector(BandDetector):
    """Adds the number of each page and the resident bytes of the process to a file.

    Args:
        file: Path of the file.
    """

    def __init__(self, file: str = "") -> None:
        super().__init__()
        self._file = Path(file)

    def detect(self, page: PageImage) -> list[Line]:
        # Not on Windows.
        import resource

        num_resident = int(Path("/proc/self/statm").read_text().split()[1])
        with self._file.open("a") as file:
            file.write(f"{page.number} {num_resident * resource.getpagesize()}\n")
        return super().detect(page)


class FailingDetector(BandDetector):
    """Fails on one page.

    Args:
        number: Number of the page.
    """

    def __init__(self, number: int = 2) -> None:
        super().__init__()
        self._number = number

    def detect(self, page: PageImage) -> list[Line]:
        if page.number == self._number:
            raise RuntimeError("the network is out of memory")
        return super().detect(page)

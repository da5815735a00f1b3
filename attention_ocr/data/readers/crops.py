"""Lines and words that are outlined on images of pages: cut out when they are read."""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_ocr.data.image_sizes import cannot_be_opened
from attention_ocr.data.readers.indexed import IndexedReader
from attention_ocr.images.documents import open_document
from attention_ocr.images.rectify import quadrilateral, rectify
from attention_ocr.io.free_names import short_name
from attention_ocr.layout.page import Polygon

CACHED_PAGES = 4
"""Decoded pages that are kept: lines read in order are cut from the same page."""

_NUMBERED = re.compile(r"-(\d{4,})$")
_REPEATED = re.compile(r"-\d+$")


@dataclass(frozen=True)
class LabelledCrop:
    """A labelled part of a page.

    Attributes:
        key: Its name in reports.
        text: Its text.
        image: Path of the page image.
        number: Number of the page in its file, from 1.
        polygon: Its outline.
        baseline: Its baseline; none if unknown.
        size: Width and height for which the outline was drawn; 0 if unknown.
    """

    key: str
    text: str
    image: str
    number: int
    polygon: Polygon
    baseline: Polygon = ()
    size: tuple[int, int] = (0, 0)


class CropReader(IndexedReader):
    """The crops of a list.

    Args:
        crops: The crops.
    """

    def __init__(self, crops: Sequence[LabelledCrop]) -> None:
        self._crops = crops

    def __len__(self) -> int:
        return len(self._crops)

    def key(self, index: int) -> str:
        return self._crops[index].key

    def text(self, index: int) -> str:
        return self._crops[index].text

    def row(self, index: tf.Tensor) -> dict[str, tf.Tensor]:
        types = (tf.string, tf.string, tf.uint8, tf.string)
        key, text, image, reason = tf.numpy_function(self._read, [index], types, stateful=False)
        return {
            "key": tf.ensure_shape(key, ()),
            "text": tf.ensure_shape(text, ()),
            "image": tf.ensure_shape(image, (None, None, 3)),
            "reason": tf.ensure_shape(reason, ()),
        }

    def _read(self, index: np.int64) -> tuple[bytes, bytes, np.ndarray, bytes]:
        crop = self._crops[int(index)]
        image, reason = cut(crop)
        return crop.key.encode(), crop.text.encode(), image, reason.encode("utf-8", "replace")


def cut(crop: LabelledCrop) -> tuple[np.ndarray, str]:
    """Cut a crop out of its page.

    Returns:
        uint8 [h, w, 3] and an empty string, or [0, 0, 3] and the reason why the page is unreadable.
    """
    page, reason = _page(crop.image, crop.number)
    if not page.size:
        return page, reason
    height, width = page.shape[:2]
    scale = np.divide((width, height), crop.size) if all(crop.size) else np.ones(2)
    polygon, baseline = (
        (np.reshape(points, (-1, 2)) * scale).astype(np.float32)
        for points in (crop.polygon, crop.baseline)
    )
    return rectify(page, quadrilateral(polygon, baseline), polygon), ""


@functools.lru_cache(maxsize=CACHED_PAGES)
def _page(path: str, number: int) -> tuple[np.ndarray, str]:
    try:
        with open_document(path) as document:
            return document.page(number), ""
    except OSError as error:
        reason = cannot_be_opened(error)
    except ValueError as error:
        reason = str(error)
    return np.zeros((0, 0, 3), np.uint8), reason


def find_page_image(layout_file: Path, named: str | None) -> tuple[Path, int] | None:
    """Return the image of a layout file, and the number of its page there; None without one.

    Args:
        layout_file: `scan.xml`, or `scan.pdf-0002.xml` as `attention-ocr read --detect` names them.
        named: Name of the image in the file.
    """
    from attention_ocr.images.formats import PAGE_SUFFIXES

    stem, number = layout_file.name.removesuffix(layout_file.suffix), 1
    numbered = _NUMBERED.search(stem)
    if numbered:
        number = int(numbered[1])
    candidates = [Path(named)] if named and Path(named).is_absolute() else []
    names = [Path(named.replace("\\", "/")).name] if named else []
    bare = stem[: numbered.start()] if numbered else stem
    names += [bare, stem, *(f"{name}{suffix}" for name in (stem, bare) for suffix in PAGE_SUFFIXES)]
    for folder in (layout_file.parent, layout_file.parent.parent):
        candidates += [folder / name for name in names]
    if named:
        candidates.append(Path(named))
    for candidate in candidates:
        if candidate.is_file() and candidate.suffix.lower() in PAGE_SUFFIXES:
            return candidate, number if _is_named_after(bare, candidate.name) else 1
    return None


def _is_named_after(bare: str, image: str) -> bool:
    """Return whether a layout file, without its page, is named after an image, see `FreeNames`.

    If it is not, its digits are no page: a file of one page may end with digits itself.
    """
    short = short_name(image)
    return short in (bare, _REPEATED.sub("", bare)) or bare == Path(image).stem

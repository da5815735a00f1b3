"""How a process of a cluster reads crops: a row for each that can be read."""

from collections.abc import Iterator, Sequence
from typing import Any

from attention_ocr.cluster.rejections import Rejections, printable
from attention_ocr.data.image_items import EncodedImage, ListedImage
from attention_ocr.data.storage import read_file
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.reader import Reader

ImageItem = ListedImage | EncodedImage
"""An image file to read: where it is, or what it holds."""


def crop_rows(
    reader: Reader, batch_size: int, items: Sequence[ImageItem], rejections: Rejections
) -> Iterator[dict[str, Any]]:
    """Yield a row for each image that can be read; list the others in `rejections`."""
    for start in range(0, len(items), batch_size):
        keys, contents = [], []
        for item in items[start : start + batch_size]:
            try:
                content = item.encoded if isinstance(item, EncodedImage) else read_file(item.path)
            except OSError as error:
                rejections.add_error(item.key, error)
                continue
            keys.append(item.key)
            contents.append(content)
        for key, reading in zip(keys, reader.read(contents, len(contents) or 1), strict=True):
            if reading.error is not None:
                rejections.add(key, "unreadable", reading.error)
                continue
            yield _row(key, reading)


def _row(key: str, reading: Reading) -> dict[str, Any]:
    return {
        "key": printable(key),
        "text": reading.text,
        "confidence": round(reading.confidence, 6),
        "character_confidences": [round(value, 6) for value in reading.character_confidences],
        "shrunk": reading.shrunk,
        "warning": reading.warning,
        "alternatives": [
            {"text": text, "confidence": round(confidence, 6)}
            for text, confidence in reading.alternatives
        ],
    }

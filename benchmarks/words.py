"""Rendered images of words for the benchmarks."""

from collections.abc import Iterator
from pathlib import Path

import cv2

from attention_ocr.data.records import serialize_example
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig

# Fonts installed by pip, so that every machine renders the same images.
SETTINGS = SynthesisConfig(kinds=("words",), fonts="bundled")


def write_images(folder: Path, num_images: int) -> list[Path]:
    """Write images as PNG files with a `labels.tsv`, and return their paths."""
    paths, lines = [], []
    for index, (image, text) in enumerate(_render(num_images)):
        paths.append(folder / f"{index:05d}.png")
        cv2.imwrite(str(paths[-1]), image)
        lines.append(f"{paths[-1].name}\t{text}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    return paths


def serialized_words(num_examples: int) -> list[bytes]:
    """Return serialised examples of small JPEG images."""
    examples = []
    for index, (image, text) in enumerate(_render(num_examples)):
        _, encoded = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 60))
        height, width = image.shape[:2]
        examples.append(serialize_example(encoded.tobytes(), text, str(index), height, width))
    return examples


def _render(count: int) -> Iterator[tuple[cv2.typing.MatLike, str]]:
    for image, text in Renderer(SETTINGS).generate(0, count):
        yield cv2.cvtColor(image, cv2.COLOR_RGB2BGR), text

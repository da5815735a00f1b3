"""Rendered text as a fixed data set."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import tensorflow_datasets as tfds

from attention_ocr.data.source_spec import parse_source
from attention_ocr.data.tfds.builder import WordsBuilder
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import parse_options


@dataclasses.dataclass
class SyntheticTextConfig(tfds.core.BuilderConfig):
    """Rendering settings.

    Attributes:
        options: Options of the source `synthetic`, without `part`.
        num_train: Examples of the split `train`.
        num_test: Examples of the split `test`, whose texts are disjoint from those of `train`.
    """

    options: str = "fonts=bundled"
    num_train: int = 100_000
    num_test: int = 1_000


class Builder(WordsBuilder):
    """Renders the examples; reads no files."""

    HOMEPAGE = "https://github.com/tensorflow/models/tree/master/research/attention_ocr"
    TERMS = "Apache-2.0, as this project; the fonts keep their own terms."
    BUILDER_CONFIGS: ClassVar[list[SyntheticTextConfig]] = [
        SyntheticTextConfig(name="mixed", description="All kinds of text."),
        SyntheticTextConfig(
            name="words", description="English words.", options="fonts=bundled,kinds=words"
        ),
        SyntheticTextConfig(
            name="numbers", description="Numbers.", options="fonts=bundled,kinds=numbers"
        ),
    ]

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        config = self.builder_config
        return {
            "train": self._generate_examples(_rows(config.options, "train", config.num_train)),
            "test": self._generate_examples(_rows(config.options, "eval", config.num_test)),
        }

    def splits(self, folder: Path) -> dict[str, Iterator[dict[str, Any]]]:
        """Return no splits: there is no manual directory."""
        return {}


def _rows(options: str, part: str, count: int) -> Iterator[dict[str, Any]]:
    given = parse_source(f"synthetic,{options}").options
    renderer = Renderer(parse_options({**given, "part": part}))
    for index, (image, text) in enumerate(renderer.generate(0, count)):
        yield {"key": f"{index:09d}", "text": text, "image": image}

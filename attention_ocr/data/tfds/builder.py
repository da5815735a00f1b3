"""Base class of the builders in `datasets/`: examples of an image, its text and its key."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import tensorflow_datasets as tfds

from attention_ocr.text.charset import normalize


# TFDS registers each class by its name, but this one is not a data set.
class WordsBuilder(  # type: ignore[call-arg]
    tfds.core.GeneratorBasedBuilder, skip_registration=True
):
    """A data set of images and their texts, read in its published layout.

    A subclass defines its homepage and terms, and returns each split as rows. The description and
    the citation come from its `README.md` and `CITATIONS.bib`.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "First release."}
    HOMEPAGE: ClassVar[str | None] = None
    TERMS: ClassVar[str]
    LEXICONS: ClassVar[tuple[str, ...]] = ()
    """Names of further features, each a list of words that contains the text."""

    def _info(self) -> Any:
        features = {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "text": tfds.features.Text(),
            "key": tfds.features.Text(),
        }
        features |= {name: tfds.features.Sequence(tfds.features.Text()) for name in self.LEXICONS}
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features | self.further_features()),
            supervised_keys=("image", "text"),
            homepage=self.HOMEPAGE,
            license=self.TERMS,
        )

    def further_features(self) -> dict[str, Any]:
        """Return additional features of this data set."""
        return {}

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        splits = self.splits(Path(dl_manager.manual_dir))
        return {name: self._generate_examples(rows) for name, rows in splits.items()}

    def splits(self, folder: Path) -> dict[str, Iterable[Mapping[str, Any]]]:
        """Return the rows of each split: `key`, `text`, `image` and the additional features.

        An image is a path, a file object or uint8 pixels.

        Args:
            folder: The manual directory.
        """
        raise NotImplementedError

    def _generate_examples(
        self, rows: Iterable[Mapping[str, Any]]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for row in rows:
            yield row["key"], {**row, "text": normalize(row["text"])}


def existing(path: Path) -> Path:
    """Return a path after checking that it exists.

    Raises:
        FileNotFoundError: If it does not; the message says where the data is expected.
    """
    if not path.exists():
        raise FileNotFoundError(f"Expected {path} in the manual directory. Received: no such file")
    return path

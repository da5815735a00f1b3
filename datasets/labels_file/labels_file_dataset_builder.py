"""A TFDS data set of any folder with `labels.tsv` and the images it names."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import tensorflow_datasets as tfds

from attention_ocr.data.labels import read_labels


class Builder(tfds.core.GeneratorBasedBuilder):
    """Reads `labels.tsv` (path, tab, text) in the manual directory into one split, `train`."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "First release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put `labels.tsv` and the images it names into the manual directory. "
        "Each line is a path relative to it, a tab and the text."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3)),
                    "text": tfds.features.Text(),
                    "key": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "text"),
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[str, dict[str, str]]]]:
        return {"train": self._generate_examples(Path(dl_manager.manual_dir, "labels.tsv"))}

    def _generate_examples(self, labels: Path) -> Iterator[tuple[str, dict[str, str]]]:
        for image in read_labels(labels):
            # TFDS stores the file as it is when given its path.
            yield image.key, {"image": str(image.path), "text": image.text, "key": image.key}

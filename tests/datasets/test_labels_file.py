import importlib
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
import tensorflow_datasets as tfds

DATASETS = Path(__file__).parents[2] / "datasets"
DUMMY_DATA = DATASETS / "labels_file" / "dummy_data"


@pytest.fixture(scope="module")
def builder_module() -> ModuleType:
    # TFDS knows each builder by name, so one process can import it only once.
    sys.path.append(str(DATASETS))
    module = importlib.import_module("labels_file.labels_file_dataset_builder")
    sys.path.remove(str(DATASETS))
    return module


def build(builder_module: ModuleType, manual_dir: Path, data_dir: Path) -> list[dict]:
    builder = builder_module.Builder(data_dir=data_dir)
    config = tfds.download.DownloadConfig(manual_dir=manual_dir)
    builder.download_and_prepare(download_config=config)
    return list(tfds.as_numpy(builder.as_dataset(split="train")))


def test_the_builder_yields_every_labelled_image(builder_module, tmp_path):
    examples = build(builder_module, DUMMY_DATA, tmp_path)
    found = {e["key"].decode(): (e["text"].decode(), e["image"].shape) for e in examples}
    assert found == {
        "images/one.png": ("one", (16, 31, 3)),
        "images/two words.png": ("two words", (16, 60, 3)),
        "images/ete.jpg": ("été", (17, 33, 3)),
        "images/nothing.png": ("", (9, 12, 3)),
    }


def test_the_builder_has_its_name_and_its_description(builder_module, tmp_path):
    builder = builder_module.Builder(data_dir=tmp_path)
    assert builder.name == "labels_file"
    assert builder.info.description.startswith("Text images of your own")


def test_a_missing_image_is_named(builder_module, tmp_path):
    folder = tmp_path / "manual"
    shutil.copytree(DUMMY_DATA, folder)
    (folder / "images/two words.png").unlink()
    with pytest.raises(FileNotFoundError, match="labels.tsv, line 2: no such image: .*two words"):
        build(builder_module, folder, tmp_path / "data")

"""Each builder of a published data set on dummy data in the layout in which that is published."""

import importlib
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
import tensorflow_datasets as tfds

DATASETS = Path(__file__).parents[2] / "datasets"
EXPECTED = {
    "mjsynth": {
        "train": {
            "2425/1/115_Lube_0.jpg": "Lube",
            "2425/1/114_SPENCERIAN_1.jpg": "SPENCERIAN",
        },
        "validation": {"2425/1/1_open_2.jpg": "open"},
        "test": {"2425/2/7_OPEN_2.jpg": "OPEN"},
    },
    "fsns": {
        "train": {
            "train-00000-of-00001#0": "Rue de la Paix",
            "train-00000-of-00001#1": "Allée des Érables",
        },
        "validation": {"validation-00000-of-00001#0": "Quai"},
        "test": {"test-00000-of-00001#0": "Place"},
    },
    "iiit5k": {
        "train": {"train/1009_2.png": "You", "train/1017_1.png": "RESERVED"},
        "test": {"test/1002_1.png": "PRIVATE"},
    },
    "svt": {
        "train": {"img/14_03.jpg#0": "LIVING", "img/14_03.jpg#1": "ROOM"},
        "test": {"img/00_00.jpg#0": "CAFE"},
    },
    "svt_perspective": {"test": {"IMG/13_16_0.jpg": "FARMACIA", "IMG/13_16_1.jpg": "OPEN"}},
    "cute80": {"test": {"timage/image001.jpg": "RONALDO", "timage/image002.jpg": "7"}},
    "icdar2013": {
        "train": {"word_1.png": "PROPER", "word_2.png": 'say "hi", you\\me'},
        "test": {"word_1.png": "Tiredness"},
    },
    "icdar2015": {
        "train": {"word_1.png": "Genaxis Theatre", "word_2.png": "[06]"},
        "test": {"word_1.png": "Tiredness"},
    },
    "iam": {
        "train": {"a01-000u-00-00": "A", "a01-000u-00-01": "MOVE"},
        "validation1": {"a01-003-00-00": "Though", "a01-003-00-01": ","},
        "validation2": {"b01-004-00-00": "He"},
        "test": {"c01-009-00-00": "end"},
    },
}
LEXICONS = {
    "iiit5k": {
        "small_lexicon": ["PRIVATE", "OTHER"],
        "medium_lexicon": ["PRIVATE", "OTHER", "WORDS"],
    },
    "svt": {"lexicon": ["CAFE", "HOTEL"]},
    "svt_perspective": {"lexicon": ["FARMACIA", "OPEN", "HOTEL"]},
    "cute80": {"lexicon": []},
}


def builder_module(name: str) -> ModuleType:
    # TFDS knows each builder by name, so one process can import it only once.
    sys.path.append(str(DATASETS))
    module = importlib.import_module(f"{name}.{name}_dataset_builder")
    sys.path.remove(str(DATASETS))
    return module


def build(name: str, manual_dir: Path, data_dir: Path, **options) -> dict[str, list[dict]]:
    if name == "iiit5k":
        pytest.importorskip("scipy")
    builder = builder_module(name).Builder(data_dir=data_dir, **options)
    config = tfds.download.DownloadConfig(manual_dir=manual_dir)
    builder.download_and_prepare(download_config=config)
    return {
        split: list(tfds.as_numpy(builder.as_dataset(split=split))) for split in builder.info.splits
    }


def labels(splits: dict[str, list[dict]]) -> dict[str, dict[str, str]]:
    return {
        split: {example["key"].decode(): example["text"].decode() for example in examples}
        for split, examples in splits.items()
    }


def test_every_builder_is_tested():
    folders = {path.parent.name for path in DATASETS.glob("*/*_dataset_builder.py")}
    assert folders == {*EXPECTED, "labels_file", "synthetic_text"}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_builder_yields_the_official_splits(name, tmp_path):
    splits = build(name, DATASETS / name / "dummy_data", tmp_path)
    assert labels(splits) == EXPECTED[name]
    for examples in splits.values():
        for example in examples:
            height, width, channels = example["image"].shape
            assert (height > 8, width > 4, channels) == (True, True, 3)
            # There is ink on each image: no cut went beside the word.
            assert example["image"].min() < 100 < 200 < example["image"].max()
    for feature, words in LEXICONS.get(name, {}).items():
        by_key = {example["key"].decode(): example for example in splits["test"]}
        first = by_key[next(iter(EXPECTED[name]["test"]))]
        assert [word.decode() for word in first[feature]] == words


@pytest.mark.parametrize("name", EXPECTED)
def test_a_builder_says_what_it_is_and_whose(name, tmp_path):
    module = builder_module(name)
    info = module.Builder(data_dir=tmp_path).info
    assert len(info.description) > 80
    assert info.citation.startswith("@")
    assert info.homepage.startswith("http")
    assert "manual directory" in module.Builder.MANUAL_DOWNLOAD_INSTRUCTIONS


@pytest.mark.parametrize("name", EXPECTED)
def test_data_that_is_not_there_is_named(name, tmp_path):
    (tmp_path / "manual").mkdir()
    (tmp_path / "manual/something else").touch()
    with pytest.raises(FileNotFoundError, match="in the manual directory. Received: no such file"):
        build(name, tmp_path / "manual", tmp_path / "data")


def test_the_lines_of_iam_have_spaces_between_their_words(tmp_path):
    splits = build("iam", DATASETS / "iam/dummy_data", tmp_path, config="lines")
    assert labels(splits) == {
        "train": {"a01-000u-00": "A MOVE"},
        "validation1": {"a01-003-00": "Though ,"},
        "validation2": {"b01-004-00": "He"},
        "test": {"c01-009-00": "end"},
    }
    (doubtful,) = splits["validation1"]
    assert not doubtful["well_segmented"]
    assert splits["test"][0]["well_segmented"]


def test_a_rectangle_outside_of_its_photograph_is_refused(tmp_path):
    folder = tmp_path / "manual"
    shutil.copytree(DATASETS / "svt/dummy_data", folder)
    labels = folder / "svt1/test.xml"
    labels.write_text(labels.read_text().replace(' y="5"', ' y="500"'))
    with pytest.raises(ValueError, match="test.xml: expected rectangles inside img/00_00.jpg"):
        build("svt", folder, tmp_path / "data")


def test_rendered_text_is_fixed_as_a_data_set(tmp_path):
    module = builder_module("synthetic_text")
    config = module.SyntheticTextConfig(
        name="tiny", options="fonts=bundled,kinds=numbers,max_length=4", num_train=4, num_test=3
    )
    builder = module.Builder(data_dir=tmp_path, config=config)
    builder.download_and_prepare()
    splits = {
        split: [example["text"] for example in tfds.as_numpy(builder.as_dataset(split=split))]
        for split in ("train", "test")
    }
    assert [len(splits["train"]), len(splits["test"])] == [4, 3]
    assert not set(splits["train"]) & set(splits["test"])

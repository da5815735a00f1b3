"""The command that makes the bundled models: which steps it takes, and in which order."""

import importlib.util
import json
from pathlib import Path

import pytest

from attention_ocr.inference.locate import BUNDLED_WEIGHTS
from benchmarks.flag_files import CONFIGS, read_flags

FILE = CONFIGS / "make_weights.py"


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Return the module and the list of commands that it would run, in an empty folder."""
    spec = importlib.util.spec_from_file_location("make_weights", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    commands = []
    monkeypatch.setattr(module, "run", lambda *words: commands.append([*map(str, words)]))
    return module, commands


def take(module, *steps, data="runs/data"):
    arguments = module.argparse.Namespace(
        data=Path(data), models=[*module.RECIPES], steps=[*(steps or module.STEPS)]
    )
    module.main(arguments)


def labelled_sets(folder):
    scenes = ("iiit5k_train", "svt_train", "ic15_train", "ic13_borndigital_train", "ic03_train")
    for name in (*scenes, "sroie_lines", "sroie_lines_more"):
        (folder / name).mkdir(parents=True)
        (folder / name / "labels.tsv").write_text("a.png\ta\n", encoding="utf-8")
    return folder


def test_all_steps_are_taken_in_order(make, tmp_path):
    module, commands = make
    labelled_sets(tmp_path / "sets")
    take(module, data=tmp_path / "sets")
    told = [" ".join(command) for command in commands]
    words = (
        "configs/word_lists.py runs/words runs/data/iiit5k_train/labels.tsv,every=5,part=train",
        "configs/word_parts.py runs/words/parts",
        "configs/word_views.py runs/words/views",
        "configs/word_contexts.py runs/words/contexts",
        "configs/word_views.py runs/words/context_views runs/words/contexts/labels.tsv",
        "configs/receipt_case.py runs/words/receipts",
    )
    expected = (
        *words,
        "-m attention_ocr language-model --order=8",
        "train.py --flagfile=configs/default_model/train.flags",
        "-m attention_ocr pack runs/default_model attention_ocr/weights/default",
        *("-m benchmarks.rulers", "-m benchmarks.model_card"),
        *words,
        "configs/line_texts.py runs/words runs/words/receipts/labels.tsv",
        "-m attention_ocr language-model --kind=lstm",
        "train.py --flagfile=configs/lines/train.flags",
        "-m attention_ocr pack runs/lines attention_ocr/weights/lines",
        "-m benchmarks.rulers",
    )
    assert len(told) == len(expected)
    assert all(line.startswith(start) for line, start in zip(told, expected, strict=True))
    assert (tmp_path / "runs" / "data" / "svt_train" / "labels.tsv").is_file()


def test_words_that_are_there_are_not_made_again(make):
    module, commands = make
    for folder in ("parts", "views", "contexts", "context_views", "receipts"):
        (module.WORDS / folder).mkdir(parents=True)
    models = ("language_model.npz", "lines_language_model.npz")
    for name in (
        "languages.txt",
        "parts/labels.tsv",
        "views/labels.tsv",
        "contexts/labels.tsv",
        "context_views/labels.tsv",
        "receipts/labels.tsv",
        *models,
    ):
        (module.WORDS / name).touch()
    labelled_sets(module.DATA)
    take(module, "words")
    assert commands == []


def test_missing_sets_are_named(make, tmp_path):
    module, commands = make
    with pytest.raises(
        FileNotFoundError, match="Expected the labelled sets.*ic15_train.*sroie_lines_more"
    ):
        take(module, data=tmp_path / "nowhere")
    assert commands == []


@pytest.mark.parametrize("name", ["default", "lines"])
def test_what_ships_was_packed_with_the_settings_of_the_recipe(make, name):
    module, _ = make
    recipe = module.RECIPES[name]
    bundled = BUNDLED_WEIGHTS.parents[2] / recipe.bundled
    config = json.loads((bundled / "config.json").read_text(encoding="utf-8"))
    shipped = {**config["decoding"], **config["second_looks"]}
    for option in (*recipe.decoding, *recipe.second_looks):
        setting, _, value = option.removeprefix("--").partition("=")
        found = shipped[setting]
        found = ",".join(map(str, found)) if isinstance(found, list) else str(found)
        assert found == value, setting
    flags = read_flags(CONFIGS.parent / recipe.flags)
    assert config["image"]["max_image_width"] == flags["max_image_width"]


def test_the_default_model_widens_narrow_images_as_it_was_trained_to():
    config = json.loads((BUNDLED_WEIGHTS / "config.json").read_text(encoding="utf-8"))
    flags = read_flags(CONFIGS / "default_model" / "train.flags")
    assert config["image"]["narrow_stretch"] == flags["narrow_stretch"]

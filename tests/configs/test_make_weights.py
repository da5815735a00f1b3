"""The command that makes the bundled weights: which steps it takes, and in which order."""

import importlib.util
import json
from pathlib import Path

import pytest

from attention_ocr.inference.locate import BUNDLED_WEIGHTS
from benchmarks.flag_files import CONFIGS, read_flags

FILE = CONFIGS / "default_model" / "make.py"


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
    module.main(module.argparse.Namespace(data=Path(data), steps=[*(steps or module.STEPS)]))


def labelled_sets(folder):
    for name in ("iiit5k_train", "svt_train", "ic15_train"):
        (folder / name).mkdir(parents=True)
        (folder / name / "labels.tsv").write_text("a.png\ta\n", encoding="utf-8")
    return folder


def saved_run(module):
    module.RUN.mkdir(parents=True)
    for name in ("weights.npz", "config.json", "charset.txt"):
        (module.RUN / name).write_text(name, encoding="utf-8")


def test_all_steps_are_taken_in_order(make, tmp_path):
    module, commands = make
    labelled_sets(tmp_path / "sets")
    saved_run(module)
    take(module, data=tmp_path / "sets")
    told = [" ".join(command) for command in commands]
    expected = (
        *("configs/word_lists.py runs/words", "configs/word_parts.py runs/words/parts"),
        *("-m attention_ocr language-model", "train.py --flagfile=configs/default_model/train.f"),
        *("train.py --flagfile=configs/default_model/anneal.flags", "-m attention_ocr pack"),
        *("-m benchmarks.rulers", "-m benchmarks.model_card"),
    )
    assert len(told) == len(expected)
    assert all(line.startswith(start) for line, start in zip(told, expected, strict=True))
    assert (tmp_path / "runs" / "data" / "svt_train" / "labels.tsv").is_file()
    assert (module.MILESTONE / "weights.npz").read_text(encoding="utf-8") == "weights.npz"


def test_words_that_are_there_are_not_made_again(make):
    module, commands = make
    (module.WORDS / "parts").mkdir(parents=True)
    for name in ("languages.txt", "parts/labels.tsv", "language_model.npz"):
        (module.WORDS / name).touch()
    labelled_sets(module.DATA)
    take(module, "words")
    assert commands == []


def test_a_milestone_is_kept_until_it_is_annealed(make):
    module, _ = make
    labelled_sets(module.DATA)
    saved_run(module)
    take(module, "anneal")
    (module.RUN / "weights.npz").write_text("later", encoding="utf-8")
    take(module, "anneal")
    assert (module.MILESTONE / "weights.npz").read_text(encoding="utf-8") == "weights.npz"


def test_missing_sets_are_named(make, tmp_path):
    module, commands = make
    with pytest.raises(FileNotFoundError, match="Expected the labelled sets.*ic15_train"):
        take(module, data=tmp_path / "nowhere")
    assert commands == []


def test_what_ships_was_packed_with_the_settings_of_the_recipe(make):
    module, _ = make
    config = json.loads((BUNDLED_WEIGHTS / "config.json").read_text(encoding="utf-8"))
    shipped = {**config["decoding"], **config["second_looks"]}
    for option in (*module.DECODING, *module.SECOND_LOOKS):
        name, _, value = option.removeprefix("--").partition("=")
        found = shipped[name]
        found = ",".join(map(str, found)) if isinstance(found, list) else str(found)
        assert found == value, name
    flags = read_flags(FILE.with_name("train.flags"))
    assert config["image"]["narrow_stretch"] == flags["narrow_stretch"]


def test_annealing_goes_on_with_the_network_and_nearly_the_mixture_of_the_run():
    run, annealing = (read_flags(FILE.with_name(f"{name}.flags")) for name in ("train", "anneal"))
    assert annealing["batch_size"] == run["batch_size"]
    assert annealing["decay_steps"] <= annealing["steps"] < run["steps"]
    sources = [
        [source.partition("weight")[0] for source in flags["train_data"].split(";")]
        for flags in (run, annealing)
    ]
    assert sources[0] == sources[1]

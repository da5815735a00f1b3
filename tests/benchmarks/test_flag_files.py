"""Flag files as settings, as the benchmarks read them."""

import pytest

from attention_ocr.cli.presets import FILES
from attention_ocr.settings.config import Config
from benchmarks import flag_files
from benchmarks.flag_files import CONFIGS, parse_flags, read_flags

FLAG_FILES = sorted(CONFIGS.rglob("*.flags")) + sorted(FILES.values())


@pytest.mark.parametrize("path", FLAG_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_flag_file_is_read_as_settings_of_their_types(path):
    settings = read_flags(path)
    config = Config.from_values(settings).to_dict()
    known = {name: value for section in config.values() if isinstance(section, dict)
             for name, value in section.items()}  # fmt: skip
    for name, value in settings.items():
        expected = known[name]
        assert value == (tuple(expected) if isinstance(expected, list) else expected)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("--steps=1_000", 1000),
        ("--learning_rate=1e-3", 0.001),
        ("--deterministic=true", True),
        ("--deterministic=false", False),
        ("--encoder=vgg", "vgg"),
        ("--train_data=a.tsv,every=5,part=train", "a.tsv,every=5,part=train"),
        ("--eval_data=", ""),
    ],
)
def test_a_value_has_the_type_of_its_field(line, value):
    (found,) = parse_flags([line]).values()
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("line", ["", "# --steps=3", "--work_dir=runs/mine", "steps=3", "--none=1"])
def test_what_is_not_a_setting_is_skipped(line):
    assert parse_flags([line]) == {}


def test_the_last_of_two_values_is_taken():
    assert parse_flags(["--steps=3", "--seed=1", "--steps=5"]) == {"steps": 5, "seed": 1}


def test_other_flag_files_and_presets_are_followed_and_may_be_overridden(tmp_path, monkeypatch):
    monkeypatch.setattr(flag_files, "CONFIGS", tmp_path / "configs")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "base.flags").write_text("--steps=7\n--seed=3\n", encoding="utf-8")
    own = tmp_path / "own.flags"
    own.write_text(
        "--preset=crnn\n--flagfile=configs/base.flags\n--seed=4\n# a comment\n", encoding="utf-8"
    )
    settings = read_flags(own)
    assert (settings["steps"], settings["seed"]) == (7, 4)
    preset = read_flags(FILES["crnn"])
    assert preset
    assert {name: settings[name] for name in preset} == preset


def test_a_missing_flag_file_is_named(tmp_path):
    own = tmp_path / "own.flags"
    own.write_text("--flagfile=configs/nowhere.flags\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match="nowhere.flags"):
        read_flags(own)

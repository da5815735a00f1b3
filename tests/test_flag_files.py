"""Flag files: the experiments of `configs/`, and the presets."""

import math
import re
import string
from pathlib import Path

import pytest

from attention_ocr.cli import train
from attention_ocr.cli.settings_flags import settings_in_flags
from attention_ocr.data.source_spec import parse_source
from attention_ocr.models.build import build_recognizer
from attention_ocr.settings.config import Config
from attention_ocr.synthesis.settings import parse_options
from attention_ocr.text.charset import Charset

REPOSITORY = Path(__file__).parents[1]
EXPERIMENTS = sorted((REPOSITORY / "configs").glob("*.flags"))
RECIPES = sorted((REPOSITORY / "configs").glob("*/*.flags"))


@pytest.mark.parametrize("path", EXPERIMENTS + RECIPES, ids=lambda path: path.stem)
def test_a_named_experiment_holds_flags_and_nothing_else(path, monkeypatch):
    monkeypatch.chdir(REPOSITORY)  # A flag file may name another.
    values = train.COMMAND.parse("train.py", [f"--flagfile={path}"])
    if path in EXPERIMENTS:
        assert values.work_dir == f"runs/{path.stem}"
    # The pretrained model need not exist.
    config = Config.from_values(settings_in_flags(values))
    # Some have no validation data.
    mixtures = filter(None, (config.data.train_data, config.data.eval_data))
    for spec in (parse_source(source) for mixture in mixtures for source in mixture.split(";")):
        if spec.name == "synthetic":
            for name in ("num_examples", "weight", "repeats"):
                spec.options.pop(name, None)
            parse_options(spec.options)
    comments = [line for line in path.read_text("utf-8").splitlines() if line.startswith("#")]
    name = path.relative_to(REPOSITORY).as_posix()
    assert any(f"--flagfile={name}" in line for line in comments)


PRESETS = sorted(REPOSITORY.glob("attention_ocr/presets/*.flags"))
PARAMETERS = dict(
    re.findall(
        r"^\| `(\w+)` .*\| ([\d,]+) \|$",
        (REPOSITORY / "docs" / "presets.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
)


def read_preset(path: Path) -> Config:
    arguments = [f"--preset={path.stem}", "--work_dir=runs/preset"]
    return train.config_from_flags(train.COMMAND.parse("train.py", arguments))


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_sets_a_network_and_names_its_command(path):
    config = read_preset(path)
    assert config.data == Config().data
    comments = [line for line in path.read_text("utf-8").splitlines() if line.startswith("#")]
    assert any(f"attention-ocr train --preset={path.stem} " in line for line in comments)
    assert path.stem in PARAMETERS


@pytest.mark.slow
@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_has_the_number_of_parameters_in_its_table(path):
    recognizer = build_recognizer(
        read_preset(path), Charset(string.digits + string.ascii_lowercase)
    )
    count = sum(math.prod(weight.shape) for weight in recognizer.trainable_weights)
    assert f"{count:,}" == PARAMETERS[path.stem]

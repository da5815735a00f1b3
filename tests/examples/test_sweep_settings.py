"""Settings and tables of examples/sweep, without Optuna and without training."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

FILE = Path(__file__).parents[2] / "examples/sweep/sweep.py"


class BaseDistribution:
    def __init__(self, *values, **options):
        self.values, self.options = values, options


class FloatDistribution(BaseDistribution):
    def __init__(self, low, high, log):
        if log and low <= 0.0:
            raise ValueError("`low` must be above 0")
        super().__init__(low, high)
        self.low, self.high, self.log = low, high, log


class CategoricalDistribution(BaseDistribution):
    def __init__(self, choices):
        super().__init__(*choices)
        self.choices = tuple(choices)


@pytest.fixture
def sweep(monkeypatch):
    """The script, with the few classes of Optuna that it uses."""
    fake = ModuleType("optuna")
    fake.distributions = SimpleNamespace(
        BaseDistribution=BaseDistribution,
        FloatDistribution=FloatDistribution,
        CategoricalDistribution=CategoricalDistribution,
    )
    fake.Trial = fake.Study = object
    monkeypatch.setitem(sys.modules, "optuna", fake)
    spec = importlib.util.spec_from_file_location("sweep", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ranges_are_on_a_log_scale_and_lists_are_choices(sweep):
    space = sweep.parse_space(["learning_rate=0.0005..0.004", "encoder=compact,vgg", "seed=1"])
    rate = space["learning_rate"]
    assert (rate.low, rate.high, rate.log) == (0.0005, 0.004, True)
    assert space["encoder"].choices == ("compact", "vgg")
    assert space["seed"].choices == ("1",)


@pytest.mark.parametrize("entry", ["rate=a..b", "rate=0..1", "rate=..1", "rate=-1..2"])
def test_a_range_has_two_numbers_above_0(sweep, entry):
    with pytest.raises(ValueError, match=f"Expected two numbers above 0. Received: {entry}"):
        sweep.parse_space([entry])


@pytest.mark.parametrize("entry", ["rate", "rate=", ""])
def test_an_entry_has_a_name_and_values(sweep, entry):
    with pytest.raises(ValueError, match=f"name=a,b,c. Received: {entry}"):
        sweep.parse_space([entry])


class Trial:
    """Suggests the highest number and the last choice."""

    def __init__(self, number):
        self.number, self.user_attrs = number, {}

    def suggest_float(self, name, low, high, log):
        assert log
        return high

    def suggest_categorical(self, name, choices):
        return choices[-1]

    def set_user_attr(self, name, value):
        self.user_attrs[name] = value


def test_a_trial_trains_evaluates_and_returns_the_exact_match(sweep, monkeypatch, tmp_path):
    commands = []

    def run(command, check):
        assert check
        commands.append(command[1:])
        if "evaluate" in command:
            folder = tmp_path / "trial-3" / "evaluation"
            folder.mkdir(parents=True)
            (folder / "metrics.json").write_text(json.dumps({"cer": 0.25, "exact_match": 0.5}))

    monkeypatch.setattr(sweep.subprocess, "run", run)
    space = sweep.parse_space(["learning_rate=0.001..0.01", "encoder=compact,vgg"])
    trial = Trial(3)
    arguments = SimpleNamespace(out_dir=tmp_path, space=space)
    assert sweep.run_trial(trial, arguments, ["--steps=5"]) == 0.5
    work_dir, program = tmp_path / "trial-3", ("-m", "attention_ocr")
    chosen = ("--learning_rate=0.01", "--encoder=vgg")
    assert commands == [
        [*program, "train", f"--work_dir={work_dir}", "--steps=5", *chosen],
        [*program, "evaluate", f"--model={work_dir}"],
    ]
    assert trial.user_attrs == {"cer": 0.25, "work_dir": str(work_dir)}


def finished(value, **params):
    attributes = {"cer": 1.0 - (value or 0.0), "work_dir": f"runs/{value}"}
    return SimpleNamespace(value=value, params=params, user_attrs=attributes)


def test_the_table_has_the_best_trial_first_and_leaves_out_unfinished_ones(sweep):
    trials = [
        finished(0.25, learning_rate=0.00123456, encoder="vgg"),
        finished(None, learning_rate=0.1),
        finished(0.75, encoder="compact"),
    ]
    header, first, second = sweep.format_table(SimpleNamespace(trials=trials)).splitlines()
    assert header.split() == [
        "exact",
        "match",
        "CER",
        "encoder",
        "learning_rate",
        "work",
        "directory",
    ]
    assert first.split() == ["75.0%", "25.00%", "compact", "runs/0.75"]
    assert second.split() == ["25.0%", "75.00%", "vgg", "0.00123", "runs/0.25"]
    # Columns are aligned.
    assert first.index("runs") == second.index("runs") == header.index("work")


def test_a_study_without_results_is_a_header(sweep):
    table = sweep.format_table(SimpleNamespace(trials=[finished(None)]))
    assert table == "exact match  CER  work directory"

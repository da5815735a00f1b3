import json
import sys

import pytest

from attention_ocr.config import Config
from attention_ocr.data.sources import parse_source
from benchmarks import recipe
from tests import tiny


@pytest.mark.parametrize("name", recipe.TRIALS)
def test_a_trial_trains_on_nothing_that_it_reads(name, tmp_path):
    trial = recipe.TRIALS[name]
    train_data = recipe.training_data(tmp_path, tmp_path, trial.real)
    specs = [parse_source(part) for part in train_data.split(";")]
    assert sum(float(spec.options.get("weight", 1)) for spec in specs) == pytest.approx(
        1.0, abs=1e-3
    )
    real = [spec for spec in specs if spec.name.endswith("labels.tsv")]
    assert sum(float(spec.options["weight"]) for spec in real) == pytest.approx(
        trial.real, abs=1e-3
    )
    assert {spec.options.get("part") for spec in real} <= {"fit", None}
    Config.from_values({**recipe.COMMON, **trial.settings, "train_data": train_data})


def test_trials_go_on_where_they_stopped_and_report_both_heads(tmp_path, monkeypatch, capsys):
    for name in ("iiit5k_train", "ic15_train", "ic13_borndigital_train", "svt_train"):
        tiny.write_label_file(tmp_path / "data" / name, [f"{index}" for index in range(20)])
    monkeypatch.setattr(recipe, "NUM_RENDERED", {"train": 40, "eval": 4})
    work_dir = tmp_path / "work"
    recipe.render(work_dir / "rendered")
    row = recipe.run("base", work_dir / "rendered", tmp_path / "data", 0.1)
    assert row["images"] > 0
    assert {key for key in row if key.endswith("%")} == {
        f"{kind} {head} %" for kind in ("rendered", "real") for head in ("attention", "ctc")
    }
    (work_dir / "base.json").write_text(json.dumps(row), encoding="utf-8")
    monkeypatch.setattr(recipe, "run", None)
    command = ["recipe", f"--work_dir={work_dir}", "--trials", "base"]
    monkeypatch.setattr(sys, "argv", command)
    recipe.main()
    assert recipe.TRIALS["base"].change in capsys.readouterr().out

import json
import sys

import numpy as np
import pytest

from attention_ocr.data.source_spec import parse_source
from attention_ocr.settings.config import Config
from benchmarks import recipe
from tests import tiny


@pytest.mark.parametrize("name", recipe.TRIALS)
def test_a_trial_trains_on_nothing_that_it_reads(name, tmp_path):
    trial = recipe.TRIALS[name]
    train_data = recipe.training_data(trial, tmp_path / "work", tmp_path / "data")
    specs = [parse_source(part) for part in train_data.split(";")]
    assert sum(float(spec.options.get("weight", 1)) for spec in specs) == pytest.approx(
        1.0, abs=1e-3
    )
    real = [spec for spec in specs if spec.name.endswith("labels.tsv")]
    assert sum(float(spec.options["weight"]) for spec in real) == pytest.approx(
        trial.real, abs=1e-3
    )
    assert {spec.options.get("part") for spec in real} <= {"fit", None}
    by_people = {spec.name.startswith(str(tmp_path / "data")) for spec in real}
    assert by_people <= {trial.labelled}
    Config.from_values({**recipe.COMMON, **trial.settings, "train_data": train_data})


def test_a_teacher_reads_what_is_trained_on_and_nothing_else(tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        recipe, "ask_teacher", lambda source, folder, _: asked.update({folder.name: source})
    )
    recipe.teach(tmp_path / "work", tmp_path / "data", "python")
    trained_on = recipe.training_data(recipe.TRIALS["base"], tmp_path / "work", tmp_path / "data")
    assert set(asked.values()) == {part.partition(",weight=")[0] for part in trained_on.split(";")}
    assert set(asked) == {"rendered", "iiit5k_train", "ic15_train", "ic13_borndigital_train"}


@pytest.mark.slow
def test_trials_go_on_where_they_stopped_and_report_both_heads(tmp_path, monkeypatch, capsys):
    for name in ("iiit5k_train", "ic15_train", "ic13_borndigital_train", "svt_train"):
        tiny.write_label_file(tmp_path / "data" / name, [f"{index}" for index in range(20)])
    monkeypatch.setattr(recipe, "NUM_RENDERED", {"train": 40, "eval": 4})
    work_dir = tmp_path / "work"
    recipe.render(work_dir / "rendered")
    for name in ("iiit5k_train", "ic15_train", "ic13_borndigital_train", "rendered"):
        folder = recipe.teacher_folder(work_dir, name)
        folder.mkdir(parents=True)
        tiny.write_label_file(folder, ["a", "b"])
        (folder / "named.json").write_text(json.dumps([[f"{name}/0", "a"]]), encoding="utf-8")
        soft = np.zeros((1, 94), np.float16)
        np.savez(folder / "readings.npz", texts=["a"], lengths=[1], log_probabilities=soft)
    row = recipe.run("distilled", work_dir, tmp_path / "data", 0.1)
    assert "reads 4 of 4 images as labelled" in capsys.readouterr().out
    assert row["images"] > 0
    assert {key for key in row if key.endswith("%")} == {
        f"{kind} {head} %" for kind in ("rendered", "real") for head in ("attention", "ctc")
    }
    (work_dir / "distilled.json").write_text(json.dumps(row), encoding="utf-8")
    monkeypatch.setattr(recipe, "run", None)
    command = ["recipe", f"--work_dir={work_dir}", "--trials", "distilled"]
    monkeypatch.setattr(sys, "argv", command)
    recipe.main()
    assert recipe.TRIALS["distilled"].change in capsys.readouterr().out

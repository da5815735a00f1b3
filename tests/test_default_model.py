import csv
import subprocess
import sys
from pathlib import Path

import pytest

from attention_ocr import load
from attention_ocr.cli.main import main
from attention_ocr.exporting.packed import pack
from attention_ocr.inference.locate import BUNDLED_WEIGHTS, DEFAULT_MODEL, find_model
from attention_ocr.inference.work_directory import load_trained_model
from tests import tiny

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def words(tmp_path):
    return tiny.write_label_file(tmp_path / "words", ["PARKING", "EXIT"])


def run(program: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / program), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_name_finds_the_model_of_the_package(tmp_path, monkeypatch):
    (tmp_path / DEFAULT_MODEL).mkdir()
    monkeypatch.chdir(tmp_path)
    for name in (DEFAULT_MODEL, Path(DEFAULT_MODEL), None):
        assert find_model(name) == BUNDLED_WEIGHTS
    with pytest.raises(FileNotFoundError, match="No model found"):
        find_model(tmp_path / DEFAULT_MODEL)
    assert load(DEFAULT_MODEL).engine.charset == load().engine.charset


def test_functions_that_take_a_work_directory_take_the_name(tmp_path):
    assert load_trained_model(Path(DEFAULT_MODEL)).charset.characters[0] == "!"
    (weights,) = pack(Path(DEFAULT_MODEL), tmp_path / "small", with_litert=False)
    assert weights.stat().st_size > 1e6


def test_commands_take_the_name(words, tmp_path, capsys):
    image = str(words.parent / "0.png")
    assert main(["read", image, f"--model={DEFAULT_MODEL}"]) == 0
    assert main(["explain", image, f"--model={DEFAULT_MODEL}", f"--out_dir={tmp_path}/why"]) == 0
    texts = [line.split("\t")[:2] for line in capsys.readouterr().out.splitlines()]
    assert texts[0][0] == texts[1][0] == image


@pytest.mark.slow
def test_the_model_of_the_package_is_evaluated_and_not_changed(words, tmp_path):
    before = {path.name: path.stat().st_mtime_ns for path in BUNDLED_WEIGHTS.iterdir()}
    result = run("eval.py", "--model=default", f"--eval_data={words}", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "exact match" in result.stdout
    report = tmp_path / "runs/default/evaluation/predictions.csv"
    with report.open(encoding="utf-8", newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == ["PARKING", "EXIT"]
    refused = run(
        "eval.py", "--model=default", f"--eval_data={words}", "--fit_temperature", folder=tmp_path
    )
    assert refused.returncode == 1
    assert "attention-ocr pack default DIR --weights_only" in refused.stderr
    assert before == {path.name: path.stat().st_mtime_ns for path in BUNDLED_WEIGHTS.iterdir()}


@pytest.mark.slow
def test_the_model_of_the_package_is_exported(words, tmp_path):
    # Greedy, because exporting a search takes a minute.
    options = ["--num_check_images=2", "--beam_width=1", "--language_model_weight=0"]
    options.append(f"--check_data={words}")
    result = run("export.py", "--model=default", "--export_dir=served", *options, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "served/1/saved_model.pb").is_file()

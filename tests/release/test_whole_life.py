"""From the wheel alone, in an empty folder: train, evaluate, export, read, serve, fine-tune."""

import csv
import json

import pytest

from attention_ocr.cli.presets import FILES
from tests.release.served import serving

pytestmark = pytest.mark.slow

TEXTS = "synthetic,kinds=words,case=lower,characters=lower+digits,max_length=8,fonts=bundled"


@pytest.fixture(scope="module")
def folder(whole, tmp_path_factory):
    """An empty folder in which a preset has been trained."""
    folder = tmp_path_factory.mktemp("empty")
    steps = ("--steps=30", "--warmup_steps=5", "--eval_every=30", "--checkpoint_every=30")
    data = f"--eval_data={TEXTS},part=eval,num_examples=24"
    train = ("train", "--preset=quickstart", "--work_dir=run", *steps, data)
    printed = whole.run(whole.command, *train, cwd=folder)
    assert "run: weights of step 30" in printed
    render = ("render", "--out_dir=words", "--count=20", "--fonts=bundled", "--max_length=8")
    whole.run(whole.command, *render, cwd=folder)
    return folder


def test_a_model_is_evaluated_and_its_report_opens(whole, folder):
    evaluate = ("evaluate", "--model=run", "--report=report")
    printed = whole.run(whole.command, *evaluate, cwd=folder)
    assert "exact match" in printed
    assert "report: report/index.html" in printed.replace("\\", "/")
    metrics = json.loads((folder / "run" / "evaluation" / "metrics.json").read_text("utf-8"))
    assert metrics
    with (folder / "run" / "evaluation" / "predictions.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 24
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "Worst mistakes" in page


def test_a_model_is_exported_read_and_served(whole, folder):
    formats = "--format=saved_model,litert_int8"
    export = ("export", "--model=run", "--export_dir=served", "--num_check_images=8", formats)
    assert "reads the same texts" in whole.run(whole.command, *export, cwd=folder)
    lines = {}
    for model in ("run", "served", "served/1/model_int8.tflite"):
        read = ("read", "words/images", f"--model={model}", "--format=jsonl")
        printed = whole.run(whole.command, *read, cwd=folder)
        lines[model] = [json.loads(line) for line in printed.splitlines()]
    texts = {model: [line["text"] for line in found] for model, found in lines.items()}
    assert len(texts["run"]) == 20
    assert texts["served"] == texts["run"]
    with serving(whole, "--model_base_path=served", "--model_name=mine", cwd=folder) as address:
        request = ("request", "words/images", f"--rest={address}", "--model_name=mine")
        printed = whole.run(whole.command, *request, "--format=jsonl", cwd=folder)
    assert [json.loads(line)["text"] for line in printed.splitlines()] == texts["run"]


def test_the_bundled_model_is_fine_tuned_and_compared_in_a_report(whole, folder):
    tune = ("fine-tune", "--data=words/labels.tsv", "--work_dir=tuned", "--group=none")
    short = ("--steps=4", "--batch_size=4", "--eval_every=4", "--augmentation=")
    printed = whole.run(whole.command, *tune, *short, cwd=folder)
    assert "4 held out: split by image" in printed
    page = (folder / "tuned" / "report" / "index.html").read_text(encoding="utf-8")
    assert "default (start)" in page
    again = whole.run(whole.command, *tune, *short, cwd=folder)
    assert "tuned: weights of step 4" in again


def test_every_preset_is_in_the_wheel(whole, folder):
    parse = """
from attention_ocr.cli.presets import FILES
from attention_ocr.cli.train import COMMAND, config_from_flags

for name in FILES:
    config = config_from_flags(COMMAND.parse("train", ["--work_dir=x", f"--preset={name}"]))
    print(name, config.training.steps)
"""
    printed = whole.run(whole.python, "-c", parse, cwd=folder)
    assert [line.split()[0] for line in printed.splitlines()] == list(FILES)


def test_everything_came_from_the_environment(whole, folder):
    place = "import attention_ocr; print(attention_ocr.__file__)"
    printed = whole.run(whole.python, "-c", place, cwd=folder)
    assert printed.startswith(str(whole.folder))

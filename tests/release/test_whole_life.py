"""From the wheel alone, in an empty folder: train, evaluate, export, read, serve."""

import csv
import json

import pytest

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
    render = ("render", "--out_dir=words", "--count=6", "--fonts=bundled", "--max_length=8")
    whole.run(whole.command, *render, cwd=folder)
    return folder


def test_a_model_is_evaluated_and_its_report_opens(whole, folder):
    reports = "--report" in whole.run(whole.command, "evaluate", "--help", cwd=folder)
    printed = whole.run(
        *(whole.command, "evaluate", "--model=run", *(["--report=report"] if reports else [])),
        cwd=folder,
    )
    assert "exact match" in printed
    metrics = json.loads((folder / "run" / "evaluation" / "metrics.json").read_text("utf-8"))
    assert metrics
    with (folder / "run" / "evaluation" / "predictions.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 24
    if reports:
        (page,) = (folder / "report").glob("*.html")
        assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")


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
    assert len(texts["run"]) == 6
    assert texts["served"] == texts["run"]
    with serving(whole, "--model_base_path=served", "--model_name=mine", cwd=folder) as address:
        request = ("request", "words/images", f"--rest={address}", "--model_name=mine")
        printed = whole.run(whole.command, *request, "--format=jsonl", cwd=folder)
    assert [json.loads(line)["text"] for line in printed.splitlines()] == texts["run"]


def test_everything_came_from_the_environment(whole, folder):
    place = "import attention_ocr; print(attention_ocr.__file__)"
    printed = whole.run(whole.python, "-c", place, cwd=folder)
    assert printed.startswith(str(whole.folder))

"""Temperature scaling, from validation data to the confidences of a reading."""

import json
import re
import shutil

import numpy as np
import pytest

from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.sources import open_source
from attention_ocr.evaluation.evaluate import make_recognize
from attention_ocr.evaluation.temperature import fit_on
from attention_ocr.inference.reader import load
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.settings.config import Config
from tests import tiny
from tests.test_entry_points import call


@pytest.fixture(scope="module")
def model(work_dir):
    return load_trained_model(work_dir)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"decoding": "ctc"},
        {"decoding": "ctc", "beam_width": 3},
        {"decoding": "joint", "beam_width": 2},
    ],
)
def test_a_temperature_changes_every_confidence_and_no_text(model, values):
    batch = tiny.random_batch()
    head = "ctc" if values.get("decoding") == "ctc" else "attention"
    found = []
    for temperature in (1.0, 3.0):
        config = model.config.with_decoding({**values, f"{head}_temperature": temperature})
        read = make_recognize(model.recognizer, config, model.charset)
        found.append(read(batch["images"], batch["image_sizes"]))
    np.testing.assert_array_equal(found[1].text, found[0].text)
    assert (np.abs(found[1].confidence - found[0].confidence) > 1e-7).all()


@pytest.fixture
def labelled(work_dir, tmp_path):
    """A copy of the model, with data of which it predicts about half correctly."""
    copy = tmp_path / "model"
    shutil.copytree(work_dir, copy, ignore=shutil.ignore_patterns("export", "evaluation"))
    folder = tmp_path / "words"
    tiny.write_label_file(folder, ["a", "b1", "c2a", "ab", "0", "3b"])
    readings = load(copy).read(sorted(folder.glob("*.png")))
    texts = [reading.text if i % 2 else "none" for i, reading in enumerate(readings)]
    names = [path.name for path in sorted(folder.glob("*.png"))]
    return copy, tiny.write_labels(folder, dict(zip(names, texts, strict=True)))


@pytest.mark.slow
def test_the_fitted_temperature_is_saved_and_used_and_nothing_else_changes(labelled, capsys):
    model, labels = labelled
    before = Config.load(model)
    arguments = [f"--model={model}", f"--eval_data={labels}", "--fit_temperature"]
    call("eval", *arguments, "--eval_batch_size=2")
    line, *table = capsys.readouterr().out.splitlines()
    after = Config.load(model)
    temperature = after.decoding.attention_temperature
    assert line.startswith(f"attention_temperature={temperature}, saved in {model}:")
    assert temperature != 1.0
    assert after == before.with_decoding({"attention_temperature": temperature})
    losses = [float(loss) for loss in re.findall(r"(\d+\.\d+) (?:before|after)", line)]
    assert losses[1] < losses[0]
    (row,) = [row for row in table if row.startswith("calibration error")]
    measured = json.loads((model / "evaluation/metrics.json").read_text("utf-8"))["calibration"]
    assert f"{measured['chance_error'][0]:.2%} by chance" in row
    assert measured["negative_log_likelihood"] == pytest.approx(losses[1], abs=1e-3)
    assert sum(b["num_examples"] for b in measured["bins"]) == 6


def test_wrong_predictions_alone_fit_no_temperature(model, work_dir):
    labels = work_dir / "words/labels.tsv"
    batches = evaluation_batches(open_source(f"{labels}"), model.config).take(1)
    with pytest.raises(ValueError, match="right and wrong predictions. Received: 0 right, 3 wrong"):
        fit_on(model.recognizer, model.config, model.charset, batches)

import csv
import errno
import json
import os
from pathlib import Path

import pytest

from attention_ocr.evaluation import report
from attention_ocr.evaluation.evaluate import Evaluation, Prediction, evaluation_of
from attention_ocr.evaluation.report import (
    METRICS_FILE,
    PREDICTIONS_FILE,
    format_errors,
    format_table,
    write_report,
)
from attention_ocr.io.csv_cells import from_cell
from attention_ocr.metrics.accuracy import compute_metrics


def prediction(label: str, text: str, **values: object) -> Prediction:
    return Prediction(f"{label}.png", label, text, 0.5, shrunk=False, readable=True)._replace(
        **values
    )


def evaluation(*predictions: Prediction) -> Evaluation:
    return Evaluation(
        compute_metrics(
            [prediction.label for prediction in predictions],
            [prediction.prediction for prediction in predictions],
        ),
        list(predictions),
    )


EVALUATION = evaluation(
    prediction("four", "four", confidence=0.875),
    prediction("five", "fiVe"),
    prediction("été", "été", shrunk=True),
    prediction("seventeen", "seventeen"),
    prediction('a, "b"\nc', 'a, "b"\nc', key="odd, name.png"),
    prediction("gone", "", confidence=0.0, readable=False),
    prediction("", ""),
    prediction("x" * 90, "x"),
)


def metrics_of(folder: Path) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads((folder / METRICS_FILE).read_text("utf-8"), parse_constant=refuse)


def test_metrics_are_written_as_json(tmp_path):
    write_report(EVALUATION, "words.tsv,every=5,part=eval", tmp_path / "deep" / "evaluation")
    document = metrics_of(tmp_path / "deep" / "evaluation")
    assert document["source"] == "words.tsv,every=5,part=eval"
    assert document["num_examples"] == 8
    assert document["exact_match"] == 5 / 8
    assert document["alphanumeric_match"] == 6 / 8
    low, high = document["exact_match_interval"]
    assert low < 5 / 8 < high
    assert document["num_shrunk"] == 1
    assert document["unreadable"] == ["gone.png"]
    assert set(document["by_length"]) == {"0", "3", "4", "8", "9", "90"}
    assert (
        document["by_length"]["4"] | {"num_examples": 3, "num_exact_matches": 1}
        == (document["by_length"]["4"])
    )


def test_an_unreadable_image_is_an_error_and_has_no_part_in_the_calibration(tmp_path):
    unreadable = {"confidence": 0.0, "readable": False}
    rows = [prediction("ab", "ab"), prediction("cd", "cx")]
    broken = [prediction("", "", **unreadable), prediction("ef", "", **unreadable)]
    assert report.calibration_of(rows + broken) == report.calibration_of(rows)
    write_report(evaluation_of(rows + broken), "words.tsv", tmp_path)
    document = metrics_of(tmp_path)
    assert document["exact_match"] == 1 / 4
    assert document["by_length"]["0"]["num_exact_matches"] == 0
    assert sum(row["num_examples"] for row in document["calibration"]["bins"]) == 2
    assert "calibration error" in format_table(evaluation_of(broken))


def test_every_prediction_is_written_unchanged(tmp_path):
    write_report(EVALUATION, "words.tsv", tmp_path)
    with (tmp_path / PREDICTIONS_FILE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == [each.label for each in EVALUATION.predictions]
    assert [row["prediction"] for row in rows] == [
        each.prediction for each in EVALUATION.predictions
    ]
    assert rows[0] == {
        "key": "four.png",
        "label": "four",
        "prediction": "four",
        "confidence": "0.875",
        "shrunk": "False",
        "readable": "True",
        "height": "0",
        "width": "0",
        "source": "",
        "right": "True",
        "distance": "0",
    }
    assert (rows[1]["right"], rows[1]["distance"]) == ("False", "1")
    assert rows[4]["key"] == "odd, name.png"
    assert (rows[2]["shrunk"], rows[5]["readable"]) == ("True", "False")


def test_no_prediction_is_executed_by_a_spreadsheet_or_controls_a_terminal(tmp_path):
    texts = ["=1+1|'x'!A1", "-5", "@a", "PA\x1b[31mRKING"]
    write_report(evaluation(*(prediction(text, text) for text in texts)), "words.tsv", tmp_path)
    content = (tmp_path / PREDICTIONS_FILE).read_text("utf-8")
    assert "\x1b" not in content
    rows = list(csv.DictReader(content.splitlines()))
    assert [row["prediction"] for row in rows[:3]] == ["'=1+1|'x'!A1", "'-5", "'@a"]
    for column in ("label", "prediction"):
        assert [from_cell(row[column]) for row in rows] == texts


def test_the_table_shows_the_metrics():
    lines = format_table(EVALUATION).splitlines()
    assert lines[0].split() == ["images", "8"]
    assert lines[1].split()[:3] == ["exact", "match", "62.5%"]
    assert "95 % interval" in lines[1]
    for name, share, num_images in (
        ("0 to 4", "60.0%", "5 images"),
        ("5 to 8", "100.0%", "1 images"),
        ("9 to 12", "100.0%", "1 images"),
        ("81 or more", "0.0%", "1 images"),
    ):
        (line,) = (line for line in lines if line.startswith(f"exact match, {name} characters"))
        assert share in line
        assert line.endswith(num_images)
    assert not any("13 to 16" in line for line in lines)
    assert lines[-2].split() == ["unreadable", "images", "1"]
    assert lines[-1].split() == ["images", "shrunk", "to", "fit", "1"]
    assert max(map(len, lines)) < 100


def test_errors_are_written_as_json_and_as_text(tmp_path):
    wrong = evaluation(
        prediction("ROOM 5", "R00M5", confidence=0.75),
        prediction("\x1b[2J", "x", key="\x1b.png"),
        prediction("right", "right"),
    )
    write_report(wrong, "words.tsv", tmp_path)
    document = metrics_of(tmp_path)
    assert document["confusions"][0] == {"label": "O", "prediction": "0", "times": 2}
    assert [entry["key"] for entry in document["worst"]] == ["\x1b.png", "ROOM 5.png"]
    assert document["worst"][1]["num_errors"] == 3
    assert document["google_sequence_accuracy"] == 1 / 3
    printed = format_errors(wrong)
    assert "most often read: O as 0 (2)" in printed
    assert "space as nothing (1)" in printed
    assert "  ROOM 5.png: “ROOM 5” read as “R00M5”, confidence 0.75" in printed
    assert "\x1b" not in printed
    assert format_errors(evaluation(prediction("a", "a"))) == ""
    (line,) = (line for line in format_table(wrong).splitlines() if line.startswith("sequence"))
    assert "33.3%" in line
    assert "Google" in line


def test_the_table_omits_what_did_not_happen():
    table = format_table(evaluation(prediction("a", "a")))
    assert "unreadable" not in table
    assert "shrunk" not in table


@pytest.mark.parametrize(
    "predictions", [[], [prediction("", "")], [prediction("", "x")], [prediction("x", "")]]
)
def test_empty_texts_and_no_texts_give_no_nan(tmp_path, predictions):
    nothing = evaluation(*predictions)
    write_report(nothing, "none.tsv", tmp_path)
    assert metrics_of(tmp_path)["num_examples"] == len(predictions)
    assert "nan" not in format_table(nothing).lower()


@pytest.mark.parametrize("failing", [METRICS_FILE, PREDICTIONS_FILE])
def test_a_full_disk_leaves_the_older_report(tmp_path, monkeypatch, failing):
    write_report(EVALUATION, "older.tsv", tmp_path)
    before = (tmp_path / failing).read_bytes()
    module = report.json if failing == METRICS_FILE else report.csv

    def full_disk(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "dump" if failing == METRICS_FILE else "writer", full_disk)
    with pytest.raises(OSError, match="No space left on device"):
        write_report(evaluation(prediction("b", "b")), "newer.tsv", tmp_path)
    assert (tmp_path / failing).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [METRICS_FILE, PREDICTIONS_FILE]

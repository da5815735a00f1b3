"""Reports of an evaluation: metrics as JSON, predictions as CSV, and a table for the terminal."""

import csv
import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from attention_ocr.evaluation.errors import confusions, worst_cases
from attention_ocr.evaluation.evaluate import Evaluation, Prediction
from attention_ocr.evaluation.groups import by_length
from attention_ocr.evaluation.unreachable import Unreachable
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.io.csv_cells import to_row
from attention_ocr.metrics.accuracy import (
    LengthAccuracy,
    TextMetrics,
    accuracy_by_length,
)
from attention_ocr.metrics.calibration import Calibration, compute_calibration
from attention_ocr.text.escaping import escape_controls

METRICS_FILE = "metrics.json"
PREDICTIONS_FILE = "predictions.csv"
PREDICTION_COLUMNS = (*Prediction._fields, "right", "distance")
MAX_CONFUSIONS = 200
MAX_WORST = 100
_SHOWN_CONFUSIONS = 8
_SHOWN_WORST = 5


def write_report(
    evaluation: Evaluation, source: str, directory: Path, unreachable: Unreachable | None = None
) -> None:
    """Write `metrics.json` and `predictions.csv`, each atomically.

    Texts in `predictions.csv` are escaped by `csv_cells.to_cell`, so that no spreadsheet executes
    them; `csv_cells.from_cell` restores them.

    Args:
        evaluation: Evaluation of a data set.
        source: The data source, included in the metrics.
        directory: Output directory; created if it does not exist.
        unreachable: Labels that the model can never predict.

    Raises:
        OSError: If the disk is full or cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    document = {
        "source": source,
        **dataclasses.asdict(evaluation.metrics),
        "by_length": {
            str(length): dataclasses.asdict(accuracy)
            for length, accuracy in _by_length(evaluation.predictions).items()
        },
        "calibration": dataclasses.asdict(calibration_of(evaluation.predictions)),
        "confusions": [
            entry._asdict() for entry in confusions(evaluation.predictions)[:MAX_CONFUSIONS]
        ],
        "worst": [entry._asdict() for entry in worst_cases(evaluation.predictions, MAX_WORST)],
        "num_shrunk": sum(prediction.shrunk for prediction in evaluation.predictions),
        "unreadable": [
            prediction.key for prediction in evaluation.predictions if not prediction.readable
        ],
    }
    if unreachable is not None:
        document["unreachable"] = unreachable.to_dict()

    def write_predictions(file: TextIO) -> None:
        writer = csv.writer(file)
        writer.writerow(PREDICTION_COLUMNS)
        for entry in evaluation.predictions:
            writer.writerow(to_row(getattr(entry, column) for column in PREDICTION_COLUMNS))

    _replace(
        directory / METRICS_FILE,
        lambda file: json.dump(document, file, indent=2, ensure_ascii=False),
    )
    _replace(directory / PREDICTIONS_FILE, write_predictions)


def format_table(evaluation: Evaluation, unreachable: Unreachable | None = None) -> str:
    """Return the metrics as a text table.

    Args:
        evaluation: Evaluation of a data set.
        unreachable: Labels that the model can never predict.
    """
    metrics = evaluation.metrics
    rows = [
        ("images", str(metrics.num_examples), ""),
        ("exact match", f"{metrics.exact_match:.1%}", _interval(metrics.exact_match_interval)),
        (
            "alphanumeric match",
            f"{metrics.alphanumeric_match:.1%}",
            _interval(metrics.alphanumeric_match_interval) + ", case-insensitive",
        ),
        ("CER", f"{metrics.cer:.2%}", f"{metrics.num_characters} characters"),
        ("WER", f"{metrics.wer:.2%}", f"{metrics.num_words} words"),
        ("1 - NED", f"{metrics.ned:.4f}", "1 is perfect"),
        *_published_rows(metrics),
    ]
    rows += [
        (
            f"exact match, {group.name} characters",
            f"{group.exact_match:.1%}",
            f"{group.num_examples} images",
        )
        for group in by_length(evaluation.predictions)
    ]
    measured = calibration_of(evaluation.predictions)
    chance = measured.chance_error
    rows.append(
        (
            "calibration error",
            f"{measured.expected_calibration_error:.2%}",
            f"{chance.mean:.2%} by chance, up to {chance.high:.2%}",
        )
    )
    rows += [
        (
            f"wrong among the most confident {risk.coverage:.0%}",
            f"{risk.risk:.2%}",
            f"confidence from {risk.confidence:.3f}",
        )
        for risk in measured.risk_coverage[1:]
    ]
    unreadable = sum(not prediction.readable for prediction in evaluation.predictions)
    shrunk = sum(prediction.shrunk for prediction in evaluation.predictions)
    rows += [("unreadable images", str(unreadable), "")] if unreadable else []
    rows += [("images shrunk to fit", str(shrunk), "")] if shrunk else []
    rows += unreachable.rows() if unreachable is not None else []
    width = max(len(name) for name, _, _ in rows)
    return "\n".join(f"{name:<{width}}  {value:>8}  {note}".rstrip() for name, value, note in rows)


def format_errors(evaluation: Evaluation) -> str:
    """Return the most frequent confusions and worst cases as text; empty without errors."""
    lines = []
    found = confusions(evaluation.predictions)
    if found:
        shown = [
            f"{_character(entry.label)} as {_character(entry.prediction)} ({entry.times})"
            for entry in found[:_SHOWN_CONFUSIONS]
        ]
        lines.append(f"most often read: {', '.join(shown)}")
    worst = worst_cases(evaluation.predictions, _SHOWN_WORST)
    lines += ["worst:"] if worst else []
    lines += [
        f"  {escape_controls(entry.key)}: {_text(entry.label)} read as {_text(entry.prediction)}, "
        f"confidence {entry.confidence:.2f}"
        for entry in worst
    ]
    return "\n".join(lines)


def _published_rows(metrics: TextMetrics) -> list[tuple[str, str, str]]:
    too_long = "Google's attention_ocr; too long counts as right"
    return [
        ("character accuracy", f"{metrics.google_character_accuracy:.1%}", too_long),
        ("sequence accuracy", f"{metrics.google_sequence_accuracy:.1%}", too_long),
        ("soft accuracy", f"{metrics.aocr_soft_accuracy:.1%}", "aocr; partly right counts in part"),
    ]


def _character(character: str) -> str:
    return "nothing" if not character else escape_controls(character).replace(" ", "space")


def _text(text: str) -> str:
    return f"“{escape_controls(text)}”"


def _interval(interval: tuple[float, float]) -> str:
    return f"95 % interval {interval[0]:.1%} to {interval[1]:.1%}"


def calibration_of(predictions: Sequence[Prediction]) -> Calibration:
    """Return how well the confidences of predictions agree with their correctness.

    Args:
        predictions: Predictions of an evaluation; unreadable images are ignored.
    """
    readable = [prediction for prediction in predictions if prediction.readable]
    return compute_calibration(
        [prediction.confidence for prediction in readable],
        [prediction.right for prediction in readable],
    )


def _by_length(predictions: Sequence[Prediction]) -> dict[int, LengthAccuracy]:
    return accuracy_by_length(
        [prediction.label for prediction in predictions],
        [prediction.prediction for prediction in predictions],
        [prediction.readable for prediction in predictions],
    )


def _replace(path: Path, write: Callable[[TextIO], None]) -> None:
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        write(file)

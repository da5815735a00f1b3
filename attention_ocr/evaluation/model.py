"""Evaluate a model: the Python counterpart of the command."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attention_ocr.evaluation.evaluate import Evaluation
from attention_ocr.evaluation.report import write_report
from attention_ocr.evaluation.trained_model import evaluate_model
from attention_ocr.inference.work_directory import Model


def evaluate(
    model: Model,
    data: str = "",
    *,
    out_dir: str | os.PathLike[str] | None = None,
    batch_size: int | None = None,
    decoding: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Recognise every example of a data set once, and compare with its label.

    Args:
        model: A work directory; `default`, the model of the package; or a model in memory.
        data: Source of the examples, for example a `labels.tsv`; by default the validation data of
            the training.
        out_dir: Directory for `metrics.json` and `predictions.csv`; by default none are written.
        batch_size: Examples per batch; by default that of the settings.
        decoding: Decoding settings that replace those of the model, by name.

    Returns:
        The metrics and each prediction, in the order of the data.

    Raises:
        FileNotFoundError: If the model or the data do not exist.
        ValueError: If the model is damaged, no data are given, or a setting is invalid.

    Example:
        evaluation = attention_ocr.evaluate("runs/mine", "words/labels.tsv")
        print(evaluation.metrics.exact_match, evaluation.metrics.cer)
    """
    result = evaluate_model(model, data, batch_size=batch_size, decoding=decoding)
    if out_dir is not None:
        write_report(result.evaluation, result.data, Path(out_dir), result.unreachable)
    return result.evaluation

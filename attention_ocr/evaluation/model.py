"""Evaluate a model: what the command does, for Python."""

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
    """Read every example of a data set once, and compare.

    Args:
        model: A work directory; `default`, the model of the package; or a model in memory.
        data: Source of the examples, a `labels.tsv` for example; the validation data of the
            training by default.
        out_dir: Where `metrics.json` and `predictions.csv` go; none are written by default.
        batch_size: Examples of a batch; that of the settings by default.
        decoding: Settings of decoding in place of those of the model, by name.

    Returns:
        The metrics and each prediction, in the order of the data.

    Raises:
        FileNotFoundError: If there is no model, or no such data.
        ValueError: If the model is damaged, no data are named, or a setting is refused.

    Example:
        evaluation = attention_ocr.evaluate("runs/mine", "words/labels.tsv")
        print(evaluation.metrics.exact_match, evaluation.metrics.cer)
    """
    result = evaluate_model(model, data, batch_size=batch_size, decoding=decoding)
    if out_dir is not None:
        write_report(result.evaluation, result.data, Path(out_dir), result.unreachable)
    return result.evaluation

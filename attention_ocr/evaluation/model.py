"""Evaluate a model on disk: what the command does, for Python."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attention_ocr.data.pipeline import evaluation_batches, explaining
from attention_ocr.data.sources import open_source
from attention_ocr.evaluation.evaluate import Evaluation, make_recognize
from attention_ocr.evaluation.evaluate import evaluate as evaluate_batches
from attention_ocr.evaluation.image_lexicons import has_lexicons, make_lexicon_recognize
from attention_ocr.evaluation.report import write_report
from attention_ocr.evaluation.unreachable import find_unreachable
from attention_ocr.inference.work_directory import load_trained_model


def evaluate(
    model: str | os.PathLike[str],
    data: str = "",
    *,
    out_dir: str | os.PathLike[str] | None = None,
    batch_size: int | None = None,
    decoding: Mapping[str, Any] = MappingProxyType({}),
) -> Evaluation:
    """Read every example of a data set once, and compare.

    Args:
        model: A work directory, or `default`, the model that comes with the package.
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
    config, charset, recognizer = load_trained_model(Path(model))
    name = data or config.data.eval_data
    if not name:
        raise ValueError("Expected `data`: the training had no validation data. Received: none")
    if batch_size is not None:
        settings = dataclasses.replace(config.data, eval_batch_size=batch_size)
        config = dataclasses.replace(config, data=settings)
    config = config.with_decoding(decoding)
    source = open_source(name)
    batches = evaluation_batches(source, config)
    with explaining(source):
        make = make_lexicon_recognize if has_lexicons(batches) else make_recognize
        evaluation = evaluate_batches(make(recognizer, config, charset), batches, charset)
    if out_dir is not None:
        unreachable = find_unreachable(evaluation.predictions, charset, config.model.max_length)
        write_report(evaluation, name, Path(out_dir), unreachable)
    return evaluation

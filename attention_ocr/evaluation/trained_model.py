"""Evaluate a trained model on a data set, given their names."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from attention_ocr.data.pipeline import evaluation_batches, explaining
from attention_ocr.data.source_spec import mixture_names
from attention_ocr.data.sources import Source, open_source
from attention_ocr.evaluation.evaluate import (
    Evaluation,
    Prediction,
    Recognize,
    evaluation_of,
    make_recognize,
    on_batches,
    predict,
)
from attention_ocr.evaluation.image_lexicons import has_lexicons, make_lexicon_recognize
from attention_ocr.evaluation.report import write_report
from attention_ocr.evaluation.temperature import FittedTemperature, fit_on
from attention_ocr.evaluation.unreachable import Unreachable, find_unreachable
from attention_ocr.inference.locate import SUFFIX_OF, is_bundled
from attention_ocr.inference.work_directory import Model, TrainedModel, to_trained_model
from attention_ocr.metrics.accuracy import TextMetrics
from attention_ocr.settings.config import Config


class ModelEvaluation(NamedTuple):
    """Evaluation of a model on a data set.

    Attributes:
        evaluation: The metrics and each prediction.
        data: The data source.
        unreachable: Labels that the model can never predict.
    """

    evaluation: Evaluation
    data: str
    unreachable: Unreachable

    @property
    def metrics(self) -> TextMetrics:
        """The metrics over all examples."""
        return self.evaluation.metrics

    @property
    def predictions(self) -> list[Prediction]:
        """The prediction of each example, in the order of the data."""
        return self.evaluation.predictions


def evaluate(
    model: Model,
    data: str = "",
    *,
    out_dir: str | os.PathLike[str] | None = None,
    batch_size: int | None = None,
    decoding: Mapping[str, Any] | None = None,
) -> ModelEvaluation:
    """Recognise every example of a data set once, and compare with its label.

    Args:
        model: A work directory; `default` or `lines`, a bundled model; or a model in memory, which
            must compute in float32.
        data: Source of the examples, for example a `labels.tsv`; by default the validation data of
            the training.
        out_dir: Directory for `metrics.json` and `predictions.csv`; by default none are written.
        batch_size: Examples per batch; by default that of the settings.
        decoding: Decoding settings that replace those of the model, by name.

    Returns:
        The metrics, and each prediction in the order of the data.

    Raises:
        FileNotFoundError: If the model or the data do not exist.
        ValueError: If the model or the data are damaged, the data are endless, a setting is
            invalid, or the training had no validation data and `data` is empty.

    Example:
        evaluation = attention_ocr.evaluate("runs/mine", "words/labels.tsv")
        print(evaluation.metrics.exact_match, evaluation.metrics.cer)
    """
    trained, data = _prepare(model, data, batch_size, decoding)
    config, charset, _ = trained
    source = _open(data)
    read = on_batches(recognize_for(source, trained))
    predictions: list[Prediction] = []
    names = mixture_names(data) if source.parts else [""]
    for part, name in zip(source.parts or (source,), names, strict=True):
        batches = evaluation_batches(part, config)
        with explaining(part):
            found = predict(read, batches, charset, part.num_examples)
        predictions += [entry._replace(source=name) for entry in found] if name else found
    evaluation = evaluation_of(predictions)
    unreachable = find_unreachable(evaluation.predictions, charset, config.model.max_length)
    if out_dir is not None:
        write_report(evaluation, data, Path(out_dir), unreachable)
    return ModelEvaluation(evaluation, data, unreachable)


def recognize_for(source: Source, model: TrainedModel) -> Recognize:
    """Return `make_recognize` for a source, with a lexicon per image if it has them."""
    config, charset, recognizer = model
    make = (
        make_lexicon_recognize
        if has_lexicons(evaluation_batches(source, config))
        else make_recognize
    )
    return make(recognizer, config, charset)


def fit_model_temperature(
    model: str | os.PathLike[str],
    data: str = "",
    *,
    batch_size: int | None = None,
    decoding: Mapping[str, Any] | None = None,
) -> FittedTemperature:
    """Fit the temperature of a model's confidences on a data set, and save it with the model.

    Args:
        model: A work directory. Only the temperature in its `config.json` is changed.
        data: As for `evaluate`.
        batch_size: As for `evaluate`.
        decoding: As for `evaluate`; not saved.

    Raises:
        FileNotFoundError: If the model or the data do not exist.
        ValueError: As for `evaluate`; or if the model is that of the package or packed with a
            LiteRT file, or all predictions are right or all are wrong.
    """
    _refuse_fixed_temperature(model)
    trained, data = _prepare(model, data, batch_size, decoding)
    source = _open(data)
    with explaining(source):
        fitted = fit_on(
            trained.recognizer,
            trained.config,
            trained.charset,
            evaluation_batches(source, trained.config),
            source.num_examples,
        )
    kept = Config.load(Path(model)).with_decoding({fitted.setting: fitted.value})
    kept.save(Path(model))
    return fitted


def _refuse_fixed_temperature(model: str | os.PathLike[str]) -> None:
    """Refuse a model whose temperature cannot be saved, before it is fitted."""
    copied = f"attention-ocr pack {os.fspath(model)} DIR --weights_only"
    if is_bundled(model):
        raise ValueError(
            "The temperature is saved with the model, and the model of the package is read-only: "
            f"evaluate a copy ({copied}). Received: {os.fspath(model)}"
        )
    for suffix in SUFFIX_OF.values():
        for file in sorted(Path(model).glob(f"*{suffix}")):
            raise ValueError(
                "The temperature is a constant of a converted model: fit that of the weights alone "
                f"({copied}), and pack them again (attention-ocr pack DIR OUT_DIR). "
                f"Received: {file}"
            )


def _open(data: str) -> Source:
    source = open_source(data)
    source.refuse_endless(" in the data of an evaluation")
    return source


def _prepare(
    model: Model, data: str, batch_size: int | None, decoding: Mapping[str, Any] | None
) -> tuple[TrainedModel, str]:
    """Return the model with the settings of an evaluation, and the name of the data."""
    trained = to_trained_model(model)
    config = trained.config.with_decoding(decoding or {})
    data = data or config.data.eval_data
    if not data:
        raise ValueError(
            "Expected `data`: the training had no validation data (--eval_data). Received: None"
        )
    if batch_size is not None:
        portions = dataclasses.replace(config.data, eval_batch_size=batch_size)
        config = dataclasses.replace(config, data=portions)
    return trained._replace(config=config), data

"""Evaluation and export of a model, by name or in memory, by functions without flags."""

import dataclasses
import json

import pytest

import attention_ocr
from attention_ocr.evaluation.report import METRICS_FILE, PREDICTIONS_FILE
from attention_ocr.evaluation.trained_model import fit_model_temperature
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.settings.config import Config
from tests import tiny, tiny_model


def test_a_model_is_evaluated_on_the_data_of_its_training(work_dir):
    found = attention_ocr.evaluate(str(work_dir))
    assert found.data == Config.load(work_dir).data.eval_data
    assert [prediction.label for prediction in found.predictions] == list(tiny_model.TEXTS)
    assert found.metrics.num_examples == len(tiny_model.TEXTS)
    assert found.unreachable.num_labels == 0


def test_a_model_in_memory_is_evaluated_on_other_data_with_other_settings(work_dir, tmp_path):
    labels = tiny.write_label_file(tmp_path / "data", ["a", "b£", "c"])
    model = load_trained_model(work_dir)
    found = attention_ocr.evaluate(model, str(labels), batch_size=2, decoding={"decoding": "ctc"})
    assert found == attention_ocr.evaluate(work_dir, str(labels), decoding={"decoding": "ctc"})
    assert found.unreachable.unknown_keys == ["1.png"]
    assert found.predictions != attention_ocr.evaluate(model, str(labels)).predictions
    assert model.config.decoding.decoding == "attention"


def test_a_model_on_disk_is_evaluated_on_its_validation_data(work_dir, tmp_path):
    evaluation = attention_ocr.evaluate(str(work_dir), out_dir=tmp_path / "report")
    labels = [prediction.label for prediction in evaluation.predictions]
    assert labels == list(tiny_model.TEXTS)
    document = json.loads((tmp_path / "report" / METRICS_FILE).read_text(encoding="utf-8"))
    assert document["exact_match"] == evaluation.metrics.exact_match
    assert (tmp_path / "report" / PREDICTIONS_FILE).is_file()
    files = [work_dir / "words" / f"{index}.png" for index in range(len(labels))]
    readings = attention_ocr.load(work_dir, engine="tensorflow").read(files)
    assert [reading.text for reading in readings] == [
        prediction.prediction for prediction in evaluation.predictions
    ]


def test_settings_and_data_replace_those_of_the_model(work_dir):
    labels = str(work_dir / "words" / "labels.tsv")
    part = f"{labels},every=2,part=eval"
    evaluation = attention_ocr.evaluate(work_dir, part, decoding={"decoding": "ctc"}, batch_size=2)
    assert 0 < len(evaluation.predictions) < len(tiny_model.TEXTS)
    whole = attention_ocr.evaluate(work_dir, labels)
    by_key = {prediction.key: prediction.prediction for prediction in whole.predictions}
    changed = [by_key[entry.key] != entry.prediction for entry in evaluation.predictions]
    assert any(changed)


def test_without_data_there_is_no_evaluation(work_dir):
    model = load_trained_model(work_dir)
    data = dataclasses.replace(model.config.data, eval_data="")
    model = model._replace(config=dataclasses.replace(model.config, data=data))
    with pytest.raises(ValueError, match="had no validation data"):
        attention_ocr.evaluate(model)


@pytest.mark.parametrize("evaluate", [attention_ocr.evaluate, fit_model_temperature])
def test_on_endless_data_there_is_no_evaluation(evaluate, work_dir):
    endless = "synthetic,fonts=bundled"
    data = f"{work_dir}/words/labels.tsv,weight=1;{endless},weight=1"
    for source in (endless, data):
        with pytest.raises(
            ValueError, match="in the data of an evaluation. Received: synthetic, e"
        ):
            evaluate(work_dir, source)


def test_the_temperature_of_the_model_of_the_package_is_not_fitted():
    with pytest.raises(ValueError, match="pack default DIR --weights_only.* Received: default"):
        fit_model_temperature("default", "synthetic")


@pytest.mark.parametrize("name", ["model_int8.tflite", "model.onnx"])
def test_the_temperature_of_a_converted_model_is_refused_before_it_is_fitted(tmp_path, name):
    work_dir = tiny_model.write_work_dir(tmp_path / "small")
    (work_dir / name).write_bytes(b"")
    before = (work_dir / "config.json").read_bytes()
    message = rf"\(attention-ocr pack \S+small DIR --weights_only\).*Received: \S+{name}"
    with pytest.raises(ValueError, match=message):
        fit_model_temperature(work_dir, str(work_dir / "words" / "labels.tsv"))
    assert (work_dir / "config.json").read_bytes() == before


def test_a_model_in_memory_is_exported(work_dir, tmp_path):
    model = load_trained_model(work_dir)
    decoding = {"decoding": "ctc"}
    version = attention_ocr.export(model, str(tmp_path), num_check_images=2, decoding=decoding)
    assert version == tmp_path / "1"
    assert Config.load(version).decoding.decoding == "ctc"

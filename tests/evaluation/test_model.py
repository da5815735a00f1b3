import json

import pytest

import attention_ocr
from attention_ocr.evaluation.report import METRICS_FILE, PREDICTIONS_FILE
from tests import tiny_model


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


def test_a_model_without_validation_data_needs_data(tmp_path):
    folder = tiny_model.write_work_dir(tmp_path, eval_data="")
    with pytest.raises(ValueError, match="Expected `data`: the training had no validation data"):
        attention_ocr.evaluate(folder)

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from attention_ocr.evaluation.evaluate import Evaluation, Prediction
from attention_ocr.metrics.accuracy import compute_metrics
from benchmarks import rulers
from benchmarks.flag_files import CONFIGS, read_flags
from tests import tiny, tiny_model


def test_a_model_is_measured_on_every_image_of_a_source(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["a", "bc", "0123", "cab", "ab"])
    work_dir = tiny_model.write_work_dir(tmp_path / "model")
    model = rulers.load_trained_model(work_dir)
    evaluation = rulers.read_source(model, model.config, f"{labels}")
    assert evaluation.metrics.num_examples == 5


def test_every_image_is_read_as_by_users(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["a", "bc", "0123"])

    class Reader:
        def read(self, image):
            assert image
            return [SimpleNamespace(text="bc", confidence=0.5)]

    evaluation = rulers.read_as_shipped(Reader(), f"{labels}")
    assert [row.label for row in evaluation.predictions] == ["a", "bc", "0123"]
    assert evaluation.metrics.exact_match == pytest.approx(1 / 3)


def test_the_decoding_chooses_who_reads(export):
    read = rulers.make_reading(str(export), "shipped")
    assert read.func is rulers.read_as_shipped
    assert read.args[0].charset == tiny.CHARSET


def evaluation_of(labels, texts):
    predictions = [
        Prediction(str(number), label, text, 0.9, False, True)
        for number, (label, text) in enumerate(zip(labels, texts, strict=True))
    ]
    return Evaluation(compute_metrics(labels, texts), predictions)


def test_a_row_holds_the_match_without_case_and_its_interval():
    row = rulers.describe("tags", evaluation_of(["AB-1", "c", "d"], ["ab1", "c", "x"]))
    assert (row["ruler"], row["images"]) == ("tags", 3)
    assert round(row["match %"], 1) == 66.7
    assert round(row["strict %"], 1) == 33.3
    low, high = map(float, row["95 % interval"].split(" to "))
    assert low < row["match %"] < high


def test_a_row_holds_words_with_plain_marks_and_errors_in_any_case():
    row = rulers.describe("sentences", evaluation_of(["it’s A – b… x"], ["it's a - b... y"]))
    assert round(row["words %"]) == 0
    assert round(row["words, plain %"]) == 60
    assert row["CER, any case %"] < row["CER %"]
    assert row["CER, any case %"] == pytest.approx(100 * 6 / 13)


def test_no_ruler_is_trained_on():
    # Of a set that both use, training takes the part that the ruler leaves out.
    trained = read_flags(CONFIGS / "default_model" / "train.flags")["train_data"].split(";")
    for ruler in rulers.RULERS.values():
        folder = Path(ruler).parts[0]
        parts = [source for source in trained if f"/{folder}/" in source]
        if folder in ("plates", "svhn_small"):
            assert parts == []
        for source in parts:
            options = source.split(f"{folder}/", 1)[1].rsplit(",weight=", 1)[0]
            assert options == ruler.split(f"{folder}/", 1)[1].replace("part=eval", "part=train")
    seeds = re.findall(r"seed=(\d+)", ";".join(trained))
    assert len(seeds) > 3
    assert not set(seeds) & set(re.findall(r"seed=(\d+)", " ".join(rulers.RENDERED.values())))

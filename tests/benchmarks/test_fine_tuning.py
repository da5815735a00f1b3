import json
import math

import pytest

from attention_ocr.data.sources import Walk, open_source
from attention_ocr.evaluation.evaluate import Evaluation, Prediction
from attention_ocr.inference.locate import BUNDLED_WEIGHTS
from attention_ocr.metrics.accuracy import compute_metrics
from attention_ocr.settings.config import Config
from benchmarks import fine_tuning
from benchmarks.flag_files import CONFIGS, read_flags
from tests import tiny

TASKS = ("receipt_lines", "fraktur_lines", "handwriting_lines", "captcha")


@pytest.mark.parametrize("task", TASKS)
def test_a_task_reads_the_part_that_it_does_not_train_on(task):
    values = read_flags(CONFIGS / f"{task}.flags")
    held_out = fine_tuning.held_out(values["train_data"])
    assert "part=eval" in held_out
    assert held_out != values["train_data"]
    assert held_out.split(",part=")[0] == values["train_data"].split(",part=")[0]


def test_flags_become_settings_of_the_right_type(tmp_path):
    path = tmp_path / "some.flags"
    path.write_text(
        "# A comment.\n--work_dir=runs/x\n--bucket_widths=64,96\n--learning_rate=1e-3\n"
        "--autoregressive=false\n--train_data=a.tsv,every=5,part=fit\n",
        encoding="utf-8",
    )
    assert read_flags(path) == {
        "bucket_widths": (64, 96),
        "learning_rate": 1e-3,
        "autoregressive": False,
        "train_data": "a.tsv,every=5,part=fit",
    }


def test_a_file_of_flags_stands_on_another_one(tmp_path):
    first, second = tmp_path / "first.flags", tmp_path / "second.flags"
    first.write_text("--encoder_width=2\n--train_data=a.tsv\n", encoding="utf-8")
    second.write_text(f"--flagfile={first}\n--train_data=b.tsv\n", encoding="utf-8")
    assert read_flags(second) == {"encoder_width": 2.0, "train_data": "b.tsv"}


def test_a_setting_takes_the_place_of_the_tasks(tmp_path):
    config = fine_tuning.make_config("captcha", ["--encoder_width=2"], 0, tmp_path)
    assert config.model.encoder_width == 2.0
    assert fine_tuning.make_config("captcha", [], 0, tmp_path).model.encoder_width == 1.0


def test_own_data_is_read_with_the_network_of_the_package_whatever_it_starts_from(tmp_path):
    labels = str(tiny.write_label_file(tmp_path / "mine", ["a", "b"]))
    config = fine_tuning.make_config(labels, ["--steps=9"], 0, tmp_path)
    package = Config.load(BUNDLED_WEIGHTS)
    assert (config.image, config.model) == (package.image, package.model)
    assert config.decoding == Config().decoding
    assert config.data.train_data == f"{labels},every=5,part=fit"
    assert config.data.eval_data == f"{labels},every=5,part=validation"
    assert fine_tuning.held_out(config.data.train_data) == f"{labels},every=5,part=eval"


def test_own_data_that_is_not_there_is_named(capsys):
    with pytest.raises(SystemExit):
        fine_tuning.main(["--data", "no/labels.tsv"])
    assert "Received: no/labels.tsv" in capsys.readouterr().err


def test_a_setting_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit):
        fine_tuning.main(["--tasks", "captcha", "--settings", "encoder_wide=2"])
    assert "Received: encoder_wide=2" in capsys.readouterr().err


def test_so_many_images_are_drawn_and_the_same_ones_each_time(tmp_path):
    source = str(tiny.write_label_file(tmp_path / "all", ["a", "b", "c", "1", "2"]))
    texts = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        part = fine_tuning.write_part(source, 3, tmp_path / name)
        rows = list(open_source(part).examples(Walk()).as_numpy_iterator())
        assert all(row["image"].size for row in rows)
        texts.append([row["text"].decode() for row in rows])
    assert texts[0] == texts[1]
    assert len(set(texts[0])) == 3
    with pytest.raises(ValueError, match="at most the 5 images of .* Received: 6"):
        fine_tuning.write_part(source, 6, tmp_path)


def evaluation_of(pairs) -> Evaluation:
    predictions = [
        Prediction(
            key=str(index),
            label=label,
            prediction=text,
            confidence=1.0,
            shrunk=False,
            readable=True,
        )
        for index, (label, text) in enumerate(pairs)
    ]
    return Evaluation(compute_metrics(*zip(*pairs, strict=True)), predictions)


def test_the_interval_holds_the_rate_and_narrows_with_more_lines():
    few = evaluation_of([("abcd", "abcd"), ("abcd", "abxx")] * 5)
    many = evaluation_of([("abcd", "abcd"), ("abcd", "abxx")] * 500)
    assert few.metrics.cer == pytest.approx(0.25)
    (low, high), (lower, upper) = map(fine_tuning.cer_interval, (few, many))
    assert 0.0 <= low < lower < 0.25 < upper < high
    assert math.isclose(upper - lower, (high - low) / 10.0, rel_tol=0.4)
    assert fine_tuning.cer_interval(evaluation_of([("ab", "ab")])) == (0.0, 0.0)


@pytest.mark.slow
def test_both_starts_are_trained_and_read(tmp_path, monkeypatch):
    data = tiny.write_label_file(tmp_path / "words", ["a1", "b2", "c3", "ab", "12", "cc"] * 2)
    watched = tiny.write_label_file(tmp_path / "watched", ["1", "2", "3"])
    (tmp_path / "words.flags").write_text(
        f"--train_data={data},every=3,part=train\n--eval_data={watched}\n--encoder_width=2\n"
        "--batch_size=4\n--bucket_widths=256\n--bucket_lengths=24\n--max_image_width=256\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(fine_tuning, "CONFIGS", tmp_path)
    rows = [fine_tuning.run("words", start, 0.5, 0) for start in ("default", "none")]
    assert [row["read"] for row in rows] == [4, 4]
    assert fine_tuning.run("words", "none", 0.5, 0, watched=True)["read"] == 3
    assert all(row["seen"] >= 4 and row["CPU s"] >= 0.5 for row in rows)
    json.dumps(rows)

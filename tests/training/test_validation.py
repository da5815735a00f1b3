"""Predictions and loss of a validation, and what a run writes for TensorBoard and trackers."""

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.util import event_pb2

from attention_ocr.data.pipeline import evaluation_batches, training_batches
from attention_ocr.data.sources import LEXICON, open_source
from attention_ocr.evaluation.evaluate import evaluate_batches, make_recognize, predict
from attention_ocr.models.build import make_recognition_loss
from attention_ocr.training.loop import train
from attention_ocr.training.tracking import make_tracker
from attention_ocr.training.validation import Validation
from tests import tiny

WORDS = ["cab", "abc", "b0", "a1"]
PAGE = (Path(__file__).parents[2] / "docs/evaluation.md").read_text("utf-8")


@pytest.fixture
def words(tmp_path):
    return tiny.write_label_file(tmp_path / "words", WORDS)


def test_the_loss_is_that_of_training_on_the_same_examples(words):
    config = tiny.config(train_data=str(words), eval_batch_size=3)
    recognizer = tiny.recognizer()
    found = Validation(recognizer, config, tiny.CHARSET)
    batches = evaluation_batches(open_source(str(words)), config)
    for read in batches:
        found.read(read)
    batch = next(iter(training_batches(open_source(str(words)), config, tiny.CHARSET)))
    assert sorted(batch["text"].numpy()) == sorted(word.encode() for word in WORDS)
    expected = make_recognition_loss(config)(recognizer(batch, training=False), batch)
    assert found.losses().keys() == expected.keys()
    for name, value in found.losses().items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-4)


def test_each_batch_is_encoded_once_and_read_as_by_an_evaluation(words):
    config = tiny.config(eval_batch_size=3)
    recognizer = tiny.recognizer()
    source = open_source(str(words))
    expected = evaluate_batches(
        make_recognize(recognizer, config, tiny.CHARSET), evaluation_batches(source, config)
    )
    num_encoded, encode = tf.Variable(0), recognizer.encode

    def counted(*args, **kwargs):
        num_encoded.assign_add(1)
        return encode(*args, **kwargs)

    recognizer.encode = counted
    validation = Validation(recognizer, config, tiny.CHARSET)
    found = predict(validation.read, evaluation_batches(source, config))
    assert [entry.prediction for entry in found] == [
        entry.prediction for entry in expected.predictions
    ]
    np.testing.assert_allclose(
        [entry.confidence for entry in found],
        [entry.confidence for entry in expected.predictions],
        rtol=1e-4,
    )
    losses = validation.losses()
    assert losses["loss"] > 0
    assert int(num_encoded) == 2
    batch = next(iter(evaluation_batches(source, config)))
    shown = validation.recognize(batch["images"], batch["image_sizes"])
    assert [text.decode() for text in shown.text.numpy()] == [
        entry.prediction for entry in found[:3]
    ]
    assert validation.losses() == losses


def test_what_training_skips_does_not_count(words):
    with (words.parent / "labels.tsv").open("a", encoding="utf-8") as file:
        file.write("broken.png\tab\nlong.png\tabcabcabc\n")
    (words.parent / "broken.png").write_bytes(b"no image")
    (words.parent / "long.png").write_bytes((words.parent / "0.png").read_bytes())
    config = tiny.config(eval_batch_size=1)
    found = Validation(tiny.recognizer(), config, tiny.CHARSET)
    rows = list(evaluation_batches(open_source(str(words)), config))
    assert len(predict(found.read, rows)) == 6
    whole = found.losses()
    found.reset()
    predict(found.read, [row for row in rows if row["key"][0] not in (b"broken.png", b"long.png")])
    assert found.losses() == whole
    found.reset()
    predict(found.read, [row for row in rows if row["key"][0] == b"broken.png"])
    assert found.losses() == {}
    # A run reads freely, also if its validation data have a lexicon for each image.
    listed = [row | {LEXICON: tf.constant(["cab"])} for row in rows[:1]]
    assert predict(found.read, listed) == predict(found.read, rows[:1])


class Recorder:
    """A tracker that keeps all it is given."""

    made: "list[Recorder]" = []  # noqa: RUF012

    def __init__(self, work_dir, settings):
        self.settings, self.logged, self.closed = settings, {}, False
        self.made.append(self)

    def log(self, values, step):
        self.logged |= {(name, step): value for name, value in values.items()}

    def close(self):
        self.closed = True


def test_a_run_writes_graph_losses_and_figures_of_the_tracker(words, tmp_path, monkeypatch):
    module = types.ModuleType("my_trackers")
    module.Recorder = Recorder
    monkeypatch.setitem(sys.modules, "my_trackers", module)
    config = tiny.config(
        train_data=str(words), eval_data=str(words), steps=2, warmup_steps=0, eval_every=1,
        checkpoint_every=2, summary_every=1, tracker="my_trackers:Recorder",
    )  # fmt: skip
    train(config, tmp_path / "run")
    tags, graphs = set(), 0
    for path in (tmp_path / "run/events/worker_0").iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            event = event_pb2.Event.FromString(record.numpy())
            tags |= {value.tag for value in event.summary.value}
            graphs += bool(event.graph_def)
    assert graphs == 1
    assert {"validation/loss", "validation/attention_loss", "validation/ctc_loss"} <= tags
    (tracker,) = Recorder.made
    assert tracker.closed
    assert tracker.settings["learning_rate"] == config.training.learning_rate
    for name in ("training/loss", "validation/loss", "validation/exact_match"):
        assert {step for logged, step in tracker.logged if logged == name} == {1, 2}
    matches = [tracker.logged["validation/exact_match", step] for step in (1, 2)]
    bests = [tracker.logged["validation/best_exact_match", step] for step in (1, 2)]
    assert bests == [matches[0], max(matches)]


def test_the_tracker_of_the_docs_logs_to_mlflow(tmp_path, monkeypatch):
    calls = []
    mlflow = types.ModuleType("mlflow")
    for name in ("set_experiment", "start_run", "log_params", "log_metrics", "end_run"):
        monkeypatch.setattr(
            mlflow, name, lambda *args, _name=name, **kw: calls.append((_name, args, kw)),
            raising=False,
        )  # fmt: skip
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    (code,) = re.findall(r"```python\n(import mlflow\n.*?)```", PAGE, re.DOTALL)
    module = types.ModuleType("my_trackers")
    exec(code, module.__dict__)
    monkeypatch.setitem(sys.modules, "my_trackers", module)
    tracker = make_tracker(tiny.config(tracker="my_trackers:MLflowTracker"), tmp_path / "mine")
    tracker.log({"training/loss": 2.0}, step=3)
    tracker.close()
    names = [name for name, _, _ in calls]
    assert names[:3] == ["set_experiment", "start_run", "log_params"]
    assert names[-2:] == ["log_metrics", "end_run"]
    parameters = [args[0] for name, args, _ in calls if name == "log_params"]
    assert max(map(len, parameters)) <= 100
    assert "learning_rate" in dict(entry for part in parameters for entry in part.items())
    assert calls[1][2]["run_name"] == "mine"
    assert calls[-2][1:] == (({"training/loss": 2.0},), {"step": 3})


def test_a_tracker_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(ValueError, match="`tracker` must be .* Received: 'mlflow'"):
        make_tracker(tiny.config(tracker="mlflow"), tmp_path)
    with pytest.raises(ImportError, match="no_such_package"):
        make_tracker(tiny.config(tracker="no_such_package:Tracker"), tmp_path)
    assert make_tracker(tiny.config(), tmp_path) is None

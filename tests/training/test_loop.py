import dataclasses
import logging
import os
from collections import defaultdict
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.util import event_pb2

from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.sources import open_source
from attention_ocr.evaluation.evaluate import evaluate_batches, make_recognize
from attention_ocr.inference.work_directory import WEIGHTS_FILE, load_trained_model
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.text.charset import ASCII, CHARSET_FILE, LATIN, Charset
from attention_ocr.training import loop
from attention_ocr.training.checkpoints import Checkpoints
from attention_ocr.training.loop import TrainingResult, prepare_work_directory, train
from tests import tiny

WORDS = ["cab", "abc", "b0", "a1", "10", "cc2", "ab3c", "aaa", "3b", "c", "0123", "bac"]
WORDS += ["2a2", "c0b1", "11b", "30a"]
# Eagerly, a few steps take a tenth of the time; tf.data warns that it still uses graphs.
eagerly = pytest.mark.filterwarnings("ignore:Even though the")


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return tiny.write_label_file(tmp_path_factory.mktemp("words"), WORDS)


class Run:
    """A finished run, its settings and its directory."""

    def __init__(self, config: Config, work_dir: Path) -> None:
        self.config = config
        self.work_dir = work_dir
        self.result = train(config, work_dir)


@pytest.fixture(scope="module")
def learned(words, tmp_path_factory):
    config = tiny.config(
        train_data=str(words),
        eval_data=str(words),
        batch_size=16,
        eval_batch_size=10,
        steps=90,
        warmup_steps=10,
        eval_every=80,
        checkpoint_every=30,
        summary_every=15,
        learning_rate=0.01,
        average_decay=0.9,
        sequence_units=24,
        attention_units=24,
        decoder_units=32,
    )
    return Run(config, tmp_path_factory.mktemp("run") / "new")


def test_sixteen_words_are_memorized_in_90_steps(learned):
    assert learned.result.step == 90
    assert learned.result.best_exact_match == 1.0


def test_the_directory_holds_the_best_model(learned):
    model = load_trained_model(learned.work_dir)
    assert model.config == learned.config
    assert model.charset == Charset("0123abc")
    read = make_recognize(model.recognizer, model.config, model.charset)
    source = open_source(learned.config.data.eval_data)
    evaluation = evaluate_batches(read, evaluation_batches(source, model.config))
    assert [prediction.prediction for prediction in evaluation.predictions] == WORDS
    assert min(prediction.confidence for prediction in evaluation.predictions) > 0.5


def test_checkpoints_are_written_at_the_configured_steps(learned):
    names = {path.stem for path in (learned.work_dir / "checkpoints/worker_0").glob("*.index")}
    assert names == {"step-60", "step-90"}


def events(work_dir: Path) -> dict[str, list[int]]:
    """Return the steps of the TensorBoard events, by tag."""
    steps = defaultdict(list)
    for path in sorted((work_dir / "events/worker_0").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = event_pb2.Event.FromString(record)
            for value in event.summary.value:
                steps[value.tag].append(event.step)
    return steps


def test_tensorboard_gets_scalars_images_and_settings(learned):
    steps = events(learned.work_dir)
    training = ("loss", "attention_loss", "ctc_loss", "gradient_norm")
    for name in (*training, "learning_rate", "images_per_second"):
        assert steps[f"training/{name}"] == [15, 30, 45, 60, 75, 90], name
    for name in ("exact_match", "alphanumeric_match", "cer", "wer", "ned"):
        assert steps[f"validation/{name}"] == [80, 90], name
    assert {tag for tag in steps if tag.startswith("validation/")} >= {"validation/0"}
    assert steps["validation/7"] == steps["attention/0"] == [80, 90]
    assert steps["settings"][0] == 0


def test_a_finished_run_does_not_start_again(learned):
    weights = (learned.work_dir / WEIGHTS_FILE).stat().st_mtime_ns
    again = Run(learned.config, learned.work_dir)
    assert again.result == learned.result
    assert (learned.work_dir / WEIGHTS_FILE).stat().st_mtime_ns == weights


@pytest.mark.parametrize(
    ("name", "value"), [("decoder_units", 33), ("image_height", 32), ("max_length", 7)]
)
def test_a_directory_of_another_model_is_refused_and_left_alone(name, value, learned):
    files = {
        path: path.read_bytes() for path in sorted(learned.work_dir.rglob("*")) if path.is_file()
    }
    section = "image" if name == "image_height" else "model"
    old = getattr(learned.config, section)
    changed = dataclasses.replace(
        learned.config, **{section: dataclasses.replace(old, **{name: value})}
    )
    with pytest.raises(ValueError, match=f"holds a model with {name}=.*Received: {name}={value}"):
        train(changed, learned.work_dir)
    assert files == {
        path: path.read_bytes() for path in sorted(learned.work_dir.rglob("*")) if path.is_file()
    }


def weights_of(work_dir: Path) -> dict[str, np.ndarray]:
    with np.load(work_dir / WEIGHTS_FILE) as file:
        return {name: file[name] for name in file.files}


def interrupt_before(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Make a run stop, as by Ctrl-C, before step `step` (from 0)."""
    train_on_next = loop.Run._train_on_next

    def interrupted(self: loop.Run, now: int) -> dict[str, tf.Tensor]:
        if now == step:
            raise KeyboardInterrupt
        return train_on_next(self, now)

    monkeypatch.setattr(loop.Run, "_train_on_next", interrupted)


@eagerly
def test_an_interrupted_run_resumes_bit_for_bit(words, tmp_path, monkeypatch):
    config = tiny.config(
        train_data=str(words),
        steps=4,
        checkpoint_every=2,
        summary_every=1,
        dropout=0.5,
        average_decay=0.5,
        bucket_lengths=(2,),
    )
    with tiny.running_eagerly():
        undisturbed = Run(config, tmp_path / "undisturbed")
        with monkeypatch.context() as patch:
            interrupt_before(patch, step=3)
            with pytest.raises(KeyboardInterrupt):
                Run(config, tmp_path / "interrupted")
        resumed = Run(config, tmp_path / "interrupted")
    assert undisturbed.result == resumed.result == TrainingResult(4, None, 0)
    expected = weights_of(undisturbed.work_dir)
    for name, value in weights_of(resumed.work_dir).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5, err_msg=name)
    # Step 3 was trained twice: the last checkpoint was that of step 2.
    assert events(resumed.work_dir)["training/loss"] == [1, 2, 3, 3, 4]


@eagerly
def test_a_loss_that_is_not_finite_stops_the_run_and_names_step_and_batch(words, tmp_path):
    config = tiny.config(
        train_data=str(words), learning_rate=1e30, warmup_steps=0, clip_norm=0.0, batch_size=2
    )
    with (
        tiny.running_eagerly(),
        pytest.raises(FloatingPointError, match=r"Step 2 is not finite.*batch: \d+.png, \d+.png"),
    ):
        train(config, tmp_path)
    assert not (tmp_path / WEIGHTS_FILE).exists()


@pytest.mark.parametrize(
    ("trained_on", "eval_data", "warns"),
    [
        ("{}", "synthetic,part=eval,num_examples=1000", True),
        ("{}", "synthetic,part=eval,num_examples=2", False),
        ("{}", "", False),
        ("{},weight=1;synthetic,weight=1", "synthetic,part=eval,num_examples=1000", False),
    ],
)
def test_validation_by_rendered_words_that_was_not_asked_for_is_logged(
    trained_on, eval_data, warns, words, tmp_path, caplog, monkeypatch
):
    class ReadyError(Exception):
        """Training would begin."""

    monkeypatch.setattr(loop, "Run", Mock(side_effect=ReadyError))
    config = tiny.config(train_data=trained_on.format(words), eval_data=eval_data)
    with caplog.at_level(logging.WARNING), pytest.raises(ReadyError):
        train(config, tmp_path)
    assert ("use rendered English words" in caplog.text) == warns


@eagerly
def test_skipped_examples_are_logged_at_the_end(tmp_path, caplog):
    labels = tiny.write_label_file(tmp_path, ["a", "bc", "0123", "cab", "x"])
    (tmp_path / "0.png").write_bytes(b"")
    Charset("abc0123").save(tmp_path)
    config = tiny.config(
        train_data=str(labels),
        charset=str(tmp_path / CHARSET_FILE),
        max_length=3,
        max_image_width=16,
        batch_size=3,
        steps=1,
        warmup_steps=0,
    )
    with tiny.running_eagerly(), caplog.at_level(logging.WARNING):
        train(config, tmp_path / "run")
    assert "unreadable image: 0.png" in caplog.text
    assert "label longer than max_length: 2.png" in caplog.text
    assert "shrunk 2 images wider than max_image_width" in caplog.text
    assert "found 1 characters outside the charset" in caplog.text


@eagerly
def test_a_full_disk_stops_the_run_with_an_oserror(words, tmp_path, monkeypatch):
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Checkpoints, "save", fill)
    config = tiny.config(
        train_data=str(words), steps=2, warmup_steps=0, checkpoint_every=1, eval_every=2
    )
    with tiny.running_eagerly(), pytest.raises(OSError, match="No space left on device"):
        train(config, tmp_path)


@pytest.mark.slow
def test_a_run_on_two_devices_is_validated_saved_and_resumed(words, tmp_path, monkeypatch):
    config = tiny.config(
        train_data=str(words),
        eval_data=str(words),
        strategy="mirrored",
        steps=2,
        warmup_steps=1,
        eval_every=1,
        checkpoint_every=1,
    )
    first = Run(config, tmp_path)
    assert first.result.step == 2
    assert first.result.best_step == 1
    values = weights_of(tmp_path)
    assert all(np.isfinite(value).all() for value in values.values())

    def refuse(*_: object) -> None:
        raise AssertionError("The run has ended: no step is left.")

    monkeypatch.setattr(loop.Run, "_train_on_next", refuse)
    assert Run(config, tmp_path).result == first.result


def test_missing_data_leave_no_directory(tmp_path):
    with pytest.raises(FileNotFoundError, match="typo.tsv"):
        train(tiny.config(train_data=str(tmp_path / "typo.tsv")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_endless_validation_data_are_refused_before_there_is_a_directory(words, tmp_path):
    config = tiny.config(
        train_data="synthetic,fonts=bundled",
        eval_data=f"{words},weight=1;synthetic,fonts=bundled,weight=1",
    )
    with pytest.raises(ValueError, match="Expected `num_examples` of rendered text in eval_data"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("charset", "expected"),
    [
        ("", Charset("0123abc")),
        ("ascii", Charset(ASCII)),
        ("latin", Charset(LATIN)),
        ("{}/mine.txt", Charset("ba")),
    ],
)
def test_the_charset_comes_from_labels_or_a_name_or_a_file(charset, expected, words, tmp_path):
    (tmp_path / "mine.txt").write_text("b\na\n", encoding="utf-8")
    config = tiny.config(charset=charset.format(tmp_path))
    work_dir = tmp_path / "a" / "new one"
    assert prepare_work_directory(config, work_dir, open_source(str(words))) == expected
    assert Charset.load(work_dir) == expected
    assert Config.load(work_dir) == config


def test_a_directory_keeps_its_charset_and_takes_new_settings_of_training(words, tmp_path):
    source = open_source(str(words))
    prepare_work_directory(tiny.config(charset="ascii"), tmp_path, source)
    config = tiny.config(steps=11, charset="")
    assert prepare_work_directory(config, tmp_path, source) == Charset(ASCII)
    assert Config.load(tmp_path) == config


def test_a_directory_with_damaged_settings_is_refused_by_name(words, tmp_path):
    os.truncate(tiny.config().save(tmp_path), 20)
    with pytest.raises(ValueError, match=CONFIG_FILE):
        prepare_work_directory(tiny.config(), tmp_path, open_source(str(words)))

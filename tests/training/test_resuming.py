"""Resuming from a checkpoint of other settings, other data, or an earlier release."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.inference.work_directory import WEIGHTS_FILE, load_trained_model
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.text.charset import Charset
from attention_ocr.training import loop
from attention_ocr.training.loop import train
from attention_ocr.training.run_lock import RunLock
from tests import tiny

TEXTS = [f"{a}{b}" for a in "abc0123" for b in "abc01"]
# A network whose steps take hardly any time.
SMALL_NETWORK = {
    "attention_weight": 0.0,
    "ctc_weight": 1.0,
    "decoding": "ctc",
    "sequence_layers": 0,
    "encoder_depth": 0.25,
}
# Eagerly, a few steps take a tenth of the time; tf.data warns that it still uses graphs.
pytestmark = pytest.mark.filterwarnings("ignore:Even though the")


@pytest.fixture
def words(tmp_path):
    return tiny.write_label_file(tmp_path / "words", TEXTS)


@pytest.fixture
def run(words, tmp_path, monkeypatch) -> Callable[..., list[str]]:
    """Train with some settings; return the keys of the examples in the order of their steps."""
    seen: list[str] = []
    train_on_next = loop.Run._train_on_next

    def watched(self: loop.Run, step: int) -> dict[str, tf.Tensor]:
        train_step = self.train_step

        def noting(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            seen.extend(key.decode() for key in batch["key"].numpy())
            return train_step(batch)

        self.train_step = noting
        try:
            return train_on_next(self, step)
        finally:
            self.train_step = train_step

    monkeypatch.setattr(loop.Run, "_train_on_next", watched)

    def start(work_dir: Path = tmp_path / "run", **values: Any) -> list[str]:
        seen.clear()
        own = {"train_data": str(words), "steps": 2, "warmup_steps": 0, "checkpoint_every": 1}
        own |= SMALL_NETWORK
        with tiny.running_eagerly():
            train(tiny.config(**{**own, **values}), work_dir)
        return list(seen)

    return start


def test_another_batch_size_resumes_from_the_same_examples(run, tmp_path, caplog):
    whole = run(tmp_path / "whole", batch_size=5, steps=7)
    assert sorted(whole) == sorted(f"{index}.png" for index in range(len(TEXTS)))
    first = run(batch_size=5, steps=3)
    with caplog.at_level(logging.INFO, logger="absl"):
        second = run(batch_size=4, steps=8)
    assert first + second == whole
    assert "batch_size changed: the training data are read from example 15" in caplog.text
    assert "resuming with changed settings: batch_size=4 (was 5), steps=8 (was 3)" in caplog.text


@pytest.mark.slow
def test_another_number_of_devices_resumes_from_the_same_examples(run, tmp_path, caplog):
    whole = run(tmp_path / "whole", batch_size=4, steps=5)
    first = run(batch_size=4, steps=2)
    with caplog.at_level(logging.INFO, logger="absl"):
        second = run(batch_size=4, steps=5, strategy="mirrored")
    assert first + second == whole
    assert "num_devices=2 (was 1)" in caplog.text


def test_after_rows_are_removed_the_run_resumes_from_the_beginning_of_the_data(
    run, words, tmp_path, caplog
):
    run(batch_size=5)
    lines = words.read_text(encoding="utf-8").splitlines(keepends=True)
    words.write_text("".join(lines[:9]), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        second = run(batch_size=5, steps=5)
    assert "(9 examples instead of 35), and are read from the beginning" in caplog.text
    assert second == run(tmp_path / "fresh", batch_size=5, steps=3)


def test_a_changed_label_is_other_data_and_a_folder_that_moved_is_not(run, words, tmp_path, caplog):
    run()
    moved = tmp_path / "moved"
    shutil.move(words.parent, moved)
    with caplog.at_level(logging.WARNING):
        run(train_data=str(moved / "labels.tsv"), steps=3)
        assert "training data have changed" not in caplog.text
        path = moved / "labels.tsv"
        path.write_text(path.read_text(encoding="utf-8").replace("\tab\n", "\tb\n"), "utf-8")
        run(train_data=str(path), steps=4)
    assert "the training data have changed since it was saved" in caplog.text


def test_a_finished_run_says_so_and_names_the_changes_without_effect(run, tmp_path, caplog):
    run(charset="ascii")
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    with caplog.at_level(logging.INFO, logger="absl"):
        assert run(charset="ascii", learning_rate=0.5, augmentation="jpeg") == []
    assert "is finished: it ended at step 2. To continue, change --steps." in caplog.text
    assert "have no effect: augmentation=jpeg (was ''), learning_rate=0.5 (was 0.002)" in (
        caplog.text
    )
    # The settings in the directory stay those that its weights were trained with.
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("charset", ["ascii", "mine.txt"])
def test_another_charset_is_refused_by_its_name(charset, run, tmp_path):
    run()
    Charset("ab").save(tmp_path)
    (tmp_path / "charset.txt").rename(tmp_path / "mine.txt")
    name = charset if charset == "ascii" else str(tmp_path / charset)
    with pytest.raises(ValueError, match=r"holds a model with charset=''.*Received: charset="):
        run(charset=name)


def test_the_same_charset_by_another_name_resumes(run, tmp_path):
    run()
    shutil.copy(tmp_path / "run/charset.txt", tmp_path / "same.txt")
    assert run(charset=str(tmp_path / "same.txt"), steps=3)
    # Nor does a resumed run need the file again.
    (tmp_path / "same.txt").unlink()
    assert run(charset=str(tmp_path / "same.txt"), steps=4)


def test_an_optimizer_that_the_checkpoint_does_not_fit_is_refused_by_name(run, tmp_path):
    run()
    config = (tmp_path / "run" / CONFIG_FILE).read_bytes()
    with pytest.raises(ValueError, match=r"Received: .*optimizer=sgd \(was adamw\)"):
        run(optimizer="sgd", steps=3)
    assert (tmp_path / "run" / CONFIG_FILE).read_bytes() == config


def test_a_run_resumes_from_a_checkpoint_without_a_record(run, tmp_path, caplog):
    whole = run(tmp_path / "whole", batch_size=5, steps=7)
    first = run(batch_size=5, steps=3)
    for path in (tmp_path / "run/checkpoints/worker_0").glob("*.json"):
        path.unlink()
    with caplog.at_level(logging.WARNING):
        second = run(batch_size=10, steps=5)
    assert first + second == whole
    assert "batch_size changed" in caplog.text


def test_a_second_run_in_the_directory_is_refused(run, tmp_path):
    run()
    with (
        RunLock(tmp_path / "run"),
        pytest.raises(ValueError, match=r"run is in use by another run, process \d+ on "),
    ):
        run(steps=3)
    assert run(steps=3)


def test_the_model_can_be_used_from_its_first_checkpoint_on(run, words, tmp_path, monkeypatch):
    def lost(self: loop.Run, step: int) -> dict[str, tf.Tensor]:
        if step == 3:
            raise OSError("lost")
        return train_on_next(self, step)

    train_on_next = loop.Run._train_on_next
    monkeypatch.setattr(loop.Run, "_train_on_next", lost)
    with pytest.raises(OSError, match="lost"):
        run(eval_data=str(words), steps=9, eval_every=9, checkpoint_every=2)
    model = load_trained_model(tmp_path / "run")
    assert model.charset == Charset("0123abc")
    reader = tf.train.load_checkpoint(str(tmp_path / "run/checkpoints/worker_0/step-2"))
    averages = [reader.get_tensor(f"averages/{i}/.ATTRIBUTES/VARIABLE_VALUE") for i in range(3)]
    with np.load(tmp_path / "run" / WEIGHTS_FILE) as weights:
        for average, name in zip(averages, weights.files, strict=False):
            np.testing.assert_array_equal(weights[name], average)


def test_images_deleted_during_a_run_are_logged_at_once_and_end_it(run, words, tmp_path, caplog):
    run(steps=2)
    for index in range(0, len(TEXTS), 2):
        (words.parent / f"{index}.png").unlink()
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(
            ValueError, match=r"labels.tsv: \d\d of the last \d\d images cannot be read, \d+.png"
        ),
    ):
        run(steps=99)
    assert "left out 1 times so far: unreadable image: " in caplog.text
    assert "left out 10 times so far: unreadable image: " in caplog.text
    assert Config.load(tmp_path / "run").training.steps == 99
    assert len(run(steps=30, max_unreadable=1.0)) > 0


def test_unreadable_validation_images_are_logged_and_end_a_run(run, tmp_path, caplog):
    labels = tiny.write_label_file(tmp_path / "validation", ["a", "b", "c", "0", "1"])
    (labels.parent / "1.png").unlink()
    with caplog.at_level(logging.WARNING):
        run(eval_data=str(labels), eval_every=1, steps=1)
    assert "1 of the 5 images of" in caplog.text
    assert "cannot be read, 1.png for example; they count as errors" in caplog.text
    (labels.parent / "2.png").unlink()
    with pytest.raises(ValueError, match="2 of the 5 images of .* more than max_unreadable=0.25"):
        run(eval_data=str(labels), eval_every=1, steps=2)


def test_incomplete_files_of_a_killed_run_are_removed_by_the_next(run, tmp_path):
    run()
    checkpoints = tmp_path / "run/checkpoints/worker_0"
    left = [
        checkpoints / "step-9_temp/part-00000-of-00001.data-00000-of-00001",
        checkpoints / "step-9.data-00000-of-00001",
        checkpoints / "step-9.json",
        checkpoints / "checkpoint.tmp0123",
        tmp_path / "run/weights.npz.0123456789ab.tmp",
        tmp_path / "run/config.json.tmp",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    assert run(steps=3)
    assert not [path for path in left if path.exists()]
    assert not (checkpoints / "step-9_temp").exists()

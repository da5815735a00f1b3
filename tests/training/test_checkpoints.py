import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.training.checkpoints import Checkpoints


def make(directory: Path, keep: int = 2, size: int = 500) -> tuple[Checkpoints, tf.Variable]:
    variable = tf.Variable(tf.zeros(size))
    return Checkpoints(directory, {"weights": [variable]}, keep), variable


@pytest.fixture
def saved(tmp_path):
    """A directory with the checkpoints of steps 9 and 10; each holds its step."""
    checkpoints, variable = make(tmp_path)
    for step in (8, 9, 10):
        variable.assign(tf.fill(variable.shape, float(step)))
        checkpoints.save(step)
    return tmp_path


def steps(directory: Path) -> set[int]:
    return {int(path.stem.removeprefix("step-")) for path in directory.glob("step-*.index")}


def restored(directory: Path) -> float | None:
    checkpoints, variable = make(directory)
    return float(variable[7]) if checkpoints.restore() else None


def test_a_new_directory_has_nothing_to_restore(tmp_path):
    assert restored(tmp_path / "checkpoints") is None


def test_the_newest_checkpoint_is_restored_and_the_oldest_is_gone(saved):
    assert steps(saved) == {9, 10}
    assert restored(saved) == 10.0


def test_an_iterator_resumes_at_its_position(tmp_path):
    def start() -> tuple[Checkpoints, tf.data.Iterator]:
        iterator = iter(tf.data.Dataset.range(100).shuffle(50, seed=1))
        return Checkpoints(tmp_path, {"batches": iterator}, keep=1), iterator

    checkpoints, iterator = start()
    for _ in range(5):
        next(iterator)
    checkpoints.save(5)
    expected = [int(next(iterator)) for _ in range(9)]
    checkpoints, iterator = start()
    assert checkpoints.restore()
    assert [int(next(iterator)) for _ in range(9)] == expected


def test_an_iterator_over_other_data_restarts_and_the_rest_is_restored(tmp_path, caplog):
    def start(dataset: tf.data.Dataset) -> tuple[Checkpoints, tf.Variable]:
        variable = tf.Variable(tf.zeros(5))
        state = {"weights": [variable], "batches": iter(dataset)}
        return Checkpoints(tmp_path, state, 1, {"batches": lambda: iter(dataset)}), variable

    old = tf.data.Dataset.range(100).shuffle(50, seed=1)
    checkpoints, variable = start(old)
    variable.assign(tf.ones(5))
    next(checkpoints.state["batches"])
    checkpoints.save(7)
    two_sources = tf.data.Dataset.sample_from_datasets([tf.data.Dataset.range(200, 210), old])
    with caplog.at_level(logging.WARNING):
        checkpoints, variable = start(two_sources.filter(lambda number: number > 204))
        assert checkpoints.restore()
    np.testing.assert_array_equal(variable, np.ones(5))
    assert int(next(checkpoints.state["batches"])) == 205
    assert "step-7; the training data have changed since it was saved" in caplog.text
    # Later checkpoints hold the position in the new data.
    checkpoints.save(8)
    checkpoints, _ = start(two_sources.filter(lambda number: number > 204))
    assert checkpoints.restore()
    assert int(next(checkpoints.state["batches"])) == 206


def test_a_network_that_does_not_fit_is_refused_even_beside_objects_that_may_be_recreated(saved):
    def start() -> tf.data.Iterator:
        return iter(tf.data.Dataset.range(3))

    for variables in ([tf.Variable(tf.zeros(7))], [tf.Variable(tf.zeros(500)), tf.Variable(0.0)]):
        state = {"weights": variables, "batches": start()}
        checkpoints = Checkpoints(saved, state, 2, {"batches": start})
        with pytest.raises(ValueError, match="can be read"):
            checkpoints.restore()


def cut(share: float) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        os.truncate(path, int(share * path.stat().st_size))

    return apply


DAMAGES = {"emptied": cut(0.0), "cut in half": cut(0.5), "cut at its end": cut(0.99)}
DATA, INDEX = "step-{}.data-00000-of-00001", "step-{}.index"


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [DATA, INDEX])
def test_a_truncated_checkpoint_falls_back_to_the_older_one(name, damage, saved):
    DAMAGES[damage](saved / name.format(10))
    assert restored(saved) == 9.0


def test_a_checkpoint_without_its_data_falls_back_to_the_older_one(saved):
    (saved / DATA.format(10)).unlink()
    assert restored(saved) == 9.0


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_list_of_checkpoints_hides_none(damage, saved):
    DAMAGES[damage](saved / "checkpoint")
    assert restored(saved) == 10.0


def test_a_run_saves_checkpoints_after_a_damaged_one(saved):
    DAMAGES["cut in half"](saved / DATA.format(10))
    checkpoints, variable = make(saved)
    assert checkpoints.restore()
    variable.assign_add(tf.ones_like(variable))
    checkpoints.save(10)
    assert restored(saved) == 10.0


def test_truncated_checkpoints_alone_are_an_error_that_names_them(saved):
    for step in (9, 10):
        DAMAGES["cut in half"](saved / DATA.format(step))
    with pytest.raises(ValueError, match=r"No checkpoint in .* can be read: .*step-10, .*step-9"):
        restored(saved)


@pytest.mark.parametrize("size", [499, 501])
def test_a_checkpoint_of_another_network_is_refused(size, saved):
    checkpoints, _ = make(saved, size=size)
    with pytest.raises(ValueError, match=f"No checkpoint in {re.escape(str(saved))}"):
        checkpoints.restore()


def test_a_checkpoint_that_lacks_a_variable_is_refused(saved):
    variables = [tf.Variable(tf.zeros(500)), tf.Variable(3.0)]
    with pytest.raises(ValueError, match="No checkpoint in"):
        Checkpoints(saved, {"weights": variables}, keep=2).restore()


def test_a_checkpoint_with_an_additional_variable_is_refused(saved):
    with pytest.raises(ValueError, match="No checkpoint in"):
        Checkpoints(saved, {"weights": []}, keep=2).restore()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes, as if the disk were full."""
    resource = pytest.importorskip("resource", reason="needs a limit of the operating system")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_an_error_and_leaves_the_older_checkpoints(saved):
    checkpoints, variable = make(saved, size=50_000)
    variable.assign(np.arange(50_000, dtype=np.float32))
    with largest_file(10_000), pytest.raises(OSError, match="Cannot write a checkpoint to"):
        checkpoints.save(11)
    assert steps(saved) == {9, 10}
    assert restored(saved) == 10.0


def test_an_error_of_tensorflow_while_saving_is_an_oserror(saved, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    checkpoints, _ = make(saved)
    monkeypatch.setattr(tf.train.CheckpointManager, "save", fail)
    with pytest.raises(OSError, match="No space left on device"):
        checkpoints.save(11)

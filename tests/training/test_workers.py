"""Two real processes that train one model together on this machine."""

import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from attention_ocr.training.checkpoints import Checkpoints
from attention_ocr.training.workers import Workers, explaining_lost_workers
from tests import tiny
from tests.processes import Processes, steps
from tests.training.test_kill_and_resume import NETWORK


class Group:
    """One of several processes; the numbers of the others are given."""

    def __init__(self, index: int, everyone: list[list[int]]) -> None:
        self.index = index
        self.count = len(everyone)
        self._others = everyone
        self.agrees = True

    def gather(self, numbers: list[int]) -> list[list[int]]:
        return [list(numbers) if i == self.index else own for i, own in enumerate(self._others)]

    def all_true(self, claim: bool) -> bool:
        return claim and self.agrees


def checkpoints_of(folder: Path, group: Group) -> tuple[Checkpoints, tf.Variable]:
    variable = tf.Variable(tf.zeros(5))
    directory = folder / f"worker_{group.index}"
    return Checkpoints(directory, {"weights": [variable]}, 2, group=group), variable


def save(folder: Path, index: int, *numbers: int) -> None:
    checkpoints, variable = checkpoints_of(folder, Group(index, [[], []]))
    for number in numbers:
        variable.assign(tf.fill(5, float(number)))
        checkpoints.save(number)


def test_a_worker_goes_back_to_the_newest_step_that_all_have(tmp_path, caplog):
    save(tmp_path, 0, 5, 10)
    checkpoints, variable = checkpoints_of(tmp_path, Group(0, [[], [5, 1]]))
    assert checkpoints.restore()
    assert float(variable[0]) == 5.0
    # Later runs must not take the other checkpoint for a common one.
    assert checkpoints.steps() == [5]
    assert "step-10, which not every worker has" in caplog.text


def test_a_worker_without_its_own_checkpoints_uses_those_of_the_first(tmp_path):
    save(tmp_path, 0, 5, 10)
    group = Group(1, [[10, 5], []])
    variable = tf.Variable(tf.zeros(5))
    state = {"weights": [variable], "batches": iter(tf.data.Dataset.range(9))}
    checkpoints = Checkpoints(
        *(tmp_path / "worker_1", state, 2),
        remake={"batches": lambda: iter(tf.data.Dataset.range(7, 9))},
        group=group,
    )
    assert checkpoints.restore()
    assert float(variable[0]) == 10.0
    assert int(next(checkpoints.state["batches"])) == 7


def test_workers_without_a_common_step_are_an_error_that_names_their_steps(tmp_path):
    save(tmp_path, 1, 5)
    with pytest.raises(ValueError, match=r"worker 0: \[10\]; worker 1: \[5\]"):
        checkpoints_of(tmp_path, Group(1, [[10], []]))[0].restore()


def test_nothing_is_restored_without_checkpoints(tmp_path):
    assert not checkpoints_of(tmp_path, Group(1, [[], []]))[0].restore()


def test_one_more_checkpoint_than_requested_is_kept_so_that_there_is_a_common_one(tmp_path):
    variable = tf.Variable(tf.zeros(5))
    checkpoints = Checkpoints(
        tmp_path / "worker_0", {"weights": [variable]}, 1, group=Group(0, [[], []])
    )
    for step in (5, 10, 15):
        checkpoints.save(step)
    assert checkpoints.steps() == [15, 10]


def test_the_loss_of_another_worker_is_explained_in_one_line():
    lost = tf.errors.UnavailableError(None, None, "Graph execution error:\n\nSocket closed")
    message = r"Lost another of the 2 workers \(UnavailableError\). Start all of them again"
    with (
        pytest.raises(ConnectionError, match=message),
        explaining_lost_workers(SimpleNamespace(count=2)),
    ):
        raise lost
    with pytest.raises(tf.errors.UnavailableError), explaining_lost_workers(Workers(strategy())):
        raise lost


def test_a_run_of_one_process_agrees_with_itself():
    workers = Workers(strategy())
    assert (workers.index, workers.count, workers.num_devices) == (0, 1, 1)
    assert workers.gather([7, 3]) == [[7, 3]]
    assert workers.largest(15) == 15
    assert workers.all_true(True)
    assert not workers.all_true(False)


def strategy() -> tf.distribute.Strategy:
    return tf.distribute.OneDeviceStrategy("/cpu:0")


@pytest.mark.slow
def test_two_workers_resume_from_their_newest_common_step_and_stop_together(tmp_path):
    labels = tiny.write_label_file(tmp_path / "words", ["cab", "abc", "b0", "a1", "10"])
    settings = {**tiny.SETTINGS, **NETWORK, "train_data": str(labels), "batch_size": 4}
    settings |= {"steps": 10, "checkpoint_every": 5, "eval_every": 10, "deterministic": True}
    work_dir = tmp_path / "run"
    with Processes(settings, work_dir, count=2) as run:
        run.end_well()
    assert steps(work_dir, 0) == steps(work_dir, 1) == {5, 10}
    # As if a worker was killed before, and the other after, writing its checkpoint.
    for file in (work_dir / "checkpoints/worker_1").glob("step-10.*"):
        file.unlink()
    with Processes(settings | {"steps": 100_000}, work_dir, count=2) as run:
        assert run.wait_for_checkpoint(above=10) >= 15
        run.tell(signal.SIGTERM, index=1)
        assert run.end() == [143, 143], run.outputs()
        for index in range(2):
            assert f"worker_{index}/step-5\n" in run.output(index)
            assert run.output(index).splitlines()[-1].endswith("run the same command to resume.")
    assert steps(work_dir, 0) == steps(work_dir, 1)

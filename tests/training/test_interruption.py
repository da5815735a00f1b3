"""Signals, sent to real processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from attention_ocr.training.interruption import Interruption, StoppedError
from tests import tiny
from tests.processes import Processes, newest_step, receiving_ctrl_c
from tests.training.test_kill_and_resume import NETWORK

REPOSITORY = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without a signal")
WORK = """
import signal, sys, time
from attention_ocr.training.interruption import Interruption
with Interruption() as interruption, interruption.deferred():
    print("working", flush=True)
    while not interruption.number:
        time.sleep(0.01)
    print("told", signal.Signals(interruption.number).name, flush=True)
    time.sleep(100)
"""


@posix
def test_a_second_ctrl_c_ends_the_process_at_once():
    with receiving_ctrl_c():
        process = subprocess.Popen(
            [sys.executable, "-c", WORK],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    try:
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "told SIGINT\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    # 130 in a shell.
    assert process.returncode == -signal.SIGINT
    assert errors == ""


@posix
def test_before_there_is_anything_to_save_a_signal_ends_the_run_at_once():
    message = "stopped by SIGTERM between steps; run the same command to resume"
    with pytest.raises(StoppedError, match=message) as stopped, Interruption():
        os.kill(os.getpid(), signal.SIGTERM)
    assert stopped.value.status == 143


@posix
def test_handlers_are_restored():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interruption() as interruption, interruption.deferred():
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.number == signal.SIGTERM
        with pytest.raises(StoppedError):
            list(interruption.watching([1, 2]))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@posix
def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interruption.number
    finally:
        signal.signal(signal.SIGHUP, before)


@posix
@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_writes_a_checkpoint_and_says_how_to_resume(number, status, tmp_path):
    labels = tiny.write_label_file(tmp_path / "words", ["cab", "abc", "b0", "a1", "10"])
    settings = {**tiny.SETTINGS, **NETWORK, "train_data": str(labels), "batch_size": 2}
    settings |= {"steps": 100_000, "checkpoint_every": 5, "eval_every": 100_000}
    with Processes(settings, tmp_path / "run") as run:
        run.wait_for_checkpoint()
        run.tell(number)
        assert run.end() == [status], run.outputs()
        lines = run.output().splitlines()
    step = newest_step(tmp_path / "run")
    said = f"train.py: stopped by {signal.Signals(number).name} after step {step}, of which "
    assert lines[-1].startswith(said), lines[-1]
    assert lines[-1].endswith("run the same command to resume.")
    assert "Traceback" not in "\n".join(lines)
    assert not list((tmp_path / "run").glob("*.lock"))
    with Processes({**settings, "steps": step + 1}, tmp_path / "run") as run:
        run.end_well()
        assert f"resuming from {tmp_path / 'run/checkpoints/worker_0'}/step-{step}" in run.output()

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from attention_ocr.training import run_lock
from attention_ocr.training.run_lock import LIFELESS_S, LOCK_FILE, RunLock

REPOSITORY = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
from attention_ocr.training.run_lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def other_process(tmp_path):
    """A live process that holds the lock of `tmp_path`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        text=True,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def try_to_hold(work_dir: Path, worker: int = 0) -> None:
    with RunLock(work_dir, worker):
        assert list(work_dir.glob(f"*{LOCK_FILE}"))


def test_a_directory_is_free_again_after_its_run(tmp_path):
    try_to_hold(tmp_path)
    assert not list(tmp_path.iterdir())
    try_to_hold(tmp_path)


def test_a_directory_in_use_by_another_process_is_refused_with_host_and_process(
    other_process, tmp_path
):
    message = rf"in use by another run, process {other_process.pid} on .*delete .*{LOCK_FILE}"
    with pytest.raises(ValueError, match=message):
        try_to_hold(tmp_path)
    # The holder keeps the lock.
    assert json.loads((tmp_path / LOCK_FILE).read_text("utf-8"))["process"] == other_process.pid


def test_a_directory_in_use_by_this_process_is_refused(tmp_path):
    with RunLock(tmp_path), pytest.raises(ValueError, match=f"process {os.getpid()} on"):
        try_to_hold(tmp_path)


def test_the_lock_of_a_killed_process_is_taken_over_even_before_it_is_reaped(
    other_process, tmp_path
):
    other_process.kill()
    deadline = time.monotonic() + 60
    while True:
        try:
            try_to_hold(tmp_path)
        except ValueError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            break


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"host": "HERE", "process": 1, "started": "long ago"}']
)
def test_a_lock_without_a_live_process_is_taken_over(content, tmp_path):
    host = run_lock.identity()["host"]
    if "HERE" in content and not run_lock.start_of(1):
        pytest.skip("the system does not report when a process started")
    (tmp_path / LOCK_FILE).write_text(content.replace("HERE", host), encoding="utf-8")
    try_to_hold(tmp_path)


def test_a_run_on_another_machine_counts_while_it_sends_heartbeats(tmp_path):
    path = tmp_path / LOCK_FILE
    path.write_text('{"host": "elsewhere", "process": 1, "started": ""}', encoding="utf-8")
    with pytest.raises(ValueError, match="process 1 on elsewhere"):
        try_to_hold(tmp_path)
    long_ago = time.time() - LIFELESS_S - 60
    os.utime(path, (long_ago, long_ago))
    try_to_hold(tmp_path)


def test_a_run_sends_heartbeats(tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, "HEARTBEAT_S", 0.01)
    path = tmp_path / LOCK_FILE
    with RunLock(tmp_path):
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 60
        while path.stat().st_mtime == 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_the_workers_of_one_run_share_the_directory(tmp_path):
    with RunLock(tmp_path, 0):
        try_to_hold(tmp_path, 1)


def test_it_also_works_without_locks_of_the_operating_system(other_process, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(ValueError, match="in use by another run"):
        try_to_hold(tmp_path)
    other_process.kill()
    other_process.wait()
    try_to_hold(tmp_path)


def test_a_lock_taken_by_another_process_is_not_released(tmp_path):
    theirs = '{"host": "elsewhere", "process": 1, "started": ""}'
    with RunLock(tmp_path):
        (tmp_path / LOCK_FILE).write_text(theirs, encoding="utf-8")
    assert (tmp_path / LOCK_FILE).read_text(encoding="utf-8") == theirs

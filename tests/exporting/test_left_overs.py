"""What an export that was killed leaves, and the next one clears."""

import os
import socket
import subprocess
import sys
import time

import pytest

from attention_ocr.exporting.export import _clear_left_overs


@pytest.fixture
def ended_process():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def leave(folder, name):
    path = folder / name
    (path / "model").mkdir(parents=True)
    (path / "model/saved_model.pb").write_bytes(b"half")
    return path


def test_left_overs_of_killed_exports_are_cleared_and_live_ones_are_not(tmp_path, ended_process):
    host = socket.gethostname()
    version = leave(tmp_path, "1")
    dead = leave(tmp_path, f".unfinished-{host}.{ended_process}.ab_c1")
    of_an_earlier_release = leave(tmp_path, ".unfinished-q2w_e3r4")
    live = leave(tmp_path, f".unfinished-{host}.{os.getpid()}.abc")
    elsewhere = leave(tmp_path, ".unfinished-other.host.example.17.abc")
    _clear_left_overs(tmp_path)
    assert not dead.exists()
    assert not of_an_earlier_release.exists()
    assert live.exists()
    assert elsewhere.exists()
    assert version.exists()


def test_what_nobody_has_touched_for_days_is_cleared_whoever_left_it(tmp_path):
    path = leave(tmp_path, ".unfinished-other.host.example.17.abc")
    days_ago = time.time() - 3 * 86_400
    os.utime(path, (days_ago, days_ago))
    _clear_left_overs(tmp_path)
    assert not path.exists()

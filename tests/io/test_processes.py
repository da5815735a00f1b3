import os
import subprocess
import sys

import pytest

from attention_ocr.io.processes import is_running, start_of


def test_a_process_runs_until_it_has_ended():
    code = "input()"
    with subprocess.Popen([sys.executable, "-S", "-c", code], stdin=subprocess.PIPE) as process:
        assert is_running(process.pid)
        process.stdin.close()
        if os.name == "posix":
            # Ended, but not yet collected: a zombie.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            assert not is_running(process.pid)
        process.wait()
        assert not is_running(process.pid)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")
def test_the_start_tells_two_processes_of_one_number_apart():
    own = start_of(os.getpid())
    assert own.isdecimal()
    assert start_of(os.getpid()) == own
    assert int(start_of(1)) < int(own)
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        assert int(start_of(process.pid)) >= int(own)
    assert start_of(process.pid) == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")
def test_a_name_with_spaces_and_parentheses_hides_nothing(tmp_path):
    program = tmp_path / "a) Z (b"
    program.symlink_to(sys.executable)
    environment = {**os.environ, "PYTHONHOME": sys.base_prefix}
    with subprocess.Popen(
        [str(program), "-S", "-c", "input()"], stdin=subprocess.PIPE, env=environment
    ) as process:
        try:
            assert is_running(process.pid)
            assert start_of(process.pid).isdecimal()
        finally:
            process.stdin.close()
            process.wait()

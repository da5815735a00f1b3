"""Readers of other environments are kept ready, asked image by image, and ended."""

import sys
from pathlib import Path

import pytest

from benchmarks import engines, measure

ANSWERS = """
import json, sys
print(json.dumps({"cpu_ms": 1000.0, "text": "ready"}), file=sys.stderr)
for line in sys.stdin:
    print(json.dumps({"text": line.strip(), "cpu_ms": 2.5 if "a" in line else 7.5}), flush=True)
"""
PATHS = [Path("a.png"), Path("b.png"), Path("a2.png")]


@pytest.fixture(autouse=True)
def _peer(tmp_path, monkeypatch):
    script = tmp_path / "read.py"
    script.write_text(ANSWERS, encoding="utf-8")
    monkeypatch.setattr(engines, "READ", script)


def test_the_time_of_a_peer_is_what_it_states_for_its_images():
    with engines.peer_process("some", sys.executable, [Path("/x/a"), Path("/x/b")]) as ask:
        first, second = ask(), ask()
    assert first.cpu_s == pytest.approx(0.01)
    assert second.cpu_s == pytest.approx(0.01)
    assert first.wall_s > 0.0
    assert first.peak_mb is None


def test_a_peer_ends_with_its_block_also_after_an_error(monkeypatch):
    processes = []
    popen = engines.subprocess.Popen

    def started(*args, **options):
        processes.append(popen(*args, **options))
        return processes[-1]

    monkeypatch.setattr(engines.subprocess, "Popen", started)
    with (
        pytest.raises(RuntimeError, match="in the block"),
        engines.peer_process("some", sys.executable, PATHS),
    ):
        raise RuntimeError("in the block")
    (process,) = processes
    assert process.returncode is not None
    process.stdin.close()
    process.stdout.close()


def test_speed_is_relative_to_the_saved_model():
    def reader(cpu_s):
        return lambda: measure.Sample(cpu_s, 2 * cpu_s, 100.0)

    work = {"saved_model": reader(0.4), "litert": reader(0.1)}
    rows = engines.rows_of(work, 8, 20, 2)
    assert [row["reader"] for row in rows] == ["saved_model", "litert"]
    assert [row["times faster"] for row in rows] == pytest.approx([1.0, 4.0])
    assert [row["images/s"] for row in rows] == pytest.approx([25.0, 100.0])
    assert {row["batch"] for row in rows} == {8}
    assert rows[1]["CPU ms"] == pytest.approx(5.0)

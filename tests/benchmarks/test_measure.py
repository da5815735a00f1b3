import json
import time

import pytest

from benchmarks import measure


def spin() -> None:
    sum(index * index for index in range(20_000))


def test_work_is_done_in_turn_once_before_and_once_a_round():
    calls = []
    work = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    measure.measure_alternating(work, units=1, rounds=3)
    assert calls == ["a", "b"] + ["a", "b"] * 3


def test_times_are_for_one_unit():
    whole = measure.measure_alternating({"spin": spin}, units=1, rounds=9)["spin"]
    tenth = measure.measure_alternating({"spin": spin}, units=1000, rounds=9)["spin"]
    assert whole.cpu_ms > 10 * tenth.cpu_ms > 0


def test_waiting_takes_wall_time_and_no_cpu_time():
    times = measure.measure_alternating({"wait": lambda: time.sleep(0.05)}, units=1, rounds=1)
    assert times["wait"].wall_ms >= 49
    assert times["wait"].cpu_ms < 40


def test_resident_memory_grows_with_what_is_held():
    before = measure.resident_mb()
    held = bytearray(b"x" * 50_000_000)
    assert measure.resident_mb() > before + 30 or measure.peak_mb() > 50
    assert len(held) == 50_000_000
    assert measure.peak_mb() >= 50


def test_the_table_and_the_json_hold_the_same_rows(tmp_path, capsys):
    rows = [{"model": "compact", "CPU ms": 1.234}, {"model": "vgg", "CPU ms": 56.0}]
    measure.report(rows, tmp_path / "rows.json")
    assert json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))["rows"] == rows
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["model", "CPU", "ms"],
        ["compact", "1.23"],
        ["vgg", "56.00"],
    ]


def test_a_number_that_is_none_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["x", "--rounds=many"])
    with pytest.raises(SystemExit):
        measure.parse_arguments("x", rounds=3)
    assert "many" in capsys.readouterr().err

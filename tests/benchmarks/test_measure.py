"""Measurements are taken in a fair order and reported readably."""

import itertools
import json

import pytest

from benchmarks import measure


@pytest.fixture
def clock(monkeypatch):
    """A processor clock that work advances by hand."""

    class Clock:
        now_s = 0.0

        def work(self, seconds):
            self.now_s += seconds

    fake = Clock()
    monkeypatch.setattr(measure.time, "process_time", lambda: fake.now_s)
    return fake


def test_a_pair_is_timed_item_by_item_and_each_way_is_first_as_often(clock):
    calls = []

    def way(name, seconds):
        def run(item):
            calls.append((name, item))
            clock.work(seconds)

        return run

    found = measure.time_pair(way("a", 0.003), way("b", 0.002), 4, 3)
    assert found == pytest.approx({"CPU ms": 3.0, "beside ms": 2.0, "ratio": 1.5})
    # Three rounds, and one that does not count.
    assert len(calls) == 2 * 4 * 4
    pairs = list(zip(calls[::2], calls[1::2], strict=True))
    assert all(one[1] == other[1] and one[0] != other[0] for one, other in pairs)
    firsts = [one[0] for one, _ in pairs]
    assert firsts.count("a") == firsts.count("b")
    # The order of an item changes from round to round.
    assert all(one != other for one, other in itertools.pairwise(firsts[::4]))


def test_items_may_be_done_in_a_row_one_way_before_the_other(clock):
    calls = []

    def way(name):
        def run(item):
            calls.append((name, item))
            clock.work(0.001)

        return run

    measure.time_pair(way("a"), way("b"), 3, 1, run_length=2)
    rounds = ["b0", "b1", "a0", "a1", "a2", "b2"], ["a0", "a1", "b0", "b1", "b2", "a2"]
    assert [f"{name}{item}" for name, item in calls] == [*rounds[0], *rounds[1]]


def test_the_first_round_of_a_pair_does_not_count(clock):
    seen = set()

    def slow_at_first(item):
        clock.work(0.001 if item in seen else 5.0)
        seen.add(item)

    found = measure.time_pair(slow_at_first, lambda _: clock.work(0.001), 3, 1)
    assert found["ratio"] == pytest.approx(1.0)


def test_medians_of_a_pair_ignore_an_outlier(clock):
    durations = itertools.chain([0.001] * 6, [9.0], itertools.repeat(0.001))
    found = measure.time_pair(
        lambda _: clock.work(next(durations)), lambda _: clock.work(0.001), 5, 2
    )
    assert found["CPU ms"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("value", "cell"),
    [(1.0, "1.00"), (999.994, "999.99"), (1000.0, "1000"), (7, "7"), (None, "-"), ("x", "x")],
)
def test_cells_have_the_digits_that_matter(value, cell, capsys):
    measure.report([{"column": value}], None)
    assert capsys.readouterr().out.splitlines()[1].strip() == cell


def test_numbers_are_aligned_at_the_right_and_names_at_the_left(capsys):
    measure.report([{"name": "a", "count": 5}, {"name": "long", "count": 12345}], None)
    header, first, second, _ = capsys.readouterr().out.splitlines()
    assert header == "name  count"
    assert first == "a         5"
    assert second == "long  12345"


def test_the_figures_are_written_to_a_file_only_when_asked(tmp_path, capsys):
    args = measure.make_parser("What it measures.").parse_args([])
    assert args.json is None
    path = tmp_path / "figures.json"
    args = measure.make_parser("What it measures.").parse_args([f"--json={path}"])
    measure.report([{"a": 1.23456}], args.json)
    # The table is rounded, the file is not.
    assert json.loads(path.read_text("utf-8"))["rows"] == [{"a": 1.23456}]
    assert "1.23" in capsys.readouterr().out

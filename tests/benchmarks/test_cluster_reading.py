"""Nodes of `benchmarks.cluster_reading`, and how their throughput is compared."""

from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import cluster_reading, measure
from benchmarks.cluster_reading import make_crops


def test_crops_are_small_images_and_one_damaged_file():
    *crops, damaged = make_crops(5)
    assert [crop.key for crop in crops] == [f"{index}.png" for index in range(5)]
    for crop in crops:
        image = cv2.imdecode(np.frombuffer(crop.encoded, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (24, 32, 3)
        assert 0 < (image < 128).sum() < 500
    assert len({crop.encoded for crop in crops}) == 5
    assert cv2.imdecode(np.frombuffer(damaged.encoded, np.uint8), cv2.IMREAD_COLOR) is None


def test_a_node_reads_a_shard_and_removes_its_files():
    node = cluster_reading.Node(4)
    folder = Path(node._folder.name)
    assert node() == 4
    assert [path for path in folder.rglob("*.jsonl*") if path.is_file()] == []
    assert node() == 4
    node._folder.cleanup()


class ScriptedNode:
    def __init__(self, size):
        self.size = size

    def __call__(self):
        return self.size


def test_memory_is_reported_after_each_shard_until_all_are_read(monkeypatch, capsys):
    monkeypatch.setattr(cluster_reading, "Node", ScriptedNode)
    monkeypatch.setattr(measure, "resident_mb", lambda: 50.0)
    rows = cluster_reading.measure_memory(25, 10, 1e9)
    assert [row["readings"] for row in rows] == [10, 20, 30]
    assert {row["MB"] for row in rows} == {50.0}
    assert capsys.readouterr().err.splitlines()[0] == "10 readings: 50.0 MB"


def test_the_limit_of_time_ends_the_measurement(monkeypatch):
    monkeypatch.setattr(cluster_reading, "Node", ScriptedNode)
    monkeypatch.setattr(measure, "resident_mb", lambda: 50.0)
    assert cluster_reading.measure_memory(10**9, 1, 0.0) == []


@pytest.mark.parametrize("rounds", [1, 4])
def test_several_processes_are_compared_with_one_in_either_order(monkeypatch, rounds):
    clock = {"s": 0.0, "running": 0}
    sizes = []

    @contextmanager
    def own_process(make):
        assert make.args == (10,)

        def work():
            # Perfect scaling: a shard takes a second however many processes read.
            return measure.Sample(1.0, 1.0, None)

        yield work

    def perf_counter():
        clock["s"] += 0.5
        return clock["s"]

    class Threads:
        def __init__(self, count):
            assert count == 3

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def map(self, call, works):
            sizes.append(len(works))
            return [call(work) for work in works]

    monkeypatch.setattr(measure, "own_process", own_process)
    monkeypatch.setattr(cluster_reading, "ThreadPoolExecutor", Threads)
    monkeypatch.setattr(cluster_reading.time, "perf_counter", perf_counter)
    one, several = cluster_reading.measure_throughput(3, 10, rounds)
    ratios = ("ratio", "lowest ratio", "highest ratio", "of CPU time")
    assert (one["processes"], one["images per s"]) == (1, pytest.approx(20))
    assert (several["processes"], several["images per s"]) == (3, pytest.approx(60))
    assert [one[name] for name in ratios] == pytest.approx([1.0] * 4)
    assert [several[name] for name in ratios] == pytest.approx([3.0] * 4)
    # One round to warm up; then the order alternates.
    assert sizes[:4] == [3, 1, 1, 3]
    assert len(sizes) == 2 * (1 + rounds)

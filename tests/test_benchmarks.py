import itertools
import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from benchmarks import measure

ROOT = Path(__file__).parent.parent
SMALLEST = [
    pytest.param("looks", "--count 20", 13),
    pytest.param(
        "training_step",
        "--models compact --precisions float32 --batch_size 2 --batches 1 --rounds 1",
        1,
        marks=pytest.mark.slow,
    ),
    pytest.param("decoding", "--batch_sizes 1 --rounds 1 --words 500", 10, marks=pytest.mark.slow),
    pytest.param("reading", "--batch_sizes 2 --images 2 --rounds 1", 2, marks=pytest.mark.slow),
    pytest.param("saliency", "--words EXIT", 5, marks=pytest.mark.slow),
    pytest.param("folder", "--images 20", 3, marks=pytest.mark.slow),
    pytest.param(
        "input_pipeline",
        "--sources records --images 64 --batches 1 --rounds 1",
        1,
        marks=pytest.mark.slow,
    ),
    pytest.param(
        "augmentation",
        "--policies default jpeg --batch_size 2 --batches 1 --rounds 1",
        2,
        marks=pytest.mark.slow,
    ),
    pytest.param("fuzz", "--count 200", 1, marks=pytest.mark.slow),
    pytest.param(
        "serving",
        "--clients 2 --requests 8 --images 4 --interfaces gRPC REST --batching true",
        3,
        marks=pytest.mark.slow,
    ),
    pytest.param("serving", "--overload --requests 4 --images 2", 3, marks=pytest.mark.slow),
    pytest.param(
        "cluster_reading",
        "--measure memory --readings 200 --shard_size 100",
        2,
        marks=pytest.mark.slow,
    ),
    pytest.param(
        "cluster_reading",
        "--measure throughput --workers 2 --shard_size 100 --rounds 2",
        2,
        marks=pytest.mark.slow,
    ),
    pytest.param("inspection", "--records 300", 2, marks=pytest.mark.slow),
    pytest.param("input_pipeline", "--records 800 --batches 4", 2 * 5, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "options", "num_rows"), SMALLEST)
def test_a_benchmark_prints_a_table_and_writes_json(name, options, num_rows, tmp_path):
    path = tmp_path / "figures.json"
    result = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *options.split(), f"--json={path}"],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    assert len(rows) == num_rows
    # Some print a second table.
    tables = [json.loads(file.read_text(encoding="utf-8")) for file in tmp_path.glob("*.json")]
    num_lines = sum(1 + len(table["rows"]) + 1 for table in tables)
    assert len(result.stdout.splitlines()) == num_lines
    for row in itertools.chain.from_iterable(table["rows"] for table in tables):
        figures = {key: value for key, value in row.items() if isinstance(value, float)}
        assert figures
        assert min(figures.values()) > 0.0
        if "lowest" in row:
            assert row["lowest"] <= row["CPU ms"] <= row["highest"]


def test_work_is_timed_alternately_after_a_warm_up_call():
    calls = []

    def work(name: str, cpu_s: float) -> measure.Sample:
        calls.append(name)
        return measure.Sample(cpu_s * len(calls), 2.0, 300.0)

    times = measure.time_alternately(
        {name: partial(work, name, cpu_s) for name, cpu_s in (("a", 0.1), ("b", 1.0))}, 10, 3
    )
    assert calls == ["a", "b"] * 4
    # The third, fifth and seventh call took 0.3, 0.5 and 0.7 seconds for ten units.
    assert times["a"] == pytest.approx(
        {"CPU ms": 50.0, "lowest": 30.0, "highest": 70.0, "wall ms": 200.0, "peak MB": 300.0}
    )
    assert times["b"]["CPU ms"] == pytest.approx(600.0)


def test_a_sample_holds_the_time_of_the_call_and_the_peak_of_the_process():
    asleep = measure.take_sample(lambda: time.sleep(0.05))
    assert asleep.wall_s >= 0.05 > asleep.cpu_s
    busy = measure.take_sample(lambda: sum(range(1_000_000)))
    assert busy.cpu_s > 0.0
    if busy.peak_mb is not None and measure.resident_mb() is not None:
        assert busy.peak_mb >= 0.9 * measure.resident_mb() > 10.0


def make_list(length: int) -> partial:
    numbers: list[int] = []
    return partial(numbers.extend, range(length))


def test_work_in_a_separate_process_keeps_its_state_there():
    with measure.own_process(partial(make_list, 5)) as work:
        samples = [work(), work()]
    assert samples[1].wall_s > 0.0
    if samples[0].peak_mb is not None:
        assert samples[1].peak_mb >= samples[0].peak_mb > 0.0


def test_a_report_is_a_table_with_the_machine_below_and_the_same_as_json(tmp_path, capsys):
    rows = [
        {"model": "compact", "CPU ms": 4.5, "peak MB": None},
        {"model": "vgg", "CPU ms": 1234.5, "peak MB": None},
    ]
    measure.report(rows, tmp_path / "figures.json")
    table = capsys.readouterr().out.splitlines()
    assert table[:3] == [
        "model    CPU ms  peak MB",
        "compact    4.50  -",
        "vgg        1234  -",
    ]
    assert table[3].startswith("processor ")
    document = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert document["rows"] == rows
    assert document["machine"]["cores"] == os.cpu_count()

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments", "num_rows"),
    [
        ("decoding", ["--rounds=1"], 6),
        ("input_pipeline", ["--rounds=1", "--batches=1"], 3),
        ("input_pipeline", ["--records=1600", "--batches=4"], 10),
        ("reading", ["--rounds=1", "--images=2"], 4),
        ("training_step", ["--rounds=1", "--batches=1", "--batch_size=2", "--models=compact,"], 3),
    ],
)
def test_a_benchmark_writes_its_rows(tmp_path, name, arguments, num_rows):
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", f"benchmarks.{name}", f"--json={file}", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert len(rows) == num_rows
    for row in rows:
        assert all(value > 0 for value in row.values() if isinstance(value, int | float))

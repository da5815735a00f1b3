"""examples/sweep: settings in, a table out."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiny

pytest.importorskip("optuna", reason="pip install optuna")
SWEEP = Path(__file__).parents[2] / "examples/sweep/sweep.py"

pytestmark = pytest.mark.slow


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SWEEP), *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=SWEEP.parents[2],
    )  # fmt: skip


def test_a_sweep_ends_with_a_table_and_continues(tmp_path):
    words = tiny.write_label_file(tmp_path / "words", ["a", "b0", "c1", "ab", "01"])
    fixed = [
        f"--{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in (tiny.SETTINGS | {"steps": 2, "warmup_steps": 0}).items()
        if name not in ("train_data", "eval_data")
    ]
    vary = ("--vary", "learning_rate=0.001..0.01", "decoder_units=8,16")
    data = (f"--train_data={words}", f"--eval_data={words}")
    for trials in (1, 2):
        result = run(f"--out_dir={tmp_path}/out", f"--trials={trials}", *vary, *fixed, *data)
        assert result.returncode == 0, result.stderr
        table = result.stdout[result.stdout.index("exact match  CER") :].splitlines()
        assert len(table) == trials + 1
    assert table[0].split()[2:5] == ["CER", "decoder_units", "learning_rate"]
    assert (tmp_path / "out/trial-1/weights.npz").is_file()


def test_a_value_that_is_no_range_is_named(tmp_path):
    result = run(f"--out_dir={tmp_path}", "--vary", "learning_rate=a..b")
    assert result.returncode == 1
    assert "Expected two numbers above 0. Received: learning_rate=a..b" in result.stderr

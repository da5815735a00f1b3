"""A run that is killed and started again ends where an undisturbed one ends."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from attention_ocr.work_directory import WEIGHTS_FILE
from tests import tiny

REPOSITORY = Path(__file__).parents[1]
STEPS = 24
CHECKPOINTS = "checkpoints/worker_0"
TEXTS = ["cab", "abc", "b0", "a1", "10", "cc2", "ab3c", "aaa", "3b", "c", "0123"]


@pytest.fixture
def command(tmp_path):
    """The command of a run, without its directory."""
    labels = tiny.write_label_file(tmp_path / "words", TEXTS)
    settings = tiny.SETTINGS | {
        "train_data": str(labels),
        "batch_size": 3,
        "bucket_lengths": "2",
        "bucket_widths": "",
        "dropout": 0.2,
        "steps": STEPS,
        "checkpoint_every": 2,
        "eval_every": 2,
        "deterministic": True,
    }
    flags = [f"--{name}={value}" for name, value in settings.items()]
    return [sys.executable, "train.py", *flags]


def start(command: list[str], work_dir: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, f"--work_dir={work_dir}"],
        cwd=REPOSITORY,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def run_to_the_end(command: list[str], work_dir: Path) -> str:
    process = start(command, work_dir)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def checkpoints(work_dir: Path) -> set[int]:
    indices = (work_dir / CHECKPOINTS).glob("step-*.index")
    return {int(path.stem.removeprefix("step-")) for path in indices}


def kill_after_a_checkpoint(command: list[str], work_dir: Path) -> None:
    process = start(command, work_dir)
    try:
        deadline = time.monotonic() + 300
        while not checkpoints(work_dir):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode != 0
    assert 0 < max(checkpoints(work_dir)) < STEPS


@pytest.mark.slow
def test_a_killed_run_ends_with_the_weights_of_an_undisturbed_one_bit_for_bit(command, tmp_path):
    run_to_the_end(command, tmp_path / "undisturbed")
    kill_after_a_checkpoint(command, tmp_path / "killed")
    output = run_to_the_end(command, tmp_path / "killed")
    assert "going on from" in output
    with (
        np.load(tmp_path / "undisturbed" / WEIGHTS_FILE) as expected,
        np.load(tmp_path / "killed" / WEIGHTS_FILE) as weights,
    ):
        assert weights.files == expected.files
        for name in expected.files:
            np.testing.assert_array_equal(weights[name], expected[name], err_msg=name)

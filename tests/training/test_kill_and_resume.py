"""Killed and resumed runs end with the same state as undisturbed ones, bit-exactly."""

import logging
import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.inference.work_directory import WEIGHTS_FILE
from tests import tiny
from tests.processes import Processes, newest_step

log = logging.getLogger(__name__)
TEXTS = ["cab", "abc", "b0", "a1", "10", "cc2", "ab3c", "aaa", "3b", "c", "0123"]
# A network that is built quickly, as every process builds it.
NETWORK = {
    "attention_weight": 0.0,
    "ctc_weight": 1.0,
    "decoding": "ctc",
    "sequence_layers": 0,
    "encoder_depth": 0.25,
}


def settings_of(folder: Path, **values: Any) -> dict[str, Any]:
    labels = tiny.write_label_file(folder / "words", TEXTS)
    own = {
        "train_data": str(labels),
        "eval_data": str(labels),
        "batch_size": 4,
        "bucket_lengths": "2",
        "bucket_widths": "",
        "dropout": 0.2,
        "checkpoint_every": 2,
        "deterministic": True,
    }
    return {**tiny.SETTINGS, **own, **values}


def state_at(work_dir: Path, step: int) -> dict[str, np.ndarray]:
    """Return the variables of a checkpoint: weights, averages, optimiser, progress."""
    reader = tf.train.load_checkpoint(str(work_dir / f"checkpoints/worker_0/step-{step}"))
    names = [name for name in reader.get_variable_to_shape_map() if name.endswith("_VALUE")]
    return {name: reader.get_tensor(name) for name in names if "save_counter" not in name}


def assert_same_end(first: Path, second: Path, step: int) -> None:
    with np.load(first / WEIGHTS_FILE) as expected, np.load(second / WEIGHTS_FILE) as weights:
        assert weights.files == expected.files
        for name in expected.files:
            np.testing.assert_array_equal(weights[name], expected[name], err_msg=name)
    states = state_at(first, step), state_at(second, step)
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        np.testing.assert_array_equal(states[1][name], value, err_msg=name)


def run_and_kill(
    settings: dict[str, Any], work_dir: Path, count: int, chance: random.Random, startup_s: float
) -> bool:
    """Start a run and kill it at some moment; return whether it was still running."""
    with Processes(settings, work_dir, count) as run:
        if chance.random() < 0.2:
            # While it starts or resumes. A worker would wait long for one that never starts.
            time.sleep(chance.uniform(0.0, startup_s))
            victims = list(range(count))
        else:
            run.wait_for_checkpoint(newest_step(work_dir))
            time.sleep(chance.uniform(0.0, 0.5))
            victims = chance.choice([list(range(count)), *([index] for index in range(count))])
        if run.have_ended():
            assert run.end() == [0] * count, run.outputs()
            return False
        run.kill(victims)
        # A worker that loses another one also ends, and says what to do if it still can.
        assert all(process.returncode for process in run.popen), run.outputs()
        assert "Traceback" not in run.outputs()
    return True


@pytest.mark.parametrize(
    ("count", "num_kills", "steps"),
    [
        pytest.param(1, 2, 24, id="few kills"),
        pytest.param(1, 20, 600, id="one process", marks=pytest.mark.slow),
        pytest.param(2, 20, 600, id="two processes", marks=pytest.mark.slow),
    ],
)
def test_a_run_killed_at_random_moments_ends_like_an_undisturbed_one(
    count, num_kills, steps, tmp_path, caplog
):
    caplog.set_level(logging.INFO)
    seed = int(os.environ.get("ATTENTION_OCR_KILL_SEED", time.time_ns() % 10**6))
    log.info("ATTENTION_OCR_KILL_SEED=%d", seed)
    chance = random.Random(seed)
    network = {} if num_kills < 20 else NETWORK
    settings = settings_of(tmp_path, **network, steps=steps, eval_every=steps // 3)
    killed = tmp_path / "killed"
    start = time.monotonic()
    with Processes(settings, tmp_path / "undisturbed", count) as run:
        run.wait_for_checkpoint()
        startup_s = time.monotonic() - start
        run.end_well()
    done = 0
    while done < num_kills and run_and_kill(settings, killed, count, chance, startup_s):
        done += 1
        log.info("kill %d at step %d", done, newest_step(killed))
    assert done >= min(num_kills, 20 if num_kills >= 20 else 1)
    newest = newest_step(killed)
    with Processes(settings, killed, count) as run:
        run.end_well()
        assert ("resuming from" in run.output()) == (newest > 0)
    assert_same_end(tmp_path / "undisturbed", killed, steps)

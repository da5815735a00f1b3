"""Training on several hosts, each a network namespace: losses, cuts, stragglers, other counts."""

import logging
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.networks import Network, network
from tests.processes import Processes, newest_step
from tests.training.test_kill_and_resume import NETWORK, assert_same_end, settings_of

pytestmark = pytest.mark.slow
log = logging.getLogger(__name__)


def scalars(work_dir: Path, name: str, worker: int = 0) -> dict[int, float]:
    """Return all values of a scalar by step."""
    folder = str(work_dir / f"events/worker_{worker}")
    events = EventAccumulator(folder, size_guidance={"tensors": 0}).Reload().Tensors(name)
    return {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in events}


def losses(work_dir: Path, worker: int = 0) -> dict[int, float]:
    return scalars(work_dir, "training/loss", worker)


def scores(work_dir: Path, worker: int) -> dict[int, float]:
    return scalars(work_dir, "validation/exact_match", worker)


@pytest.mark.parametrize("count", [2, 4])
def test_several_hosts_have_the_loss_curve_of_one_with_the_same_batch(tmp_path, count):
    settings = settings_of(
        tmp_path,
        **NETWORK | {"sequence_layers": 1},
        # Batch statistics are those of each worker's own images; frozen layers have none.
        freeze="encoder",
        steps=20,
        eval_every=10,
        summary_every=1,
        dropout=0.0,
        bucket_lengths="",
        batch_size=8,
    )
    with Processes(settings, tmp_path / "one") as run:
        run.end_well()
    with network(count) as net, Processes(settings, tmp_path / "several", count, net) as run:
        run.end_well()
    expected = losses(tmp_path / "one")
    assert len(expected) == 20
    found = losses(tmp_path / "several")
    assert found.keys() == expected.keys()
    # Sums in another order.
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-5)
    for worker in range(1, count):
        assert losses(tmp_path / "several", worker) == found
        assert scores(tmp_path / "several", worker) == scores(tmp_path / "several", 0)
    assert (tmp_path / "several/weights.npz").exists()


@pytest.mark.parametrize("disturbance", ["cut", "pause", "straggler"])
def test_a_host_that_is_cut_off_or_slow_changes_no_weight(tmp_path, disturbance):
    settings = settings_of(tmp_path, **NETWORK, steps=40, eval_every=20)
    with network(2) as net:
        with Processes(settings, tmp_path / "undisturbed", 2, net) as run:
            run.end_well()
        with Processes(settings, tmp_path / "disturbed", 2, net) as run:
            run.wait_for_checkpoint()
            if disturbance == "cut":
                net.plug_out(1)
                time.sleep(60.0)
                net.plug_in(1)
            elif disturbance == "pause":
                # TensorFlow gives up on a worker that is silent for some ten seconds.
                stop(net, 1, 4.0)
            else:
                while not run.have_ended():
                    stop(net, 1, 0.5)
                    time.sleep(0.1)
            statuses = run.end()
            assert "Traceback" not in run.outputs()
        if disturbance == "straggler":
            assert statuses == [0, 0]
        if any(statuses):
            with Processes(settings, tmp_path / "disturbed", 2, net) as run:
                run.end_well()
    assert_same_end(tmp_path / "undisturbed", tmp_path / "disturbed", 40)


def stop(net: Network, host: int, time_s: float) -> None:
    """Stop the processes of a host for a while."""
    pids = net.processes(host)
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGSTOP:
            time.sleep(time_s)


def test_hosts_killed_at_random_moments_end_like_undisturbed_ones(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    num_kills = int(os.environ.get("ATTENTION_OCR_NUM_KILLS", "20"))
    # Some steps are taken before each kill.
    steps = 60 * num_kills
    settings = settings_of(tmp_path, **NETWORK, steps=steps, eval_every=steps // 3)
    chance = random.Random(time.time_ns() % 10**6)
    with network(2) as net:
        with Processes(settings, tmp_path / "undisturbed", 2, net) as run:
            run.end_well()
        killed = tmp_path / "killed"
        for kill in range(1, 1 + num_kills):
            with Processes(settings, killed, 2, net) as run:
                run.wait_for_checkpoint(newest_step(killed))
                time.sleep(chance.uniform(0.0, 0.5))
                assert not run.have_ended(), run.outputs()
                victim = chance.choice([0, 1])
                net.kill_all(victim)
                run.end()
                log.info("kill %d, of host %d, at step %d", kill, victim, newest_step(killed))
                assert "Traceback" not in run.outputs()
        with Processes(settings, killed, 2, net) as run:
            run.end_well()
    assert_same_end(tmp_path / "undisturbed", killed, steps)


def test_another_number_of_hosts_goes_on_from_the_same_place_in_the_data(tmp_path):
    work_dir = tmp_path / "run"
    with network(4) as net:
        for count, steps in ((2, 20), (4, 40), (1, 60)):
            settings = settings_of(tmp_path, **NETWORK, steps=steps, eval_every=20)
            with Processes(settings, work_dir, count, net if count > 1 else None) as run:
                run.end_well()
                before = {2: 0, 4: 80, 1: 160}[count]
                place = f"the training data are read from example {before}"
                assert (place in run.output()) == (before > 0), run.output()
    assert newest_step(work_dir) == 60

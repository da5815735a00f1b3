"""Training that Ray starts: which processes, with which arguments, and when they start again."""

import contextlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from attention_ocr.cli import train
from attention_ocr.cli.main import main
from attention_ocr.cli.train_on_cluster import worker_arguments
from attention_ocr.cluster import engine, training
from attention_ocr.cluster.training import (
    IN_USE,
    LOST_PROCESS,
    Ended,
    TrainingWorker,
    Workers,
    reason_to_restart,
    tf_config,
    train_on_ray,
)
from attention_ocr.io.processes import is_running
from attention_ocr.training import run_lock
from tests.networks import network
from tests.processes import PATIENCE_S, newest_step, receiving_ctrl_c, steps
from tests.training.test_kill_and_resume import NETWORK, assert_same_end, settings_of

DONE = Ended(0, "weights of step 10")
CUT_OFF = Ended(1, "Lost another of the 2 workers (UnavailableError). Start all of them again")
FAILED = Ended(1, "attention-ocr train: Expected a file. Received: none")


def test_each_worker_gets_its_place_among_the_same_addresses():
    addresses = ["10.0.0.1:4001", "10.0.0.2:4002"]
    configs = [json.loads(tf_config(addresses, index)) for index in range(2)]
    assert [config["task"] for config in configs] == [
        {"type": "worker", "index": 0},
        {"type": "worker", "index": 1},
    ]
    assert all(config["cluster"] == {"worker": addresses} for config in configs)


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        ([DONE, DONE], None),
        ([DONE, LOST_PROCESS], "worker 1: its node or process was lost"),
        # Whatever the others say when they lose one.
        ([FAILED, LOST_PROCESS], "worker 1: its node or process was lost"),
        ([CUT_OFF, CUT_OFF], f"worker 0: {CUT_OFF.message}"),
        ([Ended(143, "stopped"), Ended(143, "stopped")], "worker 0: stopped"),
    ],
)
def test_lost_workers_start_again(ended, reason):
    assert reason_to_restart(ended) == reason


def test_an_error_of_a_worker_ends_the_run():
    with pytest.raises(ChildProcessError, match="worker 1: .* Received: none"):
        reason_to_restart([CUT_OFF, FAILED])


def test_the_work_directory_of_a_lost_worker_is_waited_for_and_that_of_another_run_is_not(tmp_path):
    message = run_lock.in_use(tmp_path, tmp_path / "run.lock", {"process": 1, "host": "other"})
    assert IN_USE in message
    with pytest.raises(ChildProcessError, match=IN_USE):
        reason_to_restart([Ended(1, message), CUT_OFF], is_first=True)
    assert reason_to_restart([Ended(1, message), CUT_OFF]) == f"worker 0: {message}"


def test_workers_start_again_until_all_have_finished(monkeypatch):
    groups = iter([[CUT_OFF, LOST_PROCESS], [LOST_PROCESS, CUT_OFF], [DONE, DONE]])
    monkeypatch.setattr(training, "_run_group", lambda *_: next(groups))
    monkeypatch.setattr(training, "_PAUSES_S", (0.0,))
    train_on_ray([], Workers(2))
    assert next(groups, None) is None
    monkeypatch.setattr(training, "_run_group", lambda *_: [LOST_PROCESS])
    with pytest.raises(ChildProcessError, match="Received: 101 losses, the last: worker 0"):
        train_on_ray([], Workers(1))


def test_a_process_gets_its_place_and_its_last_line_is_its_message(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(training, "node_name", lambda: "seven")
    script = tmp_path / "python"
    script.write_text('#!/bin/sh\necho "$TF_CONFIG" "$PWD" "$@"\necho last >&2\nexit 3\n')
    script.chmod(0o755)
    monkeypatch.setattr(training.sys, "executable", str(script))
    end = TrainingWorker().run(["--seed=1"], "{}", str(tmp_path), is_shown=True)
    assert end == (3, "last (on node seven)")
    assert capfd.readouterr().out == f"{{}} {tmp_path} -m attention_ocr train --seed=1\nlast\n"


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux to end the process")
def test_a_process_ends_with_the_process_of_ray_that_started_it(tmp_path):
    script, number = tmp_path / "python", tmp_path / "number"
    script.write_text(
        f"#!/bin/sh\necho $$ > {number}.tmp\nmv {number}.tmp {number}\nexec sleep 300\n"
    )
    script.chmod(0o755)
    code = (
        "import sys\nfrom attention_ocr.cluster.training import TrainingWorker\n"
        f"sys.executable = {str(script)!r}\nTrainingWorker().run([], '{{}}', '/', False)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        deadline = time.monotonic() + PATIENCE_S
        while not number.exists():
            assert parent.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        parent.kill()
    process = int(number.read_text())
    while is_running(process):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_system_without_sigkill_trains_as_well(monkeypatch):
    monkeypatch.delattr(signal, "SIGKILL")
    spec = importlib.util.find_spec(training.__name__)
    there = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(there)
    assert there.reason_to_restart([there.LOST_PROCESS]) == "worker 0: its node or process was lost"


def test_windows_is_not_asked_to_call_a_function_in_the_process(tmp_path, monkeypatch):
    popen = subprocess.Popen

    def popen_of_windows(*arguments, preexec_fn=None, **settings):
        if preexec_fn is not None:
            raise ValueError("preexec_fn is not supported on Windows platforms")
        return popen(*arguments, **settings)

    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho last\n")
    script.chmod(0o755)
    monkeypatch.setattr(training, "node_name", lambda: "seven")
    monkeypatch.setattr(training.subprocess, "Popen", popen_of_windows)
    monkeypatch.setattr(training.sys, "executable", str(script))
    monkeypatch.setattr(training.sys, "platform", "win32")
    assert TrainingWorker().run([], "{}", str(tmp_path), False) == (0, "last (on node seven)")


def test_workers_get_the_flags_of_presets_and_files_but_not_those_of_ray(tmp_path):
    file = tmp_path / "mine.flags"
    file.write_text("--steps=7000\n")
    given = ["--preset=crnn", f"--flagfile={file}", "--work_dir=runs/a b", "--nodeterministic"]
    own = ["--engine=ray", "--num_workers=2", "--worker_gpus=1"]
    values = train.COMMAND.parse("train", [*given, *own])
    arguments = worker_arguments(values)
    assert not [one for one in arguments if one.startswith(("--engine", "--num_w", "--preset"))]
    again = train.COMMAND.parse("train", arguments)
    assert (again.work_dir, again.steps, again.deterministic) == ("runs/a b", 7000, False)
    assert train.config_from_flags(again) == train.config_from_flags(values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num_workers=2"], "--num_workers needs --engine=ray. Received: --engine=local"),
        (["--engine=ray"], "--engine=ray needs --num_workers. Received: none"),
        (["--engine=spark"], "Expected --engine=local, ray or ray://HOST:PORT. Received: spark"),
        (["--engine=ray", "--num_workers=2", "--strategy=mirrored"], "Received: mirrored"),
        (["--engine=ray", "--num_workers=2", "--steps=-1"], "`steps`"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(arguments, message, tmp_path):
    with pytest.raises(SystemExit) as end:
        main(["train", f"--work_dir={tmp_path / 'run'}", "--train_data=none.tsv", *arguments])
    assert message in str(end.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_the_status_of_the_command_whatever_ray_makes_of_it(
    number, tmp_path, monkeypatch, capsys
):
    def wait(*_):
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        except KeyboardInterrupt:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(engine, "RayEngine", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(training, "train_on_ray", wait)
    arguments = [f"--work_dir={tmp_path}", "--train_data=a.tsv", "--engine=ray", "--num_workers=2"]
    with receiving_ctrl_c(), pytest.raises(SystemExit) as end:
        main(["train", *arguments])
    assert end.value.code == 128 + number
    assert f"stopped by {number.name}; run the same" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_whose_node_is_killed_and_that_is_stopped_ends_like_an_undisturbed_one(tmp_path):
    pytest.importorskip("ray")
    from tests.cluster.ray_cluster import RayCluster

    num_steps = 120
    settings = settings_of(tmp_path, **NETWORK, steps=num_steps, eval_every=num_steps // 2)
    del settings["strategy"]
    flags = [
        f"--{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in settings.items()
    ]
    chance = random.Random(time.time_ns() % 10**6)
    num_kills = min(3, int(os.environ.get("ATTENTION_OCR_NUM_KILLS", "3")))
    with network(3) as net, RayCluster(net) as cluster:

        def start(name):
            own = ["--engine=ray", "--num_workers=2", f"--work_dir={tmp_path / name}"]
            return cluster.start(tmp_path / f"{name}.log", "train", *own, *flags)

        def log(name):
            return (tmp_path / f"{name}.log").read_text("utf-8", "replace")

        assert start("whole").wait(PATIENCE_S) == 0, log("whole")
        assert steps(tmp_path / "whole", 0) == steps(tmp_path / "whole", 1)
        process = start("cut")

        def wait_for_checkpoint():
            before, deadline = newest_step(tmp_path / "cut"), time.monotonic() + PATIENCE_S
            while newest_step(tmp_path / "cut") <= before:
                assert process.poll() is None, log("cut")
                assert time.monotonic() < deadline, log("cut")
                time.sleep(0.05)

        try:
            for _ in range(num_kills):
                wait_for_checkpoint()
                victim = chance.choice([1, 2])
                cluster.kill_node(victim)
                cluster.start_node(victim)
            wait_for_checkpoint()
            assert "starting all workers again" in log("cut")
            process.terminate()
            assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM, log("cut")
            assert steps(tmp_path / "cut", 0) == steps(tmp_path / "cut", 1)
            assert newest_step(tmp_path / "cut") < num_steps
            process = start("cut")
            assert process.wait(PATIENCE_S) == 0, log("cut")
        finally:
            process.kill()
            process.wait()
        assert_same_end(tmp_path / "whole", tmp_path / "cut", num_steps)

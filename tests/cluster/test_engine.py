"""A cluster that is not there, or not fit for use, is an error that says so."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import pytest
from PIL import Image

from attention_ocr.cli.main import main
from attention_ocr.cluster import engine as engine_module
from attention_ocr.cluster.address import address_of
from attention_ocr.data.labels import read_labels
from attention_ocr.data.shards import write_shards
from tests.cluster.test_records import write_labels
from tests.networks import network
from tests.processes import free_ports

PATIENCE_S = 180.0


@pytest.fixture
def labels(tmp_path):
    (tmp_path / "words").mkdir()
    for index in range(40):
        Image.effect_noise((200, 60), 90).save(tmp_path / f"words/{index}.png")
    lines = [f"{index}.png\tword{index}\n" for index in range(40)]
    (tmp_path / "words/labels.tsv").write_text("".join(lines), "utf-8")
    return tmp_path / "words/labels.tsv"


@pytest.mark.parametrize("address", ["ray://host", "ray://:1", "ray://host:port"])
def test_a_malformed_address_is_refused(address):
    with pytest.raises(ValueError, match=f"ray://HOST:PORT. Received: '{address}'"):
        address_of(address)


def test_ray_alone_takes_the_address_of_the_environment(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert address_of("ray") is None
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert address_of("ray") == "10.0.0.1:6379"
    assert address_of("ray://10.0.0.2:10001") == "ray://10.0.0.2:10001"


def test_an_unreachable_cluster_is_an_error(labels, tmp_path, capsys):
    pytest.importorskip("ray")
    address = f"ray://127.0.0.1:{free_ports(1)[0]}"
    assert main(["records", str(labels), str(tmp_path / "out"), f"--engine={address}"]) == 1
    assert f"cluster at {address}. Received: Connection refused" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["Python", "ray", "numpy", "attention-ocr"])
def test_a_node_with_other_packages_names_them(name, monkeypatch):
    monkeypatch.setattr(engine_module, "node_name", lambda: "node 7")
    versions = engine_module.versions_here() | {name: "1.0"}
    here = engine_module.versions_here()[name]
    with pytest.raises(ValueError, match=f"Received: {name} {here} instead of 1.0 on node 7"):
        engine_module._call(versions, str, 1)
    assert engine_module._call(engine_module.versions_here(), str, 1) == "1"


def test_a_process_of_a_node_uses_one_thread():
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        assert engine_module._call(engine_module.versions_here(), threads_of_opencv, 0) == 1
    finally:
        cv2.setNumThreads(before)


def threads_of_opencv(_: int) -> int:
    return cv2.getNumThreads()


@pytest.mark.slow
def test_an_unfit_cluster_is_a_clear_error(labels, tmp_path):
    pytest.importorskip("ray")
    from tests.cluster.ray_cluster import RayCluster

    # As a node or a command of another release of Ray or Python would be.
    (tmp_path / "old").mkdir()
    (tmp_path / "old/sitecustomize.py").write_text("import ray\nray.__version__ = '2.0.0'\n")
    (tmp_path / "older").mkdir()
    (tmp_path / "older/sitecustomize.py").write_text(
        "import ray._private.utils as u\n"
        "u.compute_version_info = lambda: (u.ray.__version__, '3.9.0')\n"
    )
    full = tmp_path / "full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", full], check=True)
    try:
        with network(3) as net, RayCluster(net) as cluster:
            records = ["records", labels, "--num_shards=2"]

            def message(out: object, engine: str = "ray", **environment: str) -> str:
                done = subprocess.run(
                    cluster.command(*records, out, f"--engine={engine}"),
                    env=cluster.environment() | environment,
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=PATIENCE_S,
                )
                assert done.returncode == 1, done.stderr
                return done.stderr.splitlines()[-1]

            old = f"{tmp_path / 'old'}:{cluster.environment()['PYTHONPATH']}"
            assert "Ray: 2.0.0" in message(tmp_path / "a", PYTHONPATH=old)
            older = f"{tmp_path / 'older'}:{cluster.environment()['PYTHONPATH']}"
            assert "Python: 3.9.0" in message(tmp_path / "a", PYTHONPATH=older)
            assert "No space left on device" in message(full)
            assert not [*full.glob("*.tfrecord"), *full.rglob("*.tmp")]
            silent = "import socket, time\ns = socket.create_server(('', 7777))\ntime.sleep(900)"
            process = subprocess.Popen([*net.on(0), sys.executable, "-c", silent])
            assert f"cluster at ray://{net.addresses[0]}:7777" in message(
                tmp_path / "b", f"ray://{net.addresses[0]}:7777"
            )
            process.kill()
            process.wait()
            cluster.kill_node(1)
            for path, version in ((old, "2.0.0"), (older, "3.9.0")):
                with pytest.raises(AssertionError, match=version):
                    cluster.start_node(1, PYTHONPATH=path)
            assert not (tmp_path / "a").exists()
    finally:
        subprocess.run(["umount", full], check=True)


def test_a_cluster_that_does_not_answer_is_lost(monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setattr(engine_module, "_ANSWER_LIMIT_S", 0.1)
    engine = engine_module.RayEngine("ray://10.0.0.1:10001")
    answered = threading.Event()
    try:
        with pytest.raises(ConnectionError, match=r"cluster at ray://10.0.0.1:10001 that answers"):
            engine._answer(answered.wait)
    finally:
        answered.set()


def test_answers_of_a_cluster_are_passed_on():
    pytest.importorskip("ray")
    engine = engine_module.RayEngine("ray://10.0.0.1:10001")
    assert engine._answer(lambda: None) is None
    assert engine._answer(lambda: [1]) == [1]
    with pytest.raises(ConnectionError, match="that answers; .* Received: Client is shutting down"):
        engine._answer(lambda: fail(ConnectionError("Client is shutting down.")))
    with pytest.raises(ConnectionError, match="that answers; .* Received: Socket closed"):
        engine._answer(lambda: fail(RpcError()))
    with pytest.raises(TypeError, match="cannot be pickled"):
        engine._answer(lambda: fail(TypeError("cannot be pickled")))


class RpcError(Exception):
    """As gRPC raises it."""

    def details(self) -> str:
        """Return the reason."""
        return "Socket closed"


def fail(error: Exception) -> None:
    raise error


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["ray", "ray://{}:10001"])
def test_a_lost_head_ends_the_command_with_a_clear_error(engine, tmp_path):
    pytest.importorskip("ray")
    from tests.cluster.ray_cluster import RayCluster

    labels = write_labels(tmp_path / "words", 24_000)
    with network(3) as net, RayCluster(net) as cluster:
        # From the outside, or on the host of the head, whose own process is killed.
        host = 0 if engine == "ray" else 1
        flags = (f"--engine={engine.format(net.addresses[0])}", "--num_shards=12")
        log, out = tmp_path / "log", tmp_path / "out"
        process = cluster.start(log, "records", labels, out, *flags, host=host)
        try:
            while not list(out.glob("data.parts/*.tfrecord*")):
                assert process.poll() is None, log.read_text("utf-8", "replace")
                time.sleep(0.05)
            for pid in net.processes(0):
                if "gcs_server" in Path(f"/proc/{pid}/cmdline").read_text("utf-8"):
                    os.kill(pid, signal.SIGKILL)
            assert process.wait(PATIENCE_S) == 1
            message = log.read_text("utf-8", "replace").splitlines()[-1]
            assert "Expected a Ray cluster at" in message
            assert "that answers; start it, and the command, again" in message
            assert not list(out.glob("*.tfrecord"))
        finally:
            process.kill()
            process.wait()
    write_shards(read_labels(labels), tmp_path / "here", num_shards=12)
    # What was finished is kept, whole.
    for part in out.glob("data.parts/*.json"):
        if part.stem.isdecimal():
            index = int(part.stem)
            content = part.with_suffix(".tfrecord").read_bytes()
            assert content == (tmp_path / f"here/data-{index:05}-of-00012.tfrecord").read_bytes()


@pytest.mark.slow
def test_a_folder_that_a_node_does_not_see_is_an_error(labels, tmp_path):
    pytest.importorskip("ray")
    from tests.cluster.ray_cluster import RayCluster

    own = tmp_path / "own"
    own.mkdir()
    with network(2) as net, RayCluster(net) as cluster:
        # The hosts have separate mounts, and do not see this one.
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", own], check=True)
        try:
            done = cluster.run("records", labels, own, "--engine=ray")
            assert "folder that all nodes share" in done.stderr.splitlines()[-1]
        finally:
            subprocess.run(["umount", own], check=True)

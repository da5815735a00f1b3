import base64
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests import tiny_model

ROOT = Path(__file__).parents[2]
# It holds protobuf below 7, so it may live in a separate environment.
COMMAND = os.environ.get("MLSERVER") or shutil.which("mlserver")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [made.getsockname()[1] for made in sockets]
    for made in sockets:
        made.close()
    return ports


def ask(url, document=None):
    body = None if document is None else json.dumps(document).encode("utf-8")
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read() or b"null")


def wait_until_ready(url, process):
    end_s = time.monotonic() + 180
    while True:
        assert process.poll() is None
        assert time.monotonic() < end_s
        try:
            ask(f"{url}/ready")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)


@pytest.mark.slow
@pytest.mark.skipif(COMMAND is None, reason="MLServer is not installed; MLSERVER may name it")
def test_mlserver_reads_with_the_example_what_python_reads(export, reader, tmp_path):
    folder = shutil.copytree(ROOT / "examples" / "mlserver", tmp_path / "mlserver")
    shutil.copytree(export.parent, folder / "export")
    names = ("HTTP", "GRPC", "METRICS")
    ports = dict(zip(names, free_ports(3), strict=True))
    settings = {f"MLSERVER_{name}_PORT": str(port) for name, port in ports.items()}
    environment = {**os.environ, **settings, "MLSERVER_HOST": "127.0.0.1"}
    environment |= {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    files = [*tiny_model.files(3), b"broken"]
    images = {
        "name": "images",
        "datatype": "BYTES",
        "shape": [len(files), 1],
        "parameters": {"content_type": "base64"},
        "data": [base64.b64encode(file).decode("ascii") for file in files],
    }
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [COMMAND, "start", "."], cwd=folder, env=environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            model = f"http://127.0.0.1:{ports['HTTP']}/v2/models/words"
            wait_until_ready(model, process)
            answer = ask(f"{model}/infer", {"inputs": [images]})
            with pytest.raises(urllib.error.HTTPError, match="400"):
                ask(f"{model}/infer", {"inputs": [{**images, "name": "other"}]})
        finally:
            process.terminate()
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    expected = reader.read(files)
    assert outputs["text"] == [reading.text for reading in expected]
    assert outputs["confidence"] == pytest.approx([r.confidence for r in expected], abs=1e-4)
    assert outputs["status"][:3] == ["ok", "ok", "ok"]
    assert outputs["status"][3].startswith("unreadable image: ")

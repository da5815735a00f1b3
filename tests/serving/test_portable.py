"""The server without TensorFlow: the REST interface of an export, answered by LiteRT."""

import base64
import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import attention_ocr
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.locate import find_model
from attention_ocr.serving.data_types import NUMPY_TYPES
from attention_ocr.serving.options import ServingOptions
from attention_ocr.serving.portable import DEFINITION, outputs_of
from attention_ocr.serving.versions import find_versions
from tests.serving import tiny_server

SAMPLES = sorted((Path(__file__).parents[2] / "examples" / "browser" / "samples").glob("*.jpg"))


def ask(server, path, body=None):
    url = f"http://127.0.0.1:{server.rest_api_port}/v1/models/bundled{path}"
    data = None if body is None else json.dumps(body).encode("utf-8")
    with urllib.request.urlopen(url, data, timeout=60) as response:
        return json.loads(response.read())


@pytest.fixture(scope="module")
def server():
    with tiny_server.running(Path("default"), model_name="bundled", engine="litert") as started:
        yield started


def test_images_are_read_like_by_a_reader_and_a_broken_one_fails_alone(server):
    files = [SAMPLES[0].read_bytes(), b"no image", SAMPLES[1].read_bytes()]
    instances = [{"b64": base64.b64encode(file).decode("ascii")} for file in files]
    rows = ask(server, ":predict", {"instances": instances})["predictions"]
    expected = attention_ocr.load(engine="litert").read(files)
    assert [row["text"] for row in rows] == [reading.text for reading in expected]
    assert [row["status"] == "ok" for row in rows] == [True, False, True]
    assert "not a PNG" in rows[1]["status"]
    assert rows[0]["confidence"] == pytest.approx(expected[0].confidence, abs=1e-4)
    assert set(rows[0]) == set(DEFINITION.outputs)


def test_a_bare_image_file_is_read(server):
    url = f"http://127.0.0.1:{server.rest_api_port}/v1/models/bundled:predict"
    with urllib.request.urlopen(url, SAMPLES[0].read_bytes(), timeout=60) as response:
        (row,) = json.loads(response.read())["predictions"]
    assert row["text"].lower() == SAMPLES[0].stem


def test_the_model_is_described_and_there_is_no_grpc(server):
    (status,) = ask(server, "")["model_version_status"]
    assert (status["version"], status["state"]) == ("1", "AVAILABLE")
    signatures = ask(server, "/metadata")["metadata"]["signature_def"]["signature_def"]
    images = signatures["serving_default"]["inputs"]["images"]
    assert images["dtype"] == "DT_STRING"
    assert images["tensor_shape"]["dim"][0]["size"] == "-1"
    assert server.port == -1


@pytest.mark.parametrize("path", [":classify", ":predict"])
def test_what_needs_tensorflow_is_refused(server, path):
    body = {"signature_name": "beam", "instances": ["x"], "examples": [{"image/encoded": "x"}]}
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(server, path, body)
    assert caught.value.code == 400
    assert "signature" in json.loads(caught.value.read())["error"].lower()


def test_versions_hold_a_file_of_the_engine(tmp_path):
    version = tmp_path / "7"
    version.mkdir()
    shutil.copy(find_model() / "model_int8.tflite", version)
    options = ServingOptions(tmp_path, engine="litert", port=-1)
    assert find_versions(tmp_path, options.model_files) == {7: version}
    assert find_versions(tmp_path) == {}
    onnx = ServingOptions(tmp_path, engine="onnx", port=-1)
    assert find_versions(tmp_path, onnx.model_files) == {}


def test_an_engine_without_tensorflow_serves_by_rest_only(tmp_path):
    with pytest.raises(ValueError, match="engine=litert serves by REST only"):
        ServingOptions(tmp_path, engine="litert", rest_api_port=-1)
    with pytest.raises(ValueError, match="engine"):
        ServingOptions(tmp_path, engine="openvino")


def test_readings_of_different_sizes_are_padded_to_one_array():
    readings = [
        Reading("ab", 0.5, (0.6, 0.7), np.ones((2, 1, 4), np.float32), (1.0, 0.5)),
        Reading("", 0.0, (), np.ones((0, 1, 8), np.float32), (1.0, 1.0), error="broken"),
    ]
    outputs = outputs_of(readings)
    assert outputs["character_confidences"].tolist() == [pytest.approx([0.6, 0.7]), [0.0, 0.0]]
    assert outputs["attention"].shape == (2, 2, 1, 8)
    assert outputs["attention"][0].sum() == 2 * 4
    # The same four cells of twice as many.
    assert outputs["attention_extent"].tolist() == [[1.0, 0.25], [1.0, 1.0]]
    assert outputs["status"].tolist() == [b"ok", b"broken"]
    assert outputs_of([])["attention"].shape == (0, 0, 1, 1)


def test_the_numbers_of_data_types_are_those_of_tensorflow():
    import tensorflow as tf

    for number, dtype in NUMPY_TYPES.items():
        assert tf.dtypes.as_dtype(number).as_numpy_dtype == dtype


def test_inputs_other_than_files_are_refused(server):
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(server, ":predict", {"instances": [["a", "b"]]})
    assert "expects 'images', string [-1]" in json.loads(caught.value.read())["error"]


def test_the_server_starts_without_tensorflow_and_grpc():
    program = """
import sys
for name in ("tensorflow", "keras", "tensorflow_serving", "grpc"):
    sys.modules[name] = None
import asyncio
from pathlib import Path
from attention_ocr.serving.options import ServingOptions
from attention_ocr.serving.server import Server

async def start():
    server = await Server.start(ServingOptions(Path("default"), engine="litert", rest_api_port=0))
    print(server.port, server.rest_api_port > 0)
    await server.stop()

asyncio.run(start())
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "-1 True", result.stderr

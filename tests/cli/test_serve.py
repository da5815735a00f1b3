import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import attention_ocr
from attention_ocr.cli import main as command
from attention_ocr.cli import serve
from attention_ocr.images.headers import ImageLimits
from attention_ocr.inference import locate
from attention_ocr.serving.clients import GrpcClient, RestClient
from attention_ocr.serving.options import ServingOptions
from tests import tiny, tiny_model
from tests.serving import tiny_server


@pytest.fixture(scope="module")
def base_path(tmp_path_factory):
    base = tmp_path_factory.mktemp("served")
    tiny_server.write_model(base / "1")
    return base


@pytest.fixture(scope="module")
def addresses(base_path):
    with tiny_server.running(base_path) as server:
        yield {"gRPC": f"127.0.0.1:{server.port}", "REST": f"127.0.0.1:{server.rest_api_port}"}


def parse(*arguments):
    return serve.options_of(command._make_parser().parse_args(["serve", *arguments]))


def test_the_flags_default_to_the_settings(tmp_path):
    options = parse(f"--model_base_path={tmp_path}")
    assert options == ServingOptions(tmp_path, model_name=tmp_path.name)


def test_every_flag_sets_its_setting(tmp_path):
    options = parse(
        f"--model_base_path={tmp_path}",
        *("--model_name=m", "--enable_batching=false", "--batch_timeout_ms=1.5"),
        *("--max_image_pixels=99", "--max_image_bytes=7", "--model_versions=all"),
    )
    limits = ImageLimits(max_image_bytes=7, max_image_pixels=99)
    assert options == ServingOptions(
        tmp_path,
        model_name="m",
        enable_batching=False,
        batch_timeout_ms=1.5,
        model_versions="all",
        limits=limits,
    )


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--max_batch_size=0", "`max_batch_size` must be at least 1. Received: 0"),
        ("--max_image_pixels=0", "`max_image_pixels` must be above 0. Received: 0"),
    ],
)
def test_an_impossible_setting_is_one_line(flag, message, tmp_path, capsys):
    assert command.main(["serve", f"--model_base_path={tmp_path}", flag]) == 1
    assert capsys.readouterr().err == f"attention-ocr serve: {message}\n"


def test_a_flag_that_is_neither_true_nor_false_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        parse(f"--model_base_path={tmp_path}", "--enable_batching=yes")
    assert "expected true or false, received 'yes'" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGTERM")
def test_the_command_finishes_in_flight_requests_when_stopped_under_load(base_path):
    # Two at a time, so that most of what was begun waits.
    arguments = ["--port=0", "--rest_api_port=0", f"--model_base_path={base_path}"]
    arguments += ["--max_batch_size=2"]
    with (
        subprocess.Popen(
            [sys.executable, "-m", "attention_ocr.cli.main", "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        ) as process,
        ThreadPoolExecutor(12) as pool,
    ):
        try:
            lines = [process.stdout.readline().split(": ") for _ in range(2)]
            assert [interface for interface, _ in lines] == ["gRPC", "REST"]
            makers = (GrpcClient, RestClient)
            clients = [makers[n % 2](lines[n % 2][1].strip(), base_path.name) for n in range(12)]
            # Connections that are made before the end is told.
            assert [client.status() for client in clients] == [{1: "AVAILABLE"}] * 12
            answers = [pool.submit(client.predict, [b"slow"]) for client in clients]
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            assert [answer.result(60)["text"].tolist() for answer in answers] == [[b"4"]] * 12
            assert process.wait(30) == 0
        finally:
            process.kill()
        for client in clients:
            client.close()
        log = process.stderr.read()
    assert "serving version 1" in log
    assert "finishing in-flight requests" in log
    assert "Traceback" not in log


def test_a_model_that_is_not_there_is_one_line(tmp_path, capsys):
    assert command.main(["serve", f"--model_base_path={tmp_path}"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"attention-ocr serve: No model version found in {tmp_path}")


def test_a_model_that_is_a_url_is_one_line(capsys):
    assert command.main(["serve", "--model_base_path=s3://bucket/mine"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "attention-ocr serve: s3://bucket/mine is a URL, and models are not fetched"
    )


def test_the_model_of_the_package_is_served_by_its_name(work_dir, reader, monkeypatch):
    monkeypatch.setattr(locate, "BUNDLED_WEIGHTS", work_dir)
    options = parse("--model_base_path=default")
    assert options.model_name == "default"
    files = [*tiny_model.files(3), b"broken"]
    expected = [reading.text for reading in reader.read(files)]
    with tiny_server.running(options.model_base_path, model_name=options.model_name) as server:
        client = RestClient(f"127.0.0.1:{server.rest_api_port}", "default")
        assert client.status() == {1: "AVAILABLE"}
        assert [text.decode() for text in client.predict(files)["text"]] == expected
        client.close()


@pytest.mark.slow
def test_the_command_serves_the_model_of_the_package(tmp_path):
    image = tiny.write_label_file(tmp_path, ["EXIT"]).with_name("0.png").read_bytes()
    expected = attention_ocr.load("default", engine="tensorflow").read([image])[0]
    arguments = ["--port=-1", "--rest_api_port=0", "--model_base_path=default"]
    with subprocess.Popen(
        [sys.executable, "-m", "attention_ocr.cli.main", "serve", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    ) as process:
        try:
            interface, address = process.stdout.readline().strip().split(": ")
            assert interface == "REST"
            client = RestClient(address, "default")
            outputs = client.predict([image])
            client.close()
        finally:
            process.kill()
    assert outputs["text"].tolist() == [expected.text.encode()]
    assert outputs["confidence"][0] == pytest.approx(expected.confidence, abs=1e-3)


@pytest.mark.parametrize("interface", ["gRPC", "REST"])
def test_a_request_writes_what_the_server_read(addresses, interface, tmp_path, capsys):
    flag = f"--{'grpc' if interface == 'gRPC' else 'rest'}={addresses[interface]}"
    for name, size in (("a.png", 12), ("b.png", 0), ("c.png", 345)):
        (tmp_path / name).write_bytes(b"x" * size)
    arguments = ["request", str(tmp_path), flag, "--model_name=tiny", "--batch_size=2"]
    assert command.main(arguments) == 1
    output, errors = capsys.readouterr()
    assert output.splitlines() == [
        f"{tmp_path / 'a.png'}\t12\t0.012",
        f"{tmp_path / 'c.png'}\t345\t0.345",
    ]
    assert errors == f"attention-ocr request: {tmp_path / 'b.png'}: unreadable image\n"
    assert command.main([*arguments, "--format=jsonl"]) == 1
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["error"] for record in records] == [None, "unreadable image", None]
    assert records[2]["character_confidences"] == [0.333333] * 3


@pytest.mark.parametrize("interface", ["gRPC", "REST"])
def test_a_request_without_images_says_what_is_served(addresses, interface, capsys):
    flag = f"--{'grpc' if interface == 'gRPC' else 'rest'}={addresses[interface]}"
    assert command.main(["request", flag, "--model_name=tiny"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "version 1: AVAILABLE"
    assert "classify: inputs (DT_STRING) -> classes (DT_STRING), scores (DT_FLOAT)" in lines


def test_a_server_that_refuses_is_one_line(addresses, capsys):
    flag = f"--rest={addresses['REST']}"
    assert command.main(["request", flag, "--model_name=other"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "attention-ocr request: 404: Servable not found for request: Latest(other)"


def test_what_the_server_had_to_shrink_is_marked(tmp_path, monkeypatch, capsys):
    outputs = {
        "text": np.array([b"fits", b"shrunk"], object),
        "confidence": np.ones(2),
        "character_confidences": np.ones((2, 6)),
        "status": np.array([b"ok", b"ok"], object),
        "attention_extent": np.array([[1.0, 0.5], [0.5, 1.0]]),
    }
    monkeypatch.setattr(RestClient, "predict", lambda *_: outputs)
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"file")
    arguments = ["--rest=127.0.0.1:1", "--model_name=tiny", "--format=jsonl"]
    assert command.main(["request", str(tmp_path), *arguments]) == 0
    records = map(json.loads, capsys.readouterr().out.splitlines())
    assert [record["shrunk"] for record in records] == [False, True]

import asyncio
import shutil
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from attention_ocr.serving.clients import GrpcClient, RequestFailedError, RestClient
from attention_ocr.serving.options import ServingOptions
from attention_ocr.serving.server import Server
from tests import tiny_model
from tests.serving import tiny_server


def clients_of(server, name=tiny_server.NAME):
    return (
        GrpcClient(f"127.0.0.1:{server.port}", name),
        RestClient(f"127.0.0.1:{server.rest_api_port}", name),
    )


def wait_until(holds, timeout_s=20.0):
    end_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def test_an_export_reads_by_every_way_what_the_reader_reads(export, reader):
    files = [*tiny_model.files(5), b"broken", b""]
    expected = reader.read(files)
    with tiny_server.running(export.parent) as server:
        for client in clients_of(server):
            outputs = client.predict(files)
            assert [text.decode() for text in outputs["text"]] == [r.text for r in expected]
            np.testing.assert_allclose(
                outputs["confidence"], [r.confidence for r in expected], atol=1e-4
            )
            assert [status == b"ok" for status in outputs["status"]] == [True] * 5 + [False] * 2
            for row, reading in enumerate(expected):
                np.testing.assert_allclose(
                    outputs["attention"][row][: len(reading.text)], reading.attention, atol=1e-3
                )
            for row, classes in zip(expected, client.classify(files), strict=True):
                assert classes[0] == (row.text, pytest.approx(row.confidence, abs=1e-4))
            client.close()


def test_versions_come_and_go_while_requests_are_answered(model, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(model, base / "1")
    second = tiny_server.write_model(tmp_path / "second", "two ")
    with tiny_server.running(base, file_system_poll_wait_seconds=0.05) as server:
        failures = []
        stop = threading.Event()

        def keep_asking():
            client = GrpcClient(f"127.0.0.1:{server.port}", tiny_server.NAME)
            while not stop.is_set():
                try:
                    client.predict([b"abc"])
                except RequestFailedError as error:
                    failures.append(error)
            client.close()

        asking = threading.Thread(target=keep_asking)
        asking.start()
        try:
            client = clients_of(server)[1]
            assert client.predict([b"ab"])["text"].tolist() == [b"2"]
            second.rename(base / "2")
            wait_until(lambda: client.predict([b"ab"])["text"].tolist() == [b"two 2"])
            wait_until(lambda: client.status() == {2: "AVAILABLE", 1: "END"})
            shutil.rmtree(base / "2")
            wait_until(lambda: client.predict([b"ab"])["text"].tolist() == [b"2"])
            client.close()
        finally:
            stop.set()
            asking.join(20)
    assert failures == []


def test_requests_of_many_clients_are_answered_each_with_its_own(server):
    def ask(number):
        client = clients_of(server)[number % 2]
        files = [b"x" * (number + row) for row in range(1 + number % 3)]
        texts = [client.predict(files)["text"].tolist() for _ in range(5)]
        client.close()
        return texts == [[str(number + row).encode() for row in range(len(files))]] * 5

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(32)))


def test_too_much_at_once_is_refused_and_what_was_taken_is_answered(model):
    options = {"max_queue_images": 4, "max_batch_size": 2}
    with tiny_server.running(model.parent, **options) as server:

        def ask(number):
            client = clients_of(server)[number % 2]
            try:
                return str(client.predict([b"slow", b"slow"])["text"].tolist())
            except RequestFailedError as error:
                return error.status
            finally:
                client.close()

        with ThreadPoolExecutor(32) as pool:
            answers = set(pool.map(ask, range(32)))
        assert answers == {"[b'4', b'4']", "RESOURCE_EXHAUSTED", "429"}
        # It is well again.
        assert ask(0) == ask(1) == "[b'4', b'4']"


def test_a_request_of_too_many_bytes_is_refused(model):
    with tiny_server.running(model.parent, max_request_bytes=10_000) as server:
        statuses = []
        for client in clients_of(server):
            with pytest.raises(RequestFailedError) as error:
                client.predict([b"x" * 20_000])
            statuses.append(error.value.status)
            assert client.predict([b"ab"])["text"].tolist() == [b"2"]
            client.close()
        assert statuses == ["RESOURCE_EXHAUSTED", "413"]


def test_a_client_that_sends_half_a_request_stops_nobody(server):
    idle = [socket.create_connection(("127.0.0.1", server.rest_api_port)) for _ in range(20)]
    for connection in idle:
        connection.sendall(b"POST /v1/models/tiny:predict HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    for client in clients_of(server):
        assert client.predict([b"ab"])["text"].tolist() == [b"2"]
        client.close()
    for connection in idle:
        connection.close()


def test_what_is_under_way_is_answered_when_the_server_stops(model):
    with tiny_server.running(model.parent) as server, ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(client.predict, [b"slow"]) for client in clients_of(server)]
        wait_until(lambda: server._batcher.queued_rows or any(f.done() for f in waiting))
    for future in waiting:
        assert future.result(20)["text"].tolist() == [b"4"]


def start(*arguments, **options):
    async def play():
        server = await Server.start(ServingOptions(*arguments, **options))
        await server.stop()

    asyncio.run(play())


def test_a_directory_without_a_version_is_named(tmp_path):
    for directory in (tmp_path, tmp_path / "missing"):
        with pytest.raises(
            FileNotFoundError, match="No model version found.*: expected a directory"
        ):
            start(directory, port=0, rest_api_port=0)


def test_a_model_that_cannot_be_loaded_ends_the_start(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"\xff no model")
    with pytest.raises(ValueError, match="saved_model.pb or its variables are damaged"):
        start(tmp_path, port=0, rest_api_port=0)


def test_versions_that_are_not_there_end_the_start(model):
    with pytest.raises(ValueError, match="has none of the versions 8,9"):
        start(model.parent, model_versions="8,9", port=0, rest_api_port=0)


@pytest.mark.parametrize("name", ["port", "rest_api_port"])
def test_a_port_that_is_taken_is_named(model, name):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=str(port)):
            start(model.parent, **{"port": 0, "rest_api_port": 0, name: port})


def test_one_interface_may_be_left_out(model):
    with tiny_server.running(model.parent, port=-1) as server:
        assert server.port == -1
        client = RestClient(f"127.0.0.1:{server.rest_api_port}", tiny_server.NAME)
        assert client.status() == {3: "AVAILABLE"}
        client.close()
    with tiny_server.running(model.parent, rest_api_port=-1) as server:
        assert server.rest_api_port == -1
        client = GrpcClient(f"127.0.0.1:{server.port}", tiny_server.NAME)
        assert client.status() == {3: "AVAILABLE"}
        client.close()


def test_batches_are_made_of_what_comes_together(model):
    with tiny_server.running(model.parent, batch_timeout_ms=300.0, max_batch_size=4) as server:
        client = clients_of(server)[0]
        with ThreadPoolExecutor(8) as pool:
            texts = list(pool.map(lambda n: client.predict([b"x" * n])["text"][0], range(8)))
        metrics = server._monitoring.text().decode("utf-8")
        client.close()
    assert texts == [str(n).encode() for n in range(8)]
    assert "attention_ocr_batch_size_count 2.0" in metrics
    assert "attention_ocr_batch_size_sum 8.0" in metrics

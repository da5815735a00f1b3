import asyncio
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from attention_ocr.serving.clients import GrpcClient, RequestFailedError, RestClient
from attention_ocr.serving.errors import Code
from attention_ocr.serving.monitoring import Monitoring
from attention_ocr.serving.service import Service
from tests.serving import tiny_server

PREDICT = f"/v1/models/{tiny_server.NAME}:predict"


def wait_until(holds, timeout_s=20.0):
    end_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def test_the_queue_never_holds_more_than_its_bound_and_the_rest_is_refused(model):
    options = {"max_queue_images": 6, "max_batch_size": 2}
    with tiny_server.running(model.parent, **options) as server:
        longest = []

        def ask(number):
            if number % 2:
                client = RestClient(f"127.0.0.1:{server.rest_api_port}", tiny_server.NAME)
            else:
                client = GrpcClient(f"127.0.0.1:{server.port}", tiny_server.NAME)
            outcomes = []
            for _ in range(4):
                try:
                    outcomes.append(client.predict([b"slow"])["text"][0].decode())
                except RequestFailedError as error:
                    outcomes.append(error.status)
                longest.append(server._batcher.queued_rows)
            client.close()
            return outcomes

        with ThreadPoolExecutor(24) as pool:
            outcomes = [outcome for part in pool.map(ask, range(24)) for outcome in part]
        assert set(outcomes) == {"4", "RESOURCE_EXHAUSTED", "429"}
        assert max(longest) <= 6
        assert (server._batcher.queued_rows, server._batcher.queued_bytes) == (0, 0)
        metrics = server._monitoring.text().decode("utf-8")
    for interface, status in (("gRPC", "RESOURCE_EXHAUSTED"), ("REST", "429")):
        labels = f'code="RESOURCE_EXHAUSTED",interface="{interface}",method="predict"'
        labels = labels.replace("predict", "Predict") if interface == "gRPC" else labels
        assert f"attention_ocr_requests_total{{{labels}}} {outcomes.count(status)}.0" in metrics


def test_a_body_that_does_not_arrive_is_given_up(model):
    with tiny_server.running(model.parent, receive_timeout_s=0.3) as server:
        with socket.create_connection(("127.0.0.1", server.rest_api_port), 10) as connection:
            head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{"
            connection.sendall(head.encode())
            assert b" 504 " in connection.recv(1000).splitlines()[0]
        with socket.create_connection(("127.0.0.1", server.rest_api_port), 10) as idle:
            # Closed without a word.
            assert idle.recv(1000) == b""


def test_rows_of_who_has_gone_are_not_read(model):
    with tiny_server.running(model.parent, max_batch_size=1) as server:
        url = f"http://127.0.0.1:{server.rest_api_port}{PREDICT}"
        body = json.dumps({"instances": ["slow"]})

        def ask(timeout_s):
            return requests.post(url, data=body, timeout=timeout_s).status_code

        with ThreadPoolExecutor(9) as pool:
            first = pool.submit(ask, 30)
            wait_until(lambda: "batch_size_count 1.0" in server._monitoring.text().decode())
            gone = [pool.submit(ask, 0.05) for _ in range(8)]
            assert all(isinstance(f.exception(), requests.Timeout) for f in gone)
            assert first.result() == 200
        wait_until(lambda: server._batcher.queued_rows == 0)
        metrics = server._monitoring.text().decode("utf-8")
    assert 'code="CANCELLED",interface="REST",method="predict"' in metrics
    assert "INTERNAL" not in metrics


def test_a_mistake_of_the_server_is_an_answer_and_no_end(model, monkeypatch):
    async def fail(*_, **__):
        raise KeyError("nobody expected this")

    with tiny_server.running(model.parent) as server:
        url = f"http://127.0.0.1:{server.rest_api_port}{PREDICT}"
        with monkeypatch.context() as patch:
            patch.setattr(Service, "predict", fail)
            answer = requests.post(url, json={"instances": ["abc"]}, timeout=20)
        assert (answer.status_code, answer.json()) == (500, {"error": "Internal server error."})
        good = requests.post(url, json={"instances": ["abc"]}, timeout=20)
        assert good.json()["predictions"][0]["text"] == "3"


def test_a_body_of_too_many_values_is_refused_unparsed(server):
    url = f"http://127.0.0.1:{server.rest_api_port}{PREDICT}"
    answer = requests.post(url, data=b"[" + b"," * 2**22 + b"]", timeout=20)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Expected at most 4194304 values in a JSON body")


def test_what_is_no_http_is_refused_without_a_word_in_the_log(server, caplog):
    with socket.create_connection(("127.0.0.1", server.rest_api_port), 10) as connection:
        connection.sendall(b"no such thing\r\n\r\n")
        assert b" 400 " in connection.recv(1000).splitlines()[0]
    assert not caplog.records


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"not compressed", {"Content-Encoding": "gzip"}, 400),
        (b'{"instances": [' + b'"",' * 100_000 + b'""]}', {}, 400),
        (b'{"signature_name": "darkness", "inputs": ' + b"[" * 900 + b"]" * 900 + b"}", {}, 400),
    ],
)
def test_a_body_that_is_wrong_is_the_request_s_fault(server, content, headers, status):
    url = f"http://127.0.0.1:{server.rest_api_port}{PREDICT}"
    answer = requests.post(url, data=content, headers=headers, timeout=20)
    assert answer.status_code == status
    assert len(answer.json()["error"]) < 300


def test_what_ends_a_request_is_counted_by_its_kind():
    monitoring = Monitoring()
    for error in (asyncio.CancelledError(), KeyError("x")):
        with pytest.raises(type(error)), monitoring.request("REST", "predict"):
            raise error
    metrics = monitoring.text().decode("utf-8")
    for code in (Code.CANCELLED, Code.INTERNAL):
        assert f'code="{code.name}",interface="REST",method="predict"}} 1.0' in metrics

"""Request bodies that are hostile: packed, endless, slow, or never sent."""

import asyncio
import gzip
import json
import socket
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import grpc
import pytest
import requests

from attention_ocr.images.image import LazyImage, normalize_file
from attention_ocr.serving.bodies import SMALL_BYTES, Bodies, unpack_body
from attention_ocr.serving.clients import GrpcClient, RestClient
from attention_ocr.serving.errors import Code, ServingError
from attention_ocr.serving.grpc_api import PREDICTION_SERVICE
from tests import hostile_files, tiny_model
from tests.serving import tiny_server

PREDICT = f"/v1/models/{tiny_server.NAME}:predict"
BODY = json.dumps({"instances": ["abc"]}).encode()
# Without a time, which would name the tests otherwise in each process.
GZIPPED = gzip.compress(BODY, mtime=0)


def url_of(server):
    return f"http://127.0.0.1:{server.rest_api_port}{PREDICT}"


def bare_deflate(content):
    pack = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return pack.compress(content) + pack.flush()


PACKED = [
    ("gzip", GZIPPED),
    ("x-gzip", GZIPPED),
    ("GZIP, identity", GZIPPED),
    ("deflate", zlib.compress(BODY)),
    ("deflate", bare_deflate(BODY)),
    ("identity", BODY),
]


@pytest.mark.parametrize(("encoding", "content"), PACKED)
def test_a_packed_body_is_read(server, encoding, content):
    answer = requests.post(
        url_of(server), content, headers={"Content-Encoding": encoding}, timeout=20
    )
    assert answer.status_code == 200
    assert answer.json()["predictions"][0]["text"] == "3"


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "gzip, br", "x"])
def test_other_encodings_are_refused_by_name(server, encoding):
    answer = requests.post(url_of(server), BODY, headers={"Content-Encoding": encoding}, timeout=20)
    assert answer.status_code == 415
    assert answer.json()["error"] == (
        f"Expected Content-Encoding gzip, deflate or none. Received: {encoding!r}"
    )


@pytest.mark.parametrize("content", [b"", b"not packed", GZIPPED[:-9], b"\x1f\x8b"])
def test_a_body_that_is_not_packed_as_it_says_is_refused(server, content):
    answer = requests.post(
        url_of(server), content, headers={"Content-Encoding": "gzip"}, timeout=20
    )
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Cannot decompress the body")


@pytest.mark.parametrize(("encoding", "window"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
def test_forty_bombs_at_once_take_no_memory_and_keep_nobody_waiting(model, encoding, window):
    resource = pytest.importorskip("resource")
    # In bytes on a Mac, in kilobytes elsewhere.
    megabyte = 2**20 if sys.platform == "darwin" else 2**10
    bomb = hostile_files.packed_zeros(1024, window)
    assert len(bomb) < 1.1e6
    with tiny_server.running(model.parent, max_request_bytes=2**22) as server:

        def send(_):
            headers = {"Content-Encoding": encoding}
            return requests.post(url_of(server), bomb, headers=headers, timeout=60)

        requests.post(url_of(server), BODY, timeout=20)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with ThreadPoolExecutor(41) as pool:
            answers = pool.map(send, range(40))
            good = pool.submit(requests.post, url_of(server), BODY, timeout=60)
            statuses = {answer.status_code for answer in answers}
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert statuses == {413}
    assert good.result().status_code == 200
    # Forty times the megabyte that was sent, here and there, and nothing of what it unpacks to.
    assert grown < 300 * megabyte


def test_a_body_may_unpack_to_the_limit_and_no_further():
    packed = gzip.compress(bytes(100_000))
    assert unpack_body(packed, "gzip", 100_000) == bytes(100_000)
    with pytest.raises(ServingError, match="at most 99999 bytes") as error:
        unpack_body(packed, "gzip", 99_999)
    assert error.value.http_status == 413


def test_a_message_of_grpc_that_unpacks_to_more_is_refused(model):
    with tiny_server.running(model.parent, max_request_bytes=2**20) as server:
        address = f"127.0.0.1:{server.port}"
        with grpc.insecure_channel(address, compression=grpc.Compression.Gzip) as channel:
            call = channel.unary_unary(f"/{PREDICTION_SERVICE}/Predict")
            with pytest.raises(grpc.RpcError) as error:
                call(bytes(2**25), timeout=20)
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("service", "method"),
    [
        (PREDICTION_SERVICE, "Predict"),
        (PREDICTION_SERVICE, "Classify"),
        (PREDICTION_SERVICE, "GetModelMetadata"),
        ("tensorflow.serving.ModelService", "GetModelStatus"),
    ],
)
@pytest.mark.parametrize("content", [b"\xff" * 20, b"no message", b'{"instances": []}'])
def test_bytes_that_are_no_message_are_the_clients_fault(server, service, method, content):
    address = f"127.0.0.1:{server.port}"
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as error:
        channel.unary_unary(f"/{service}/{method}")(content, timeout=20)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error.value.details().endswith(f"Received: {len(content)} bytes that cannot be parsed")


@pytest.mark.parametrize("depth", [17, 33, 64, 65, 1023, 200_000])
@pytest.mark.parametrize("form", ["instances", "inputs", "examples"])
def test_json_that_is_nested_deep_is_the_clients_fault(server, depth, form):
    method = "classify" if form == "examples" else "predict"
    for inner in (b"", b'"a"', b"1"):
        value = b"[" * depth + inner + b"]" * depth
        if form == "examples":
            value = b'[{"image/encoded": ' + value + b"}]"
        answer = requests.post(
            url_of(server).replace("predict", method),
            b'{"' + form.encode() + b'": ' + value + b"}",
            timeout=20,
        )
        assert answer.status_code == 400
        assert len(answer.json()["error"]) < 300


def test_a_value_of_megabytes_is_not_sent_back(server):
    answer = requests.post(
        url_of(server), json={"instances": ["a"], "signature_name": "x" * 10**6}, timeout=20
    )
    assert answer.status_code == 400
    assert len(answer.json()["error"]) == 1000


def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(model):
    with tiny_server.running(model.parent, max_request_bytes=1000) as server:
        with socket.create_connection(("127.0.0.1", server.rest_api_port), 10) as connection:
            connection.sendall(head(1001))
            assert b" 413 " in connection.recv(1000).splitlines()[0]
        # Of one that says nothing of its size, as much is taken.
        answer = requests.post(url_of(server), iter([b" " * 600] * 2), timeout=20)
        assert answer.status_code == 413


def head(length):
    return f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


def silent_rpcs(channel, count, done):
    """Begin calls that send no message until `done` is set."""

    def messages():
        done.wait(60)
        yield b""

    call = channel.stream_unary(f"/{PREDICTION_SERVICE}/Predict")
    return [call.future(messages()) for _ in range(count)]


def test_who_announces_a_body_and_sends_none_takes_nobodys_place(model):
    options = {"max_receiving_requests": 8, "max_concurrent_requests": 8, "max_queue_images": 64}
    with ExitStack() as stack:
        server = stack.enter_context(tiny_server.running(model.parent, **options))
        clients = [
            RestClient(f"127.0.0.1:{server.rest_api_port}", tiny_server.NAME),
            GrpcClient(f"127.0.0.1:{server.port}", tiny_server.NAME),
        ]
        silent = []
        for _ in range(40):
            connection = socket.create_connection(("127.0.0.1", server.rest_api_port), 10)
            silent.append(stack.enter_context(connection))
            connection.sendall(head(100) + b"{")
        channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{server.port}"))
        done = threading.Event()
        stack.callback(done.set)
        calls = silent_rpcs(channel, 20, done)
        for _ in range(20):
            for client in clients:
                assert client.predict([b"abc"])["text"][0] == b"3"
        # The first are told; the last still may send.
        assert b" 429 " in silent[0].recv(1000).splitlines()[0]
        assert calls[0].code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        done.set()
        for client in clients:
            client.close()


def test_a_call_that_sends_no_message_is_given_up(model):
    with ExitStack() as stack:
        server = stack.enter_context(tiny_server.running(model.parent, receive_timeout_s=0.3))
        channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{server.port}"))
        done = threading.Event()
        (call,) = silent_rpcs(channel, 1, done)
        assert call.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert "did not arrive within 0.3 s" in call.details()
        done.set()


def receive(bodies, *parts, end=True):
    """Receive a body of parts; without an end more of it is waited for."""
    left = list(parts)

    async def read():
        if left:
            return left.pop(0)
        if not end:
            await asyncio.Event().wait()
        return b""

    async def whole():
        async with bodies.receive(read) as body:
            return body

    return asyncio.ensure_future(whole())


def test_large_bodies_are_refused_when_too_much_is_held_and_small_ones_are_not():
    large = bytes(SMALL_BYTES + 1)

    async def play():
        bodies = Bodies(10 * len(large), 9, 2 * len(large), 20.0)
        slow = [receive(bodies, large, end=False) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert bodies.held_bytes == 2 * len(large)
        with pytest.raises(ServingError, match="Try again later") as error:
            await receive(bodies, large)
        assert error.value.code == Code.RESOURCE_EXHAUSTED
        assert await receive(bodies, b"a", b"b") == b"ab"
        for task in slow:
            task.cancel()
        await asyncio.wait(slow)
        assert (bodies.held_bytes, bodies.num_receiving) == (0, 0)
        assert await receive(bodies, large) == large
        assert bodies.held_bytes == 0

    asyncio.run(play())


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "BMP"])
def test_an_image_file_is_a_body_as_well(server, file_format):
    (content,) = tiny_model.files(1, (file_format,))
    # As `curl --data-binary @word.png` sends it.
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(url_of(server), content, headers=headers, timeout=20)
    assert answer.status_code == 200
    # The model counts the bytes of what it is given, whose pixels are those of the file.
    expected = str(len(normalize_file(LazyImage(content))))
    assert [row["text"] for row in answer.json()["predictions"]] == [expected]


def test_what_calls_itself_an_image_is_read_as_one(server):
    headers = {"Content-Type": "image/x-unknown"}
    answer = requests.post(url_of(server), b"any", headers=headers, timeout=20)
    assert answer.json()["predictions"][0]["text"] == "3"


def test_what_is_neither_json_nor_an_image_is_told_what_to_send(server):
    answer = requests.post(url_of(server), files={"image": b"\x89PNG"}, timeout=20)
    assert answer.status_code == 400
    assert (
        'Send {"instances": [{"b64": "…"}]}, or an image file as it is.' in answer.json()["error"]
    )

"""The load on a server, with clients and a server that answer as they are told."""

import http.server
import threading
from contextlib import contextmanager

import pytest

pytest.importorskip("grpc")
pytest.importorskip("requests")

from attention_ocr.serving.clients import RequestFailedError
from benchmarks import overload, serving


class Clients:
    """Stands for `_asking`: counts files and clients, and refuses some requests."""

    def __init__(self, refuse=lambda _: False):
        self.refuse, self.lock = refuse, threading.Lock()
        self.files, self.num_opened, self.num_closed = [], 0, 0

    def __call__(self, *_):
        self.num_opened += 1
        return self.ask, self.close

    def ask(self, file):
        with self.lock:
            self.files.append(file)
            number = len(self.files) - 1
        if self.refuse(number):
            raise RequestFailedError("RESOURCE_EXHAUSTED", "full")

    def close(self):
        with self.lock:
            self.num_closed += 1


def test_each_request_is_sent_once_and_each_client_opens_its_connection(monkeypatch):
    clients = Clients()
    monkeypatch.setattr(serving, "_asking", clients)
    wall_s, times, refused = serving.load_server("REST", "host:1", [b"a", b"b", b"c"], 4, 30)
    assert (len(times), refused) == (30, 0)
    assert wall_s > 0.0
    assert clients.num_opened == clients.num_closed == 4
    # The first request of each client does not count.
    assert len(clients.files) == 4 + 30
    assert clients.files[:4] == [b"a"] * 4
    assert {file: clients.files[4:].count(file) for file in (b"a", b"b", b"c")} == dict.fromkeys(
        (b"a", b"b", b"c"), 10
    )


def test_refused_requests_are_counted_apart(monkeypatch):
    monkeypatch.setattr(serving, "_asking", Clients(lambda number: number >= 2 and number % 2))
    _, times, refused = serving.load_server("gRPC", "host:1", [b"a"], 2, 10)
    assert (len(times), refused) == (5, 5)


def test_a_client_that_cannot_connect_ends_the_load_instead_of_waiting_for_ever(monkeypatch):
    monkeypatch.setattr(serving, "_asking", Clients(lambda number: number == 1))
    with pytest.raises(RequestFailedError, match="RESOURCE_EXHAUSTED: full"):
        serving.load_server("REST", "host:1", [b"a"], 3, 10)


def test_a_row_has_the_percentiles_in_milliseconds():
    times = [0.001 * number for number in range(101)]
    row = serving.row_of("REST", 8, 2.0, times, refused=3)
    assert row == pytest.approx(
        {"way": "REST", "clients": 8, "images/s": 50.5, "p50 ms": 50.0, "p95 ms": 95.0}
        | {"p99 ms": 99.0, "refused": 3}
    )


def test_rounds_become_medians_but_memory_is_that_of_the_ends():
    figures = ("images/s", "p50 ms", "p95 ms", "p99 ms", "batch", "CPU ms")
    rows = [
        {"way": "REST", **dict.fromkeys(figures, value), "refused": refused, "MB before": memory,
         "MB after": memory + 1}
        for value, refused, memory in ((1.0, 0, 100), (9.0, 2, 200), (3.0, 1, 300))
    ]  # fmt: skip
    median = serving._median(rows)
    assert {median[name] for name in figures} == {3.0}
    assert (median["refused"], median["MB before"], median["MB after"]) == (3, 100, 301)


def test_figures_that_a_system_does_not_give_stay_unknown():
    figures = dict.fromkeys(("images/s", "p50 ms", "p95 ms", "p99 ms", "batch"), 1.0)
    rows = [{**figures, "CPU ms": None, "refused": 0, "MB after": None}] * 2
    assert serving._median(rows)["CPU ms"] is None


def test_the_memory_and_time_of_a_process_are_read_or_unknown():
    import os

    if serving.process_mb(os.getpid()) is None:
        pytest.skip("there is no /proc")
    assert serving.process_mb(os.getpid()) > 10.0
    before = serving.process_cpu_s(os.getpid())
    sum(range(3_000_000))
    assert serving.process_cpu_s(os.getpid()) >= before > 0.0
    # The largest process id of Linux is below this.
    assert serving.process_mb(2**30) is None
    assert serving.process_cpu_s(2**30) is None


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(
            b"# HELP attention_ocr_batch_size Images per batch.\n"
            b'other{le="1"} 3\nattention_ocr_batch_size_sum 34.0\n'
            b"attention_ocr_batch_size_count 4.0\n"
        )

    def log_message(self, *_):
        pass


@contextmanager
def http_server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_batches_of_a_server_are_those_of_its_metrics():
    with http_server() as address:
        assert serving.batches_of(serving.Running(1, "", address)) == (34.0, 4.0)


class ScriptedRestClient:
    """Answers, and refuses every fourth request."""

    asked: list

    def __init__(self, address, model_name, **_):
        assert (address, model_name) == ("host:1", "words")

    def predict(self, files):
        self.asked.append(files)
        if len(self.asked) % 4 == 0:
            raise RequestFailedError("503", "full")

    def close(self):
        self.asked.append("closed")


def test_the_client_next_to_hostile_ones_counts_what_it_is_refused(monkeypatch):
    monkeypatch.setattr(overload, "RestClient", ScriptedRestClient)
    monkeypatch.setattr(ScriptedRestClient, "asked", [], raising=False)
    row = overload._ask("quiet", "host:1", "words", [b"a", b"b"], 11)
    assert (row["situation"], row["requests"], row["refused"]) == ("quiet", 11, 3)
    assert 0.0 <= row["p50 ms"] <= row["p95 ms"]
    assert ScriptedRestClient.asked[-1] == "closed"
    # One request to open the connection.
    assert len(ScriptedRestClient.asked) == 1 + 11 + 1


def test_every_situation_is_compared_with_the_quiet_one(monkeypatch):
    entered = []

    @contextmanager
    def crowd(*arguments):
        entered.append(arguments[-1])
        yield

    medians = {"quiet": 2.0, "silent": 3.0, "large": 8.0}

    def ask(name, *_):
        (found,) = [value for key, value in medians.items() if key in name]
        return {"situation": name, "p50 ms": found}

    monkeypatch.setattr(overload, "_silent_connections", crowd)
    monkeypatch.setattr(overload, "_large_clients", crowd)
    monkeypatch.setattr(overload, "_ask", ask)
    rows = overload.measure_overload("host:1", "words", [b"a"], 5)
    assert [row["to quiet"] for row in rows] == [1.0, 1.5, 4.0]
    assert entered == [overload.SILENT_CONNECTIONS, overload.LARGE_CLIENTS]


def test_silent_connections_announce_a_body_and_are_closed_at_the_end():
    import socket

    received = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with overload._silent_connections(address, "words", 3):
            connections = [server.accept()[0] for _ in range(3)]
            for connection in connections:
                connection.settimeout(10)
                received.append(connection.recv(1000))
        # A closed connection is read to its end.
        assert [connection.recv(10) for connection in connections] == [b""] * 3
        for connection in connections:
            connection.close()
    head, body = received[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/models/words:predict HTTP/1.1")
    assert b"Content-Length: 1000" in head
    assert body == b"{"

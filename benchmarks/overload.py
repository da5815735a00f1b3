"""Requests next to hostile clients: the benchmark of `benchmarks.serving --overload`.

A client requests one small image after the other: alone, while other connections announce a body
and send none, and while other clients send images of the maximum size. `to quiet` is the ratio of
its median time to that alone.
"""

import multiprocessing
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from attention_ocr.serving.clients import RequestFailedError, RestClient
from tests.hostile_images import png, zeros

LARGE_SIDE = 2**12
"""Side of an image of 2^24 pixels, the default limit."""

SILENT_CONNECTIONS = 520
LARGE_CLIENTS = 6


def measure_overload(
    address: str, model_name: str, files: Sequence[bytes], num_requests: int
) -> list[dict[str, Any]]:
    """Return a row for each situation.

    Args:
        address: Address of the server's REST interface, `host:port`.
        model_name: Name of its model.
        files: Small images.
        num_requests: Requests of the measured client in each situation.
    """
    rows = [_ask("quiet", address, model_name, files, num_requests)]
    with _silent_connections(address, model_name, SILENT_CONNECTIONS):
        name = f"{SILENT_CONNECTIONS} silent connections"
        rows.append(_ask(name, address, model_name, files, num_requests))
    with _large_clients(address, model_name, LARGE_CLIENTS):
        name = f"{LARGE_CLIENTS} clients with large images"
        rows.append(_ask(name, address, model_name, files, num_requests))
    for row in rows:
        row["to quiet"] = row["p50 ms"] / rows[0]["p50 ms"]
    return rows


def _ask(
    name: str, address: str, model_name: str, files: Sequence[bytes], num_requests: int
) -> dict[str, Any]:
    client = RestClient(address, model_name)
    client.predict([files[0]])
    times, refused = [], 0
    for number in range(num_requests):
        start_s = time.perf_counter()
        try:
            client.predict([files[number % len(files)]])
        except RequestFailedError:
            refused += 1
        times.append(time.perf_counter() - start_s)
    client.close()
    ordered = sorted(times)
    return {
        "situation": name,
        "requests": num_requests,
        "refused": refused,
        "p50 ms": 1000 * statistics.median(times),
        "p95 ms": 1000 * ordered[int(0.95 * (len(ordered) - 1))],
    }


@contextmanager
def _silent_connections(address: str, model_name: str, count: int) -> Iterator[None]:
    """Keep connections open that announce a body and send only its first byte."""
    host, _, port = address.rpartition(":")
    head = (
        f"POST /v1/models/{model_name}:predict HTTP/1.1\r\nHost: {host}\r\n"
        "Content-Length: 1000\r\n\r\n{"
    )
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection((host, int(port)), 30))
            connection.sendall(head.encode())
        yield


@contextmanager
def _large_clients(address: str, model_name: str, count: int) -> Iterator[None]:
    """Run clients in separate processes that request large images, one after the other."""
    context = multiprocessing.get_context("spawn")
    started = context.Semaphore(0)
    arguments = (address, model_name, started)
    processes = [context.Process(target=_ask_for_ever, args=arguments) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        for _ in processes:
            started.acquire()
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _ask_for_ever(address: str, model_name: str, started: Any) -> None:
    image = png(LARGE_SIDE, LARGE_SIDE, zeros(LARGE_SIDE * (LARGE_SIDE + 1)))
    client = RestClient(address, model_name, timeout_s=600.0)
    started.release()
    while True:
        # A refused client retries immediately, as a hostile one does.
        with suppress(RequestFailedError):
            client.predict([image])

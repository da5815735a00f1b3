"""Load test of the model server from a second process, compared with reading in process.

Each client waits for a response before its next request. `in process` reads as many images at once
as there are clients, up to the server's maximum batch size. `CPU ms` is the CPU time of the server
process per image, without its clients, and `to alone` its ratio to that of reading in process,
measured alternately. `batch` is the mean batch size. Memory is the server's, before and after the
requests.

    python -m benchmarks.serving [--model DIR] [--clients 1 4 16 64] [--requests 400] [--json FILE]

With `--overload`, a client next to hostile ones instead: see `benchmarks.overload`.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import measure
from benchmarks.words import write_images

MODEL_NAME = "words"
TEXT_OUTPUTS = ("text", "confidence", "status")


class Running(NamedTuple):
    """A server in a separate process."""

    process_id: int
    grpc_address: str
    rest_address: str


@contextmanager
def running_server(base_path: Path, *flags: str) -> Iterator[Running]:
    """Run the command `attention-ocr serve`, ended by SIGTERM."""
    command = [sys.executable, "-m", "attention_ocr.cli.main", "serve"]
    options = [f"--model_base_path={base_path}", f"--model_name={MODEL_NAME}"]
    ports = ["--port=0", "--rest_api_port=0"]
    with subprocess.Popen(
        [*command, *options, *ports, *flags], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101
        try:
            addresses = [process.stdout.readline().rpartition(" ")[2].strip() for _ in range(2)]
            if not all(addresses):
                raise ValueError("The server did not start.")
            yield Running(process.pid, *addresses)
        finally:
            process.terminate()
            process.wait(60)


def load_server(
    interface: str, address: str, files: Sequence[bytes], num_clients: int, num_requests: int
) -> tuple[float, list[float], int]:
    """Ask a server from as many threads as there are clients; runs in a separate process.

    Returns:
        Seconds for all requests, the seconds of each that was answered, and how many were refused.

    Raises:
        RequestFailedError: If a client cannot open its connection.
    """
    from attention_ocr.serving.clients import RequestFailedError

    counter = itertools.count()
    times: list[float] = []
    refused: list[str] = []
    failures: list[RequestFailedError] = []
    start = threading.Barrier(num_clients + 1)

    def work() -> None:
        ask, close = _asking(interface, address)
        try:
            # The first request opens the connection.
            ask(files[0])
            start.wait()
        except threading.BrokenBarrierError:
            return
        except RequestFailedError as error:
            failures.append(error)
            # The others would wait for this client.
            start.abort()
            return
        while (number := next(counter)) < num_requests:
            start_s = time.perf_counter()
            try:
                ask(files[number % len(files)])
                times.append(time.perf_counter() - start_s)
            except RequestFailedError as error:
                refused.append(error.status)
        close()

    threads = [threading.Thread(target=work) for _ in range(num_clients)]
    for thread in threads:
        thread.start()
    with suppress(threading.BrokenBarrierError):
        start.wait()
    begin_s = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - begin_s, times, len(refused)


def _asking(interface: str, address: str) -> tuple[Callable[[bytes], object], Callable[[], None]]:
    from attention_ocr.serving.clients import GrpcClient, RestClient

    if interface == "REST":
        rest_client = RestClient(address, MODEL_NAME)
        return lambda file: rest_client.predict([file]), rest_client.close
    client = GrpcClient(address, MODEL_NAME)
    outputs = TEXT_OUTPUTS if interface == "gRPC, text alone" else ()
    return lambda file: client.predict([file], outputs=outputs), client.close


def process_mb(process_id: int) -> float | None:
    """Return the memory of another process in megabytes; `None` if unknown."""
    status = Path(f"/proc/{process_id}/statm")
    if not status.is_file():
        return None
    pages = int(status.read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def process_cpu_s(process_id: int) -> float | None:
    """Return the CPU seconds of another process; `None` if unknown."""
    status = Path(f"/proc/{process_id}/stat")
    if not status.is_file():
        return None
    fields = status.read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def batches_of(server: Running) -> tuple[float, float]:
    """Return the numbers of images and batches that a server has read."""
    url = f"http://{server.rest_address}/monitoring/prometheus/metrics"
    with urllib.request.urlopen(url, timeout=30) as response:
        lines = response.read().decode("utf-8").splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    name = "attention_ocr_batch_size"
    return float(found[f"{name}_sum"]), float(found[f"{name}_count"])


def row_of(
    name: str, num_clients: int, wall_s: float, times: Sequence[float], **more: Any
) -> dict[str, Any]:
    """Return the figures of a run as a row."""
    p50, p95, p99 = (1000 * float(np.quantile(times, share)) for share in (0.5, 0.95, 0.99))
    return {
        "way": name,
        "clients": num_clients,
        "images/s": len(times) / wall_s,
        "p50 ms": p50,
        "p95 ms": p95,
        "p99 ms": p99,
        **more,
    }


def read_in_process(
    base_path: Path, files: Sequence[bytes], num_clients: int, num_requests: int
) -> dict[str, Any]:
    """Read images in batches in a separate process, and return the row."""
    import attention_ocr
    from attention_ocr.serving.options import ServingOptions

    # The server's maximum batch size.
    num_images = min(num_clients, ServingOptions.max_batch_size)
    reader = attention_ocr.load(base_path, engine="tensorflow")
    batches = [
        [files[(start + index) % len(files)] for index in range(num_images)]
        for start in range(0, num_requests, num_images)
    ]
    reader.read(batches[0], batch_size=num_images)
    times = []
    begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
    for batch in batches:
        start_s = time.perf_counter()
        reader.read(batch, batch_size=num_images)
        times += [time.perf_counter() - start_s] * num_images
    wall_s = time.perf_counter() - begin_s
    cpu_ms = 1000 * (time.process_time() - begin_cpu_s) / len(times)
    memory = measure.resident_mb()
    memory_row = {"MB before": memory, "MB after": memory}
    row = {"batch": float(num_images), "CPU ms": cpu_ms, "to alone": 1.0, "refused": 0}
    return row_of("in process", num_clients, wall_s, times, **row, **memory_row)


def main(arguments: argparse.Namespace) -> None:
    """Measure each interface at each number of clients."""
    import attention_ocr
    from benchmarks.overload import measure_overload
    from benchmarks.reading import CHECK_DATA, make_model

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [path.read_bytes() for path in write_images(folder, arguments.images)]
        base_path = arguments.export
        if base_path is None:
            base_path = folder / "export"
            model = arguments.model or make_model(folder / "model")
            attention_ocr.export(model, base_path, check_data=CHECK_DATA)
        rows: list[dict[str, Any]] = []
        if arguments.overload:
            with running_server(base_path) as server:
                address = server.rest_address
                rows = measure_overload(address, MODEL_NAME, files, arguments.requests)
            measure.report(rows, arguments.json)
            return
        for batching in arguments.batching:
            with running_server(base_path, f"--enable_batching={batching}") as server:
                for num_clients in arguments.clients:
                    rows += _rows_of(server, base_path, batching, num_clients, files, arguments)
        measure.report(rows, arguments.json)


def _rows_of(
    server: Running,
    base_path: Path,
    batching: str,
    num_clients: int,
    files: Sequence[bytes],
    arguments: argparse.Namespace,
) -> list[dict[str, Any]]:
    """Measure all interfaces at a number of clients, alternately."""
    taken: dict[str, list[dict[str, Any]]] = {}
    with measure.fresh_process() as alone:
        for _ in range(arguments.rounds):
            task = alone.submit(read_in_process, base_path, files, num_clients, arguments.requests)
            taken.setdefault("in process", []).append(task.result())
            for interface in arguments.interfaces:
                row = _measure(server, interface, batching, num_clients, files, arguments)
                taken.setdefault(row["way"], []).append(row)
    rows = [_median(samples) for samples in taken.values()]
    for row in rows:
        if row["CPU ms"] is not None:
            row["to alone"] = row["CPU ms"] / rows[0]["CPU ms"]
    return rows


def _median(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians over rounds; memory is that of the first and the last round."""
    columns = ("images/s", "p50 ms", "p95 ms", "p99 ms", "batch", "CPU ms")
    medians = {
        name: None if rows[0][name] is None else statistics.median(row[name] for row in rows)
        for name in columns
    }
    refused = sum(row["refused"] for row in rows)
    return {**rows[0], **medians, "refused": refused, "MB after": rows[-1]["MB after"]}


def _measure(
    server: Running,
    interface: str,
    batching: str,
    num_clients: int,
    files: Sequence[bytes],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    address = server.rest_address if interface == "REST" else server.grpc_address
    begin_images, begin_batches = batches_of(server)
    before, begin_cpu_s = process_mb(server.process_id), process_cpu_s(server.process_id)
    with measure.fresh_process() as executor:
        task = executor.submit(
            load_server, interface, address, files, num_clients, arguments.requests
        )
        wall_s, times, refused = task.result()
    end_cpu_s = process_cpu_s(server.process_id)
    cpu_ms = None
    if begin_cpu_s is not None and end_cpu_s is not None:
        # Each client opens its connection with an additional request.
        cpu_ms = 1000 * (end_cpu_s - begin_cpu_s) / (len(times) + refused + num_clients)
    name = interface if batching == "true" else f"{interface}, no batches"
    memory = {"MB before": before, "MB after": process_mb(server.process_id)}
    end_images, end_batches = batches_of(server)
    batch = (end_images - begin_images) / max(end_batches - begin_batches, 1.0)
    row = {"batch": batch, "CPU ms": cpu_ms, "to alone": None, "refused": refused, **memory}
    return row_of(name, num_clients, wall_s, times, **row)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("--model", type=Path, metavar="DIR", help="a work directory")
    parser.add_argument("--export", type=Path, metavar="DIR", help="an existing export")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--requests", type=int, default=400, help="requests per number of clients")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=64, help="number of different images")
    parser.add_argument(
        "--interfaces",
        nargs="+",
        choices=("gRPC", "gRPC, text alone", "REST"),
        default=["gRPC", "gRPC, text alone", "REST"],
    )
    parser.add_argument("--overload", action="store_true", help="measure next to hostile clients")
    parser.add_argument(
        "--batching", nargs="+", choices=("true", "false"), default=["true", "false"]
    )
    main(parser.parse_args())

"""Memory of the model server over many requests.

Another process sends requests by gRPC and REST alternately, with several clients; the server's
memory is printed after each part. Without `--export`, a model with random weights is used.

    python -m benchmarks.endurance [--export DIR] [--requests 100000] [--part 10000] [--json FILE]
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.serving import load_server, process_mb, running_server
from benchmarks.words import write_images

INTERFACES = ("gRPC", "REST")


def main(arguments: argparse.Namespace) -> None:
    """Send requests, and report the memory after each part."""
    import attention_ocr
    from benchmarks.reading import CHECK_DATA, make_model

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [path.read_bytes() for path in write_images(folder, 16)]
        # An unreadable file takes another code path.
        files.append(files[0][:100])
        base_path = arguments.export
        if base_path is None:
            base_path = folder / "export"
            attention_ocr.export(make_model(folder / "model"), base_path, check_data=CHECK_DATA)
        rows: list[dict[str, Any]] = []
        with running_server(base_path) as server:
            for done in range(0, arguments.requests, arguments.part):
                interface = INTERFACES[len(rows) % 2]
                rest = interface == "REST"
                address = server.rest_address if rest else server.grpc_address
                with measure.fresh_process() as executor:
                    task = executor.submit(
                        load_server, interface, address, files, arguments.clients, arguments.part
                    )
                    wall_s, times, refused = task.result()
                memory = process_mb(server.process_id)
                requests = done + arguments.part
                rows.append(
                    {
                        "requests": requests,
                        "by": interface,
                        "images/s": len(times) / wall_s,
                        "refused": refused,
                        "MB": memory,
                    }
                )
                print(f"{requests} requests: {memory} MB", file=sys.stderr, flush=True)
        measure.report(rows, arguments.json)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("--export", type=Path, metavar="DIR", help="an existing export")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument(
        "--part", type=int, default=10_000, help="requests between two measurements"
    )
    parser.add_argument("--clients", type=int, default=16)
    main(parser.parse_args())

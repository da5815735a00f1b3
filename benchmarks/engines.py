"""Cost of reading word files with each engine and with other recognisers, compared in one run.

Opening, decoding and preprocessing the files are included. The model is first exported in all
formats; every reader has its own process, and rounds alternate between them. `--peers_python` is
the Python of the environment of `benchmarks/peers/requirements.txt`; without it, only the engines
of this package are timed.

    python -m benchmarks.engines [--model DIR] [--peers_python PYTHON] [--json FILE] LABELS...
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attention_ocr
from attention_ocr.data.labels import held_out_split, read_labels
from attention_ocr.settings.formats import FILES
from benchmarks import measure
from benchmarks.peers.read import PEERS

EXPORT_FORMATS = ("saved_model", "litert", "litert_int8", "onnx")
CHECK_DATA = "synthetic,fonts=bundled,num_examples=16"
READ = Path(__file__).parent / "peers" / "read.py"


def open_reader(version: Path, format_name: str) -> attention_ocr.Reader:
    """Open one format of an export, to read every image once."""
    if format_name == "saved_model":
        return attention_ocr.load(version, engine="tensorflow", second_looks=False)
    return attention_ocr.load(version / FILES[format_name], second_looks=False)


def make_work(
    version: Path, format_name: str, paths: Sequence[Path], batch_size: int
) -> Callable[[], object]:
    """Return a function that reads all files once; called in a separate process."""
    reader = open_reader(version, format_name)
    return partial(reader.read, paths, batch_size)


@contextmanager
def peer_process(peer: str, python: str, paths: Sequence[Path]) -> Any:
    """Keep a recogniser of another environment ready, and yield a call that reads all files."""
    command = [python, str(READ), peer]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield partial(_ask, process, paths)
        finally:
            process.terminate()


def _ask(process: "subprocess.Popen[str]", paths: Sequence[Path]) -> measure.Sample:
    questions, answers = process.stdin, process.stdout
    if questions is None or answers is None:
        raise ValueError("Expected a process with pipes. Received: one without")
    start = time.perf_counter()
    cpu_ms = 0.0
    for path in paths:
        questions.write(f"{path.resolve()}\n")
        questions.flush()
        cpu_ms += json.loads(answers.readline())["cpu_ms"]
    return measure.Sample(cpu_ms / 1000, time.perf_counter() - start, None)


def write_formats(model: Path | None, folder: Path) -> Path:
    """Export a model in all formats, and return the directory of the version."""
    import attention_ocr
    from attention_ocr.inference.locate import find_model

    return attention_ocr.export(
        find_model(model), folder, check_data=CHECK_DATA, formats=EXPORT_FORMATS
    )


def rows_of(
    work: Mapping[str, Callable[[], measure.Sample]], batch: int, images: int, rounds: int
) -> list[dict[str, Any]]:
    """Time readers alternately, and return a row for each, with its speed-up over SavedModel."""
    times = measure.time_alternately(work, images, rounds)
    whole = times["saved_model"]["CPU ms"]
    return [
        {"reader": name, "batch": batch, **columns, "times faster": whole / columns["CPU ms"]}
        | {"images/s": 1000 / columns["wall ms"]}
        for name, columns in times.items()
    ]


def main(arguments: argparse.Namespace) -> None:
    """Time every reader."""
    images = [
        image
        for file in arguments.labels
        for image in held_out_split(read_labels(file), arguments.every, "eval")
    ]
    step = max(1, len(images) // arguments.images)
    paths = [image.path for image in images[::step][: arguments.images]]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        # In a separate process, so that the memory of the conversion is freed.
        with measure.fresh_process() as executor:
            folder = Path(name)
            version = executor.submit(write_formats, arguments.model, folder).result()
        for batch_size in arguments.batch_sizes:
            with ExitStack() as stack:
                work: dict[str, Callable[[], measure.Sample]] = {
                    format_name: stack.enter_context(
                        measure.own_process(
                            partial(make_work, version, format_name, paths, batch_size)
                        )
                    )
                    for format_name in EXPORT_FORMATS
                }
                if arguments.peers_python and batch_size == 1:
                    for peer in arguments.peers:
                        process = peer_process(peer, arguments.peers_python, paths)
                        work[peer] = stack.enter_context(process)
                rows += rows_of(work, batch_size, len(paths), arguments.rounds)
    measure.report(rows, arguments.json)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("labels", type=Path, nargs="+", help="labels.tsv files")
    parser.add_argument("--model", type=Path, metavar="DIR", help="default: the package's model")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=["tesseract", "ppocr-tiny"])
    parser.add_argument("--peers_python", metavar="PYTHON", help="Python of the peers' environment")
    parser.add_argument("--every", type=int, default=5, help="read every N-th image")
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--images", type=int, default=128, help="files per round")
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args())

"""Reading as a node of a cluster does: memory over many readings, and throughput of processes.

Narrow crops are read with the bundled model into shards, by the function that nodes run. The memory
of one process is printed after each shard. Then one process and several read alternately, as other
programs take a part of the processor: `ratio` is their images per second over those of one.

    python -m benchmarks.cluster_reading [--readings 1000000] [--workers 2] [--json FILE]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from attention_ocr.cluster.parts import Job, open_job
from attention_ocr.cluster.reading import ReadingOptions, _model_file, _read_part
from attention_ocr.data.image_items import EncodedImage
from attention_ocr.data.shared_folder import SharedFolder
from benchmarks import measure


def make_crops(count: int = 64) -> list[EncodedImage]:
    """Return crops of two digits, and one file that cannot be decoded."""
    crops = []
    for index in range(count):
        pixels = np.full((24, 32, 3), 255, np.uint8)
        cv2.putText(pixels, f"{index:02}", (3, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1)
        encoded = cv2.imencode(".png", pixels)[1].tobytes()
        crops.append(EncodedImage(f"{index}.png", "", encoded))
    return [*crops, EncodedImage("bad.png", "", crops[0].encoded[:40])]


class Node:
    """Reads shards in a separate folder, and removes them.

    Args:
        shard_size: Images of a shard.
    """

    def __init__(self, shard_size: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        folder = SharedFolder(self._folder.name)
        self._job: Job = open_job(folder, {})
        file = _model_file(None)
        self._read = partial(_read_part, f"model{file.suffix}", ReadingOptions("jsonl"))
        Path(self._folder.name, f"model{file.suffix}").write_bytes(file.read_bytes())
        self._items = list(islice(cycle(make_crops()), shard_size))

    def __call__(self) -> int:
        """Read a shard and return the number of its images."""
        report = self._read(self._job, 0, self._items)
        for name in report["files"]:
            self._job.output.remove(name)
        return int(report["num_read"] + report["num_rejected"])


def measure_memory(readings: int, shard_size: int, most_cpu_s: float) -> list[dict[str, Any]]:
    """Return a row for each shard: readings so far, speed, memory."""
    node = Node(shard_size)
    rows: list[dict[str, Any]] = []
    begun = time.process_time()
    done = 0
    while done < readings and time.process_time() - begun < most_cpu_s:
        start = time.process_time()
        done += node()
        cpu_ms = 1000 * (time.process_time() - start) / shard_size
        rows.append({"readings": done, "CPU ms": cpu_ms, "MB": measure.resident_mb()})
        print(f"{done} readings: {rows[-1]['MB']:.1f} MB", file=sys.stderr, flush=True)
    return rows


def measure_workers(count: int, shard_size: int, rounds: int) -> dict[str, Any]:
    """Return a row: images per second of several processes over those of one, alternately."""
    with ExitStack() as stack:
        make: Callable[[], Node] = partial(Node, shard_size)
        works = [stack.enter_context(measure.own_process(make)) for _ in range(count)]
        threads = stack.enter_context(ThreadPoolExecutor(count))
        ratios, cpu_ratios = [], []
        for number in range(1 + rounds):
            taken: dict[int, tuple[float, float]] = {}
            for size in (1, count) if number % 2 else (count, 1):
                start = time.perf_counter()
                samples = list(threads.map(lambda work: work(), works[:size]))
                wall_s = time.perf_counter() - start
                taken[size] = wall_s / size, sum(sample.cpu_s for sample in samples) / size
            if number:
                ratios.append(taken[1][0] / taken[count][0])
                cpu_ratios.append(taken[1][1] / taken[count][1])
    return {
        "processes": count,
        "ratio": median(ratios),
        "lowest ratio": min(ratios),
        "highest ratio": max(ratios),
        "of CPU time": count * median(cpu_ratios),
    }


def main(arguments: argparse.Namespace) -> None:
    """Measure memory, then throughput, and report both."""
    # As in a process of a cluster: one thread.
    cv2.setNumThreads(1)
    rows = measure_memory(arguments.readings, arguments.shard_size, 60 * arguments.minutes)
    measure.report(rows, arguments.json)
    if arguments.workers > 1:
        beside = arguments.json and arguments.json.with_stem(f"{arguments.json.stem}_workers")
        row = measure_workers(arguments.workers, arguments.shard_size, arguments.rounds)
        measure.report([row], beside)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("--readings", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=600.0, help="maximum processor time")
    parser.add_argument("--shard_size", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2, help="1 for no comparison")
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args())

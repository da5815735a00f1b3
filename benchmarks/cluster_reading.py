"""Reading as a node of a cluster does: memory over many readings, and throughput of processes.

Narrow crops are read with the bundled model into shards, by the function that nodes run. The memory
of one process is printed after each shard. Then one process and several read in alternation, as
other programs take a part of the processor. `ratio` is their images per second over those of one by
the clock, the median of the rounds; `of CPU time` is the same by processor time, which is what it
would be with a core for each process.

    python -m benchmarks.cluster_reading [--readings 1000000] [--workers 2] [--json FILE]
    python -m benchmarks.cluster_reading --measure throughput --workers 2 --rounds 9
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
from statistics import median
from typing import Any

import cv2
import numpy as np

from attention_ocr.cluster.parts import Job, open_job
from attention_ocr.cluster.reading import ReadingOptions, _models, _read_part
from attention_ocr.cluster.sent_models import send
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
        options = ReadingOptions("jsonl")
        ((sent, path),) = _models(None, options)
        send(self._job, sent, path)
        self._read = partial(_read_part, (sent,), options)
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


def measure_throughput(count: int, shard_size: int, rounds: int) -> list[dict[str, Any]]:
    """Return a row for one process and one for several, which read a shard each in alternation."""
    with ExitStack() as stack:
        make: Callable[[], Node] = partial(Node, shard_size)
        works = [stack.enter_context(measure.own_process(make)) for _ in range(count)]
        threads = stack.enter_context(ThreadPoolExecutor(count))
        walls: dict[int, list[float]] = {1: [], count: []}
        cpus: dict[int, list[float]] = {1: [], count: []}
        # The first round, in which the processes open the model, does not count.
        for number in range(1 + rounds):
            for size in (1, count) if number % 2 else (count, 1):
                start = time.perf_counter()
                samples = list(threads.map(lambda work: work(), works[:size]))
                wall_s = time.perf_counter() - start
                if number:
                    images = size * shard_size
                    walls[size].append(1000 * wall_s / images)
                    cpus[size].append(1000 * sum(sample.cpu_s for sample in samples) / images)
    rows = []
    for size in (1, count):
        ratios = [one / several for one, several in zip(walls[1], walls[size], strict=True)]
        cpu_ratios = [one / several for one, several in zip(cpus[1], cpus[size], strict=True)]
        rows.append(
            {
                "processes": size,
                "images per s": 1000 / median(walls[size]),
                "wall ms": median(walls[size]),
                "CPU ms": median(cpus[size]),
                "ratio": median(ratios),
                "lowest ratio": min(ratios),
                "highest ratio": max(ratios),
                "of CPU time": size * median(cpu_ratios),
            }
        )
    return rows


def main(arguments: argparse.Namespace) -> None:
    """Measure memory, then throughput, and report both."""
    # As in a process of a cluster: one thread.
    cv2.setNumThreads(1)
    json_file = arguments.json
    if arguments.measure != "throughput":
        rows = measure_memory(arguments.readings, arguments.shard_size, 60 * arguments.minutes)
        measure.report(rows, json_file)
        json_file = json_file and json_file.with_stem(f"{json_file.stem}_throughput")
    if arguments.measure != "memory":
        rows = measure_throughput(arguments.workers, arguments.shard_size, arguments.rounds)
        measure.report(rows, json_file)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("--measure", choices=("memory", "throughput", "both"), default="both")
    parser.add_argument("--readings", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=600.0, help="maximum processor time")
    parser.add_argument("--shard_size", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2, help="processes beside one")
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args())

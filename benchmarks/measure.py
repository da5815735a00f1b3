"""Shared measurement code: rounds of CPU and wall time, memory, a table, JSON."""

import argparse
import gc
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """Time and memory of one call.

    Attributes:
        cpu_s: CPU seconds of all threads of its process.
        wall_s: Wall-clock seconds.
        peak_mb: Peak memory of that process so far; `None` if unknown.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float | None


def take_sample(call: Callable[[], object]) -> Sample:
    """Time one call."""
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return Sample(time.process_time() - cpu, time.perf_counter() - wall, peak_mb())


def time_alternately(
    work: Mapping[str, Callable[[], Sample]], units: int, rounds: int
) -> dict[str, dict[str, Any]]:
    """Time several functions alternately, so that other load affects all alike.

    Args:
        work: Functions to time, by name: each call does `units` units of work and returns its
            sample. Each is called once before, untimed.
        units: Units of work per call.
        rounds: Timed calls of each.

    Returns:
        By name, the columns of a row: medians per unit, and the range of its CPU time.
    """
    for call in work.values():
        call()
    samples: dict[str, list[Sample]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, call in work.items():
            samples[name].append(call())
    return {name: _columns(taken, units) for name, taken in samples.items()}


def time_pair(
    first: Callable[[int], object],
    second: Callable[[int], object],
    count: int,
    rounds: int,
    run_length: int = 1,
) -> dict[str, Any]:
    """Time two ways to do the same, item by item, alternating which one is first.

    Args:
        first: Does the work of an item, by its place.
        second: Does it the other way.
        count: Items in a round.
        rounds: Timed rounds, after one that does not count.
        run_length: Items done one way before the same are done the other way. With 1, each way
            finds the caches as the other left them; with `count`, as it left them itself.

    Returns:
        The columns of a row: median CPU time of an item each way, and their ratio.
    """
    taken: dict[int, list[float]] = {0: [], 1: []}
    for round_number in range(rounds + 1):
        for run_number, begin in enumerate(range(0, count, run_length)):
            items = range(begin, min(begin + run_length, count))
            for way in (0, 1) if (run_number + round_number) % 2 else (1, 0):
                for item in items:
                    start = time.process_time()
                    (first, second)[way](item)
                    if round_number:
                        taken[way].append(1000 * (time.process_time() - start))
    medians = [statistics.median(taken[way]) for way in (0, 1)]
    return {"CPU ms": medians[0], "beside ms": medians[1], "ratio": medians[0] / medians[1]}


def _columns(samples: Sequence[Sample], units: int) -> dict[str, Any]:
    cpu_ms = [1000 * sample.cpu_s / units for sample in samples]
    return {
        "CPU ms": statistics.median(cpu_ms),
        "lowest": min(cpu_ms),
        "highest": max(cpu_ms),
        "wall ms": statistics.median(1000 * sample.wall_s / units for sample in samples),
        "peak MB": samples[-1].peak_mb,
    }


@contextmanager
def own_process(make: Callable[[], Callable[[], object]]) -> Iterator[Callable[[], Sample]]:
    """Run a function in a separate process, so that its memory is measured separately.

    Args:
        make: Makes the function in that process; a module-level function, or a
            `functools.partial` of one.

    Yields:
        A function that calls it there once and returns its sample.
    """
    with fresh_process(_keep, make) as executor:
        yield lambda: executor.submit(_sample_kept).result()
        executor.submit(_release).result()


def fresh_process(
    initializer: Callable[..., None] | None = None, *args: Any
) -> ProcessPoolExecutor:
    """Return an executor with one spawned process."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer, args)


_kept: list[Callable[[], object]] = []


def _keep(make: Callable[[], Callable[[], object]]) -> None:
    _kept.append(make())


def _sample_kept() -> Sample:
    return take_sample(_kept[0])


def _release() -> None:
    # An input pipeline that is still running at exit would crash the interpreter.
    _kept.clear()
    gc.collect()


def resident_mb() -> float | None:
    """Return the current memory of the process in megabytes; `None` if unknown."""
    status = Path("/proc/self/statm")
    if not status.is_file():
        return None
    pages = int(status.read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float | None:
    """Return the peak memory of the process in megabytes; `None` on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, kibibytes elsewhere.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the option common to all benchmarks."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    return parser


def report(rows: Sequence[Mapping[str, Any]], json_file: Path | None) -> None:
    """Print rows with equal keys as a table, and write them and the machine as JSON."""
    columns = list(rows[0])
    cells = [columns] + [[_format(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    numeric = [isinstance(rows[0][column], int | float) for column in columns]
    for line in cells:
        padded = [
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(line, widths, numeric, strict=True)
        ]
        print("  ".join(padded).rstrip())
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
    }
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    if json_file is not None:
        document = {"machine": machine, "rows": [dict(row) for row in rows]}
        json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _format(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if value < 1000 else f"{value:.0f}"
    return "-" if value is None else str(value)

"""What the benchmarks share: rounds of CPU and wall time, memory, a table, JSON."""

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Times(NamedTuple):
    """Medians over the rounds, for one unit of work.

    Attributes:
        cpu_ms: milliseconds of all threads of the process.
        wall_ms: milliseconds on the clock.
    """

    cpu_ms: float
    wall_ms: float


def measure_alternating(
    work: Mapping[str, Callable[[], object]], units: int, rounds: int
) -> dict[str, Times]:
    """Time several kinds of work in turn, so that what else the machine does hits all alike.

    Args:
        work: what is timed, by name; one call does `units` units. Each is called once before.
        units: units of work in a call.
        rounds: timed calls of each.
    """
    for call in work.values():
        call()
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, call in work.items():
            cpu, wall = time.process_time(), time.perf_counter()
            call()
            samples[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    return {
        name: Times(
            statistics.median(cpu for cpu, _ in taken) * 1000 / units,
            statistics.median(wall for _, wall in taken) * 1000 / units,
        )
        for name, taken in samples.items()
    }


def resident_mb() -> float:
    """Return the memory the process holds now, in megabytes; its peak where that is not told."""
    status = Path("/proc/self/statm")
    if status.is_file():
        pages = int(status.read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return peak_mb()


def peak_mb() -> float:
    """Return the most memory the process has held, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def parse_arguments(description: str, **defaults: int | str) -> argparse.Namespace:
    """Parse `--json` and an option for each default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    return parser.parse_args()


def report(rows: Sequence[Mapping[str, Any]], json_file: Path | None) -> None:
    """Print rows of equal keys as a table, and write them with the machine as JSON."""
    columns = list(rows[0])
    cells = [columns] + [[_format(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    for line in cells:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        )
    if json_file is not None:
        machine = {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        }
        document = {"machine": machine, "rows": list(rows)}
        json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _format(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)

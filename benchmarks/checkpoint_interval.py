"""Which checkpoint interval costs a training of several workers the least time.

    python -m benchmarks.checkpoint_interval --workers=8 --mtbf_h=500

A discrete-event simulation (SimPy) of the run: all workers train in step; the loss of one ends the
step of all, and the run starts again from the newest checkpoint. Beside it stands the interval of
Young (1974), `sqrt(2 * checkpoint_s * mtbf_s / workers)`, which neglects restarts.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attention_ocr.io.extras import extra
from benchmarks import measure


@dataclass(frozen=True)
class Training:
    """A training job.

    Attributes:
        work_s: Seconds that it takes without failures and checkpoints.
        workers: Number of workers.
        mtbf_s: Mean time between failures of one worker.
        checkpoint_s: Time for which a checkpoint stops all workers.
        restart_s: Time from the loss of a worker to the first step after it.
    """

    work_s: float
    workers: int
    mtbf_s: float
    checkpoint_s: float
    restart_s: float

    @property
    def young_s(self) -> float:
        """The interval of Young's formula."""
        return math.sqrt(2.0 * self.checkpoint_s * self.mtbf_s / self.workers)


def simulate(training: Training, interval_s: float, seed: int) -> float:
    """Return the duration of a run in seconds.

    Args:
        training: The job.
        interval_s: Seconds of training between checkpoints.
        seed: Seed of the failures.
    """
    with extra("plots", "Simulating a training"):
        import simpy

    chance = np.random.default_rng(seed)
    environment = simpy.Environment()

    def run() -> Any:
        saved_s = 0.0
        while saved_s < training.work_s:
            step_s = min(interval_s, training.work_s - saved_s)
            try:
                yield environment.timeout(step_s + training.checkpoint_s)
            except simpy.Interrupt:
                # A worker that is lost while the others start again costs another start.
                while True:
                    try:
                        yield environment.timeout(training.restart_s)
                    except simpy.Interrupt:
                        continue
                    break
            else:
                saved_s += step_s

    def fail(process: Any) -> Any:
        while True:
            # The first failure among the workers.
            yield environment.timeout(chance.exponential(training.mtbf_s / training.workers))
            if process.is_alive:
                process.interrupt()

    process = environment.process(run())
    environment.process(fail(process))
    environment.run(until=process)
    return float(environment.now)


def compare(training: Training, factors: Sequence[float], rounds: int) -> list[dict[str, Any]]:
    """Return a row for each interval, in multiples of Young's."""
    rows = []
    for factor in factors:
        interval_s = factor * training.young_s
        durations = [simulate(training, interval_s, seed) for seed in range(rounds)]
        rows.append(
            {
                "interval min": interval_s / 60.0,
                "of Young's": float(factor),
                "duration h": statistics.mean(durations) / 3600.0,
                "overhead %": 100.0 * (statistics.mean(durations) / training.work_s - 1.0),
            }
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, print a table and write JSON."""
    parser = measure.make_parser(__doc__)
    parser.add_argument("--work_h", type=float, default=100.0, help="hours of training")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--mtbf_h", type=float, default=500.0, help="of one worker")
    parser.add_argument("--checkpoint_s", type=float, default=5.0)
    parser.add_argument("--restart_s", type=float, default=90.0)
    parser.add_argument("--rounds", type=int, default=200, help="simulated runs of each interval")
    args = parser.parse_args(arguments)
    training = Training(
        3600.0 * args.work_h,
        args.workers,
        3600.0 * args.mtbf_h,
        args.checkpoint_s,
        args.restart_s,
    )
    measure.report(
        compare(training, (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0), args.rounds), args.json
    )


if __name__ == "__main__":
    main()

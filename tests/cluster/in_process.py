"""An engine that runs tasks in this process, pickled as a cluster would, and fails on request."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Killed(BaseException):
    """The end of a process."""


class InProcess:
    """Runs tasks in this process.

    Args:
        runs_twice: Whether every task runs twice, as after the loss of a node.
        killed_after: Number of tasks after which the command is killed.

    Attributes:
        num_run: Number of tasks that ran.
    """

    def __init__(self, runs_twice: bool = False, killed_after: int | None = None) -> None:
        self.num_run = 0
        self._times = 2 if runs_twice else 1
        self._killed_after = killed_after

    def run(
        self, function: Callable[[Any], Any], tasks: Iterable[Any], in_order: bool = False
    ) -> Iterator[Any]:
        results = []
        for task in tasks:
            if self.num_run == self._killed_after:
                raise Killed
            for _ in range(self._times):
                there, own = pickle.loads(pickle.dumps((function, task)))
                result = there(own)
            self.num_run += 1
            results.append(result)
            if len(results) == 2:
                # Two at once: without `in_order` they come as they are finished.
                yield from results if in_order else reversed(results)
                results = []
        yield from results

"""Runs independent tasks on the nodes of a Ray cluster."""

import itertools
import os
import platform
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol, TypeVar

import cv2
from absl import logging

from attention_ocr import __version__
from attention_ocr.cluster.address import address_of, check_reachable, require_ray

Task = TypeVar("Task")
Result = TypeVar("Result")

MAX_RETRIES = 20
"""How often a task is repeated whose node or process has died."""

_CONNECT_LIMIT_S = 45.0
_NO_PROCESSOR_LIMIT_S = 60.0
_POLL_S = 5.0


class Engine(Protocol):
    """Runs tasks somewhere."""

    def run(
        self, function: Callable[[Task], Result], tasks: Iterable[Task], in_order: bool = False
    ) -> Iterator[Result]:
        """Yield the result of each task, see `RayEngine.run`."""
        ...


class RayEngine:
    """A connection to a Ray cluster; a context manager.

    Without an address, it joins a cluster that runs on this machine, or starts one for as long as
    the block lasts.

    Args:
        engine: `ray` or `ray://HOST:PORT`.
        shows_output: Whether the output of processes on the nodes is shown here.

    Raises:
        ConnectionError: If no cluster answers there.
        ImportError: If Ray is not installed.
        ValueError: If the address is malformed, or the cluster has another version of Ray or
            Python.
    """

    def __init__(self, engine: str = "ray", shows_output: bool = False) -> None:
        require_ray()
        self._shows_output = shows_output
        self._address = address_of(engine)

    def __enter__(self) -> "RayEngine":
        if self._address is None or ":" not in self._address:
            # Processes that Ray starts end with the thread that started them.
            _connect(self._address, self._shows_output)
        else:
            check_reachable(self._address)
            _within(
                _CONNECT_LIMIT_S,
                lambda: _connect(self._address, self._shows_output),
                self._address,
            )
        return self

    def __exit__(self, *_: object) -> None:
        import ray

        ray.shutdown()

    def run(
        self, function: Callable[[Task], Result], tasks: Iterable[Task], in_order: bool = False
    ) -> Iterator[Result]:
        """Yield the result of each task, each run on one processor of a node.

        A task whose node or process dies is repeated, so that it may run twice. Tasks are drawn
        from the iterable as processors become free.

        Args:
            function: A function of an importable module; it pickles, and so do tasks and results.
            tasks: The tasks.
            in_order: Whether results come in the order of the tasks, not as they are finished.

        Raises:
            ChildProcessError: If a task was repeated too often.
            ConnectionError: If the cluster is lost, or has had no processor for a minute.
            ValueError: If a node has other versions of Python or of packages.
        """
        import ray

        remote = ray.remote(num_cpus=1, max_retries=MAX_RETRIES)(_call)
        versions = versions_here()
        waiting = iter(tasks)
        pending: list[Any] = []
        patience = _Patience()
        while True:
            room = max(0, 1 + 2 * patience.num_processors() - len(pending))
            pending += [
                remote.remote(versions, function, task) for task in itertools.islice(waiting, room)
            ]
            if not pending:
                return
            looked_at = pending[:1] if in_order else pending
            done, _ = ray.wait(looked_at, num_returns=1, timeout=_POLL_S)
            for reference in done:
                pending.remove(reference)
                yield _result_of(reference)


def versions_here() -> dict[str, str]:
    """Return the versions that must be equal on all nodes."""
    return {
        "Python": platform.python_version(),
        "attention-ocr": __version__,
        **{name: _version_of(name) for name in ("ray", "tensorflow", "numpy")},
    }


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def check_versions(versions: Mapping[str, str]) -> None:
    """Refuse a node that has other versions than the command.

    Raises:
        ValueError: If it has; the message names them.
    """
    here = versions_here()
    if here != versions:
        differing = [
            f"{name} {found} instead of {versions.get(name, 'none')}"
            for name, found in here.items()
            if found != versions.get(name)
        ]
        raise ValueError(
            "Expected the same versions on all nodes. "
            f"Received: {', '.join(differing)} on {node_name()}"
        )


def _call(versions: dict[str, str], function: Callable[[Task], Result], task: Task) -> Result:
    """Run one task, on a node."""
    check_versions(versions)
    # A node runs a process for each of its processors.
    cv2.setNumThreads(1)
    try:
        return function(task)
    except OSError as error:
        raise OSError(f"{error} (on node {node_name()})") from error


def node_name() -> str:
    """Return the name and address of the node that runs this."""
    import ray

    return f"{platform.node()}, {ray.util.get_node_ip_address()}"


class _Patience:
    """Counts the processors of the cluster, and waits for the first only so long."""

    def __init__(self) -> None:
        self._waited_s = 0.0

    def num_processors(self) -> int:
        """Return the number of processors that are alive.

        Raises:
            ConnectionError: If there has been none for a minute.
        """
        import ray

        count = int(ray.cluster_resources().get("CPU", 0))
        if count:
            self._waited_s = 0.0
            return count
        if not self._waited_s:
            logging.warning("the cluster has no node with a processor; waiting for one")
        self._waited_s += _POLL_S
        if self._waited_s > _NO_PROCESSOR_LIMIT_S:
            raise ConnectionError(
                "Expected a cluster with processors. "
                f"Received: none for {_NO_PROCESSOR_LIMIT_S:.0f} s"
            )
        return 0


def _result_of(reference: Any) -> Any:
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, (ValueError, OSError, ImportError)):
            raise cause from None
        raise
    except ray.exceptions.RayError as error:
        first_line = str(error).strip().splitlines()[0]
        raise ChildProcessError(
            f"A task ended its process, or lost its node, {MAX_RETRIES + 1} times, perhaps for "
            f"lack of memory. Received: {type(error).__name__}: {first_line}"
        ) from error


def _connect(address: str | None, shows_output: bool) -> None:
    import ray

    # Ray would report statistics over the network.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(
            address=address,
            include_dashboard=False if address is None else None,
            log_to_driver=shows_output,
            logging_level="ERROR",
        )
    except RuntimeError as error:
        if "ersion" in str(error):
            message = " ".join(str(error).split())
            raise ValueError(
                f"Expected a cluster of the same versions. Received: {message}"
            ) from error
        raise ConnectionError(_no_cluster(address, str(error))) from error
    except OSError as error:
        raise ConnectionError(_no_cluster(address, str(error))) from error


def _no_cluster(address: str | None, reason: str) -> str:
    lines = reason.strip().splitlines() or ["no answer"]
    return f"Expected a Ray cluster at {address or 'this machine'}. Received: {lines[0]}"


def _within(limit_s: float, function: Callable[[], None], address: str | None) -> None:
    """Call a function that may hang; wait for it only so long."""
    errors: list[BaseException] = []

    def call() -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - raised by the caller
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        raise ConnectionError(_no_cluster(address, f"no answer within {limit_s:.0f} s"))
    if errors:
        error = errors[0]
        if isinstance(error, (ValueError, OSError)):
            raise error
        raise ConnectionError(_no_cluster(address, str(error))) from error

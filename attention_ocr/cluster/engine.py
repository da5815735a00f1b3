"""Runs independent tasks on the nodes of a Ray cluster."""

import atexit
import functools
import itertools
import math
import os
import platform
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
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
_ANSWER_LIMIT_S = 35.0
_SHUTDOWN_LIMIT_S = 5.0
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
        self._is_lost = False

    def __enter__(self) -> "RayEngine":
        if self._address is None or ":" not in self._address:
            # Processes that Ray starts end with the thread that started them.
            _connect(self._address, self._shows_output)
        else:
            check_reachable(self._address)
            try:
                _within(_CONNECT_LIMIT_S, lambda: _connect(self._address, self._shows_output))
            except _NoAnswerError as error:
                raise ConnectionError(_no_cluster(self._address, str(error))) from error
        return self

    def __exit__(self, *_: object) -> None:
        import ray

        if self._is_lost and self._address and ":" in self._address:
            # Ray says goodbye at the end of the process too, and waits for an answer.
            atexit.unregister(ray.shutdown)
        with suppress(_NoAnswerError):
            _within(_SHUTDOWN_LIMIT_S if self._is_lost else math.inf, ray.shutdown)

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
            count = patience.counted(self._answer(ray.cluster_resources))
            for task in itertools.islice(waiting, max(0, 1 + 2 * count - len(pending))):
                submit = functools.partial(remote.remote, versions, function, task)
                pending.append(self._answer(submit))
            if not pending:
                return
            looked_at = pending[:1] if in_order else pending
            wait = functools.partial(ray.wait, looked_at, num_returns=1, timeout=_POLL_S)
            done, _ = self._answer(wait)
            for reference in done:
                pending.remove(reference)
                result, error = self._answer(functools.partial(_outcome_of, reference))
                if error is not None:
                    raise error
                yield result

    def _answer(self, ask: Callable[[], Result]) -> Result:
        """Ask the cluster; without a head, Ray waits for a minute and then ends this process."""
        try:
            return _within(_ANSWER_LIMIT_S, ask)
        except Exception as error:
            # Ray's client passes on those of gRPC.
            classes = {cls.__name__ for cls in type(error).__mro__}
            if classes.isdisjoint({"_NoAnswerError", "RpcError", "ConnectionError"}):
                raise
            self._is_lost = True
            where = self._address or "this machine"
            details = getattr(error, "details", None)
            reason = str(details() if callable(details) else error).strip() or type(error).__name__
            raise ConnectionError(
                f"Expected a Ray cluster at {where} that answers; start it, and the command, "
                f"again. Received: {reason.splitlines()[0]}"
            ) from error


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


class _NoAnswerError(Exception):
    """Raised by `_within`; a task may raise every other error."""


class _Patience:
    """Counts the processors of the cluster, and waits for the first only so long."""

    def __init__(self) -> None:
        self._waited_s = 0.0

    def counted(self, resources: Mapping[str, float]) -> int:
        """Return the number of processors that are alive, given the resources of the cluster.

        Raises:
            ConnectionError: If there has been none for a minute.
        """
        count = int(resources.get("CPU", 0))
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


def _outcome_of(reference: Any) -> tuple[Any, Exception | None]:
    """Return the result of a finished task, or its error; raise errors of the cluster."""
    import ray

    try:
        return ray.get(reference), None
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        return None, cause if isinstance(cause, (ValueError, OSError, ImportError)) else error
    except ray.exceptions.RpcError:
        raise
    except ray.exceptions.RayError as error:
        first_line = str(error).strip().splitlines()[0]
        return None, ChildProcessError(
            f"A task ended its process, or lost its node, {MAX_RETRIES + 1} times, perhaps for "
            f"lack of memory. Received: {type(error).__name__}: {first_line}"
        )


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


def _within(limit_s: float, function: Callable[[], Result]) -> Result:
    """Call a function that may hang; wait for it only so long.

    Raises:
        _NoAnswerError: If it has not returned by then.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - raised by the caller
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(limit_s if math.isfinite(limit_s) else None)
    if errors:
        raise errors[0]
    if not results:
        raise _NoAnswerError(f"no answer within {limit_s:.0f} s")
    return results[0]

"""Training on a Ray cluster: reserves workers, and runs the ordinary training in each of them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from absl import logging

import attention_ocr
from attention_ocr.cluster.engine import check_versions, node_name, versions_here

MAX_RESTARTS = 100
"""How often all workers are started again after the loss of one."""

LOST = "Lost another of the"
"""In the error of a worker that ended because another did."""

IN_USE = "is in use by another run"
"""In the error of a worker whose work directory another process holds."""

_NOTICE_S = 10.0
_RESERVE_LIMIT_S = 600.0
_END_LIMIT_S = 180.0
_PAUSES_S = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
_LINES_KEPT = 50
_SIGNALLED = 128


@dataclass(frozen=True)
class Workers:
    """The workers of a run.

    Attributes:
        count: Their number.
        num_cpus: Processors that Ray reserves for each.
        num_gpus: GPUs of each, which no other task sees.
    """

    count: int
    num_cpus: int = 1
    num_gpus: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or self.num_cpus < 1 or self.num_gpus < 0:
            raise ValueError(
                "Expected at least one worker with at least one processor. "
                f"Received: {self.count} workers of {self.num_cpus} processors and "
                f"{self.num_gpus} GPUs"
            )


class Ended(NamedTuple):
    """The end of a training process.

    Attributes:
        status: Its exit status; negative for a signal.
        message: The last line of its output.
    """

    status: int
    message: str


# Windows has no SIGKILL.
LOST_PROCESS = Ended(-getattr(signal, "SIGKILL", 9), "its node or process was lost")


def train_on_ray(arguments: Sequence[str], workers: Workers) -> None:
    """Run `attention-ocr train` in several processes of the connected cluster, as one training.

    When a worker is lost, all are started again, and resume from the newest checkpoint that all
    have. An error of a worker itself ends the run.

    Args:
        arguments: Arguments of the command.
        workers: The workers.

    Raises:
        ChildProcessError: If a worker has failed, or workers were lost too often.
        ConnectionError: If the cluster does not have the processors or GPUs.
        KeyboardInterrupt: If this process was interrupted; the workers have written a checkpoint.
    """
    for attempt in range(1 + MAX_RESTARTS):
        if attempt:
            time.sleep(_PAUSES_S[min(attempt, len(_PAUSES_S)) - 1])
        lost = reason_to_restart(_run_group(arguments, workers), is_first=not attempt)
        if lost is None:
            return
        logging.warning("%s; starting all workers again", lost)
    raise ChildProcessError(
        f"Expected workers that live. Received: {1 + MAX_RESTARTS} losses, the last: {lost}"
    )


def reason_to_restart(ended: Sequence[Ended], is_first: bool = False) -> str | None:
    """Return why all workers must start again; None if they have finished.

    Args:
        ended: The end of each worker.
        is_first: Whether they were started for the first time: a work directory in use is then
            that of another command, later that of a lost worker, which is freed after five minutes.

    Raises:
        ChildProcessError: If a worker has failed by itself.
    """
    failed = {index: end for index, end in enumerate(ended) if end.status}
    # By a signal, at once or after a checkpoint.
    lost = {index: end for index, end in failed.items() if not 0 < end.status < _SIGNALLED}
    others = {index: end for index, end in failed.items() if index not in lost}
    own = {
        index: end
        for index, end in others.items()
        if LOST not in end.message and (is_first or IN_USE not in end.message)
    }
    # The loss of a worker may end others with any error.
    if own and not lost:
        index, end = next(iter(own.items()))
        raise ChildProcessError(f"worker {index}: {end.message}")
    for index, end in (*lost.items(), *others.items()):
        return f"worker {index}: {end.message}"
    return None


def tf_config(addresses: Sequence[str], index: int) -> str:
    """Return the value of `TF_CONFIG` of a worker.

    Example:
        >>> tf_config(["10.0.0.1:2222"], 0)
        '{"cluster": {"worker": ["10.0.0.1:2222"]}, "task": {"type": "worker", "index": 0}}'
    """
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": task})


class TrainingWorker:
    """Runs one training process, on a node."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def address(self, versions: Mapping[str, str]) -> str:
        """Return the address of this node with a free port.

        Args:
            versions: Those of the command, which the node must have as well.

        Raises:
            ValueError: If the node has others.
        """
        import ray

        check_versions(versions)
        host = ray.util.get_node_ip_address()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as listener:
            listener.bind(("", 0))
            port = listener.getsockname()[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def run(self, arguments: Sequence[str], config: str, folder: str, is_shown: bool) -> Ended:
        """Run the process to its end.

        Args:
            arguments: Arguments of `attention-ocr train`.
            config: Value of `TF_CONFIG`.
            folder: Working directory, if this node has it.
            is_shown: Whether its output is printed, which Ray sends to the command.
        """
        root = str(Path(attention_ocr.__file__).parents[1])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        # Windows refuses any such function.
        in_child = _end_with_parent if sys.platform == "linux" else None
        lines: deque[str] = deque(["ended without a message"], _LINES_KEPT)
        with subprocess.Popen(
            [sys.executable, "-m", "attention_ocr", "train", *arguments],
            cwd=folder if Path(folder).is_dir() else None,
            env=os.environ | {"TF_CONFIG": config, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            preexec_fn=in_child,  # noqa: PLW1509 - calls one function of libc
        ) as self._process:
            for line in self._process.stdout or ():
                if line.strip():
                    lines.append(line.strip())
                if is_shown:
                    sys.stdout.write(line)
                    sys.stdout.flush()
            status = self._process.wait()
        if status and not is_shown:
            sys.stdout.write("\n".join(lines) + "\n")
        return Ended(status, f"{lines[-1]} (on node {node_name()})")

    def stop(self) -> None:
        """Stop the process after a checkpoint."""
        if self._process is not None:
            self._process.terminate()


def _end_with_parent() -> None:
    """Have Linux kill this process when the process of Ray that started it ends."""
    import ctypes

    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


def _run_group(arguments: Sequence[str], workers: Workers) -> list[Ended]:
    """Start all workers, and return their ends."""
    import ray
    from ray.util.placement_group import placement_group, remove_placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    bundle = {"CPU": workers.num_cpus} | ({"GPU": workers.num_gpus} if workers.num_gpus else {})
    group = placement_group([bundle] * workers.count, strategy="SPREAD")
    hosts: list[Any] = []
    try:
        _reserve(group, f"{workers.count} times {bundle}")
        remote = ray.remote(max_concurrency=2)(TrainingWorker)
        hosts += [
            remote.options(
                num_cpus=workers.num_cpus,
                num_gpus=workers.num_gpus,
                scheduling_strategy=PlacementGroupSchedulingStrategy(group, index),
            ).remote()
            for index in range(workers.count)
        ]
        return _ends(arguments, hosts)
    finally:
        for host in hosts:
            ray.kill(host)
        remove_placement_group(group)


def _reserve(group: Any, wanted: str) -> None:
    """Wait until a group has its resources: a cluster that grows takes minutes."""
    import ray

    if group.wait(_NOTICE_S):
        return
    logging.warning("waiting for %s; free are %s", wanted, ray.available_resources())
    if not group.wait(_RESERVE_LIMIT_S):
        raise ConnectionError(
            f"Expected a cluster with {wanted} free. "
            f"Received: {ray.available_resources()} after {_RESERVE_LIMIT_S:.0f} s"
        )


def _ends(arguments: Sequence[str], hosts: Sequence[Any]) -> list[Ended]:
    import ray

    try:
        addresses = ray.get([host.address.remote(versions_here()) for host in hosts])
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayActorError:
        return [LOST_PROCESS] * len(hosts)
    folder = str(Path.cwd())
    running = [
        host.run.remote(arguments, tf_config(addresses, index), folder, index == 0)
        for index, host in enumerate(hosts)
    ]
    try:
        _wait(running)
    except KeyboardInterrupt:
        for host in hosts:
            host.stop.remote()
        ray.wait(running, num_returns=len(running), timeout=_END_LIMIT_S)
        raise
    return [_end(reference) for reference in running]


def _wait(running: Sequence[Any]) -> None:
    """Wait until all workers have ended; when one has failed, for the others only so long."""
    import ray

    pending, deadline = list(running), float("inf")
    while pending and time.monotonic() < deadline:
        done, pending = ray.wait(pending, timeout=5.0)
        if any(_end(reference).status for reference in done):
            deadline = min(deadline, time.monotonic() + _END_LIMIT_S)


def _end(reference: Any) -> Ended:
    import ray

    try:
        end: Ended = ray.get(reference, timeout=0.0)
    except (ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError):
        return LOST_PROCESS
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    return end

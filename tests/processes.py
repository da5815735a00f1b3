"""Real training processes, single or in groups, that a test may kill."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.networks import Network

REPOSITORY = Path(__file__).parents[1]
PATIENCE_S = 600.0
"""Time after which a process counts as hung, even on a busy machine."""


@contextmanager
def receiving_ctrl_c() -> Iterator[None]:
    """Let processes started in the block receive Ctrl-C, even in a background job of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Processes:
    """`train.py` in one process, or in several that train together on this machine.

    Args:
        settings: Flags by name.
        work_dir: Work directory of the run.
        count: Number of processes.
        net: Network whose hosts run them, one each; by default this machine.
        address: Work directory of the run in place of `work_dir`, which then names its logs only.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        work_dir: Path,
        count: int = 1,
        net: Network | None = None,
        address: str | None = None,
    ) -> None:
        self.work_dir = work_dir
        work_dir.parent.mkdir(parents=True, exist_ok=True)
        self._logs = [work_dir.with_name(f"{work_dir.name}-{i}.log") for i in range(count)]
        flags = [
            f"--{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
            for name, value in settings.items()
        ]
        command = [sys.executable, "train.py", *flags, f"--work_dir={address or work_dir}"]
        if count > 1:
            command.append("--strategy=multi_worker")
        addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
        if net is not None:
            addresses = [f"{address}:2222" for address in net.addresses[:count]]
        self.popen = []
        for index, log in enumerate(self._logs):
            environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
            if count > 1:
                cluster = {"worker": addresses}
                task = {"type": "worker", "index": index}
                environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
            with log.open("wb") as output, receiving_ctrl_c():
                self.popen.append(
                    subprocess.Popen(
                        [*(net.on(index) if net else ()), *command],
                        cwd=REPOSITORY,
                        env=environment,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                    )
                )

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.popen:
            process.kill()
            process.wait()

    def output(self, index: int = 0) -> str:
        """Return the output of a process so far."""
        return self._logs[index].read_text(encoding="utf-8", errors="replace")

    def outputs(self) -> str:
        """Return the output of all processes so far."""
        return "\n".join(self.output(index) for index in range(len(self.popen)))

    def end(self) -> list[int]:
        """Wait for all processes while they produce output; return their exit statuses."""
        written, deadline = "", time.monotonic() + PATIENCE_S
        while any(process.poll() is None for process in self.popen):
            if self.outputs() != written:
                written, deadline = self.outputs(), time.monotonic() + PATIENCE_S
            if time.monotonic() > deadline:
                raise AssertionError(f"no end:\n{written}")
            time.sleep(0.1)
        return [process.returncode for process in self.popen]

    def end_well(self) -> None:
        """Wait for all processes and require exit status 0."""
        statuses = self.end()
        assert not any(statuses), f"{statuses}\n{self.outputs()}"

    def have_ended(self) -> bool:
        """Return whether one of the processes has ended."""
        return any(process.poll() is not None for process in self.popen)

    def wait_for_checkpoint(self, above: int = 0) -> int:
        """Wait for a checkpoint of a step above `above`; return the newest step."""
        deadline = time.monotonic() + PATIENCE_S
        while newest_step(self.work_dir) <= above:
            assert not self.have_ended(), self.outputs()
            assert time.monotonic() < deadline, self.outputs()
            time.sleep(0.01)
        return newest_step(self.work_dir)

    def tell(self, number: signal.Signals, index: int = 0) -> None:
        """Send a signal to one of the processes."""
        self.popen[index].send_signal(number)

    def kill(self, indices: Sequence[int]) -> None:
        """Kill some processes as `kill -9` does, and wait for all."""
        for index in indices:
            self.popen[index].kill()
        self.end()


def newest_step(work_dir: Path, worker: int = 0) -> int:
    """Return the step of the newest checkpoint; 0 if there is none."""
    return max(steps(work_dir, worker), default=0)


def steps(work_dir: Path, worker: int = 0) -> set[int]:
    """Return the steps of the checkpoints of a worker."""
    indices = (work_dir / f"checkpoints/worker_{worker}").glob("step-*.index")
    return {int(path.stem.removeprefix("step-")) for path in indices}


def free_ports(count: int) -> list[int]:
    """Return unused ports of this machine."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in sockets]

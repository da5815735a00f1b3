"""A Ray cluster of several nodes, each in a separate network namespace."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.networks import Network

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 240.0
_RAY = [sys.executable, "-m", "ray.scripts.scripts"]
_LIMITS = ["--object-store-memory=80000000", "--disable-usage-stats"]


class RayCluster:
    """A head without processors on host 0, and a node with one on each other host.

    Args:
        net: The network.
        num_processors: Processors of each node.
    """

    def __init__(self, net: Network, num_processors: int = 1) -> None:
        self.net = net
        self.address = f"{net.addresses[0]}:6379"
        self._num_processors = num_processors
        # Paths of sockets must be short.
        self._folder = Path(tempfile.mkdtemp(prefix="ocr-ray-"))
        # Ray would otherwise look for a token in the home directory.
        self._token = self._folder.with_suffix(".token")
        self._token.write_text(secrets.token_hex(16), encoding="ascii")
        self._nodes: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "RayCluster":
        try:
            head = ["--head", "--port=6379", f"--temp-dir={self._folder}", "--num-cpus=0"]
            self._start(0, *head, "--include-dashboard=false", "--ray-client-server-port=10001")
            for index in range(1, len(self.net.addresses)):
                self.start_node(index)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for index in reversed(range(len(self.net.addresses))):
            self.kill_node(index)
        shutil.rmtree(self._folder, ignore_errors=True)
        for left in self._folder.parent.glob(f"{self._folder.name}.*"):
            left.unlink()

    def start_node(self, index: int, **environment: str) -> None:
        """Start the node of a host."""
        own = [f"--address={self.address}", f"--num-cpus={self._num_processors}"]
        self._start(index, *own, **environment)

    def kill_node(self, index: int) -> None:
        """End all processes of a host."""
        self.net.kill_all(index)
        if index in self._nodes:
            self._nodes.pop(index).wait()

    def command(self, *arguments: object, host: int = 0) -> list[str]:
        """Return a command of the toolkit, run on a host, by default that of the head."""
        command = [sys.executable, "-m", "attention_ocr", *map(str, arguments)]
        return [*self.net.on(host), *command]

    def environment(self) -> dict[str, str]:
        """Return the environment of a command."""
        return os.environ | {
            "PYTHONPATH": str(REPOSITORY),
            "RAY_ADDRESS": self.address,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self._token),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }

    def run(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        """Run a command of the toolkit to its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=3 * PATIENCE_S,
        )

    def start(self, log: Path, *arguments: object, host: int = 0) -> "subprocess.Popen[bytes]":
        """Start a command of the toolkit on a host."""
        with log.open("wb") as output:
            return subprocess.Popen(
                self.command(*arguments, host=host),
                env=self.environment(),
                cwd=REPOSITORY,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _start(self, index: int, *arguments: str, **environment: str) -> None:
        # Ray itself gives up after half a minute, which is short on a busy machine.
        while not self._starts(index, *arguments, **environment):
            self.kill_node(index)

    def _starts(self, index: int, *arguments: str, **environment: str) -> bool:
        log = self._folder.with_suffix(f".{index}.log")
        own = f"--node-ip-address={self.net.addresses[index]}"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*self.net.on(index), *_RAY, "start", "--block", own, *_LIMITS, *arguments],
                env=self.environment() | environment,
                cwd="/",
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._nodes[index] = process
        deadline = time.monotonic() + PATIENCE_S
        while b"Ray runtime started" not in log.read_bytes():
            if process.poll() is not None:
                written = log.read_text("utf-8", "replace")
                assert "timed out during startup" in written, written
                return False
            assert time.monotonic() < deadline, log.read_text("utf-8", "replace")
            time.sleep(0.1)
        log.unlink()
        return True

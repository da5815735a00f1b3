"""A network of this machine alone: hosts in network namespaces, joined by a switch."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from attention_ocr.io.processes import is_running

PATIENCE_S = 60.0


def ip(*arguments: str) -> str:
    """Run the command `ip` and return its output."""
    process = subprocess.run(
        ["ip", *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    if process.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {process.stderr.strip()}")
    return process.stdout


class Network:
    """Hosts that reach each other, and nothing else.

    The switch is a bridge in a separate namespace: neither addresses nor links appear outside of
    the namespaces, which end with the test, together with all processes in them.

    Args:
        count: Number of hosts.

    Attributes:
        addresses: IPv4 address of each host.
    """

    def __init__(self, count: int) -> None:
        name = f"ocr{secrets.token_hex(3)}"
        self._switch, self._hosts = f"{name}s", [f"{name}h{index}" for index in range(count)]
        self.addresses = [f"10.213.87.{1 + index}" for index in range(count)]

    def __enter__(self) -> "Network":
        try:
            ip("netns", "add", self._switch)
            ip("-n", self._switch, "link", "add", "bridge", "type", "bridge")
            ip("-n", self._switch, "link", "set", "bridge", "up")
            for index, host in enumerate(self._hosts):
                self._plug(index, host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _plug(self, index: int, host: str) -> None:
        ip("netns", "add", host)
        port = f"port{index}"
        pair = ("type", "veth", "peer", "name", "eth0", "netns", host)
        ip("-n", self._switch, "link", "add", port, *pair)
        ip("-n", self._switch, "link", "set", port, "master", "bridge")
        ip("-n", self._switch, "link", "set", port, "up")
        ip("-n", host, "address", "add", f"{self.addresses[index]}/24", "dev", "eth0")
        ip("-n", host, "link", "set", "eth0", "up")
        ip("-n", host, "link", "set", "lo", "up")

    def __exit__(self, *_: object) -> None:
        for index in range(len(self._hosts)):
            self.kill_all(index)
        for namespace in (*self._hosts, self._switch):
            with suppress(OSError):
                ip("netns", "del", namespace)

    def on(self, index: int) -> list[str]:
        """Return the beginning of a command that runs on a host."""
        return ["ip", "netns", "exec", self._hosts[index]]

    def plug_out(self, index: int) -> None:
        """Cut a host off."""
        ip("-n", self._switch, "link", "set", f"port{index}", "down")

    def plug_in(self, index: int) -> None:
        """Connect a host again."""
        ip("-n", self._switch, "link", "set", f"port{index}", "up")

    def kill_all(self, index: int) -> None:
        """End all processes of a host, as a power cut does."""
        deadline = time.monotonic() + PATIENCE_S
        while pids := self.processes(index):
            assert time.monotonic() < deadline, f"processes {pids} do not end"
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def processes(self, index: int) -> list[int]:
        """Return the processes of a host that have not ended."""
        with suppress(OSError):
            pids = [int(pid) for pid in ip("netns", "pids", self._hosts[index]).split()]
            return list(filter(is_running, pids))
        return []


@contextmanager
def network(count: int) -> Iterator[Network]:
    """Make a network, or skip the test where namespaces are not permitted."""
    if shutil.which("ip") is None:
        pytest.skip("needs the command `ip`")
    try:
        opened = Network(count).__enter__()
    except OSError as error:
        pytest.skip(f"network namespaces are not permitted: {error}")
    try:
        yield opened
    finally:
        opened.__exit__()

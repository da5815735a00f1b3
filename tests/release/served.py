"""A server in a separate process."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.release.environments import Environment, outside


@contextmanager
def serving(environment: Environment, *arguments: object, cwd: Path) -> Iterator[str]:
    """Serve in the block; the value is the REST address. The server must end on SIGTERM."""
    command = [str(environment.command), "serve", "--rest_api_port=0", "--port=0"]
    command += map(str, arguments)
    log = cwd / "server.log"
    with log.open("wb") as errors:
        server = subprocess.Popen(
            command, cwd=cwd, env=outside(), stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert server.stdout is not None
        address = next(
            (found[1] for line in server.stdout if (found := re.match(r"REST: (\S+)", line))), None
        )
        assert address is not None, log.read_text(encoding="utf-8")
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        status = server.wait(timeout=60)
        if server.stdout is not None:
            server.stdout.close()
    assert status == 0, log.read_text(encoding="utf-8")

"""An S3 server on a host of a test network."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.networks import Network

PATIENCE_S = 120.0
_PORT = 5000
_PUT = "import s3fs, sys; s3fs.S3FileSystem().put(sys.argv[1], sys.argv[2], recursive=True)"
_GET = "import s3fs, sys; s3fs.S3FileSystem().get(sys.argv[1], sys.argv[2], recursive=True)"
_MAKE = "import s3fs, sys; s3fs.S3FileSystem().mkdir(sys.argv[1])"


class S3Server:
    """Amazon's protocol, spoken by the server of `moto`, on host 0.

    Args:
        net: The network.
        log: File that gets a line for each request.

    Attributes:
        environment: Variables of processes that use the server.
    """

    def __init__(self, net: Network, log: Path) -> None:
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://{net.addresses[0]}:{_PORT}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._net, self._log = net, log

    def __enter__(self) -> "S3Server":
        command = [sys.executable, "-m", "moto.server", "-H", "0.0.0.0", "-p", str(_PORT)]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [*self._net.on(0), *command], stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + PATIENCE_S
        while b"Running on" not in self._log.read_bytes():
            assert self._process.poll() is None, self._log.read_text("utf-8", "replace")
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def make_bucket(self, name: str) -> None:
        """Make a bucket."""
        self._run(_MAKE, name)

    def put(self, folder: Path, name: str) -> None:
        """Copy a local folder to a bucket."""
        self._run(_PUT, f"{folder}/", name)

    def get(self, name: str, folder: Path) -> None:
        """Copy objects to a local folder."""
        self._run(_GET, f"{name}/", str(folder))

    def requests(self) -> str:
        """Return the log of requests."""
        return self._log.read_text("utf-8", "replace")

    def _run(self, code: str, *arguments: str) -> None:
        subprocess.run(
            [*self._net.on(0), sys.executable, "-c", code, *arguments],
            env=os.environ | self.environment,
            check=True,
            timeout=PATIENCE_S,
        )

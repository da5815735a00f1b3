"""Environments outside the repository."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple


class Environment(NamedTuple):
    """An environment outside the repository.

    Attributes:
        folder: Its folder.
        scripts: The folder of its commands.
    """

    folder: Path
    scripts: Path

    @property
    def python(self) -> Path:
        return self.scripts / ("python.exe" if sys.platform == "win32" else "python")

    @property
    def command(self) -> Path:
        return self.scripts / "attention-ocr"

    def _call(
        self, *command: object, cwd: Path, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=outside(),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout_s,
            check=False,
        )

    def run(self, *command: object, cwd: Path, timeout_s: float = 1200.0) -> str:
        """Run a command; return what it prints."""
        result = self._call(*command, cwd=cwd, timeout_s=timeout_s)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def fail(self, *command: object, cwd: Path) -> str:
        """Run a command that fails; return its only line of standard error."""
        result = self._call(*command, cwd=cwd, timeout_s=300.0)
        assert result.returncode == 1, result.stdout + result.stderr
        (line,) = result.stderr.splitlines()
        return line


def outside() -> dict[str, str]:
    """Return an environment in which the repository is not imported."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def make_environment(folder: Path, requirement: str) -> Environment:
    """Create an environment and install a wheel with what it needs from the package index."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=300)
    environment = Environment(folder, folder / ("Scripts" if sys.platform == "win32" else "bin"))
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
    environment.run(environment.python, *install, cwd=folder, timeout_s=3000.0)
    return environment

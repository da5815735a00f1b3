"""The two distributions of this tree: the whole toolkit, and the same package without TensorFlow.

`pyproject.toml` describes the first. Its table `[tool.attention-ocr-lite]` names what the second
changes: requirements are listed by name there, and their bounds are those of the whole toolkit. The
addresses of the project are derived from that of its repository.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
WHOLE = "attention-ocr"
LITE = "attention-ocr-lite"
FILES = ("setup.py", "LICENSE", "NOTICE")
"""What a wheel is built from, beside the package and the README."""


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def read_pyproject() -> dict[str, Any]:
    """Return `pyproject.toml`."""
    return read_toml(ROOT / "pyproject.toml")


def find_repository() -> str | None:
    """Return the web address of the repository.

    Returns:
        `REPOSITORY_URL` of the environment, or else that of the Git remote `origin`; None if there
        is neither.
    """
    given = os.environ.get("REPOSITORY_URL")
    if given is None and shutil.which("git") is None:
        return None
    if given is None:
        command = ["git", "remote", "get-url", "origin"]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        given = result.stdout.strip() if result.returncode == 0 else ""
    # git@host:owner/name.git, as Git also writes it.
    address = re.sub(r"^(?:ssh://)?git@([^:/]+)[:/]", r"https://\1/", given).removesuffix(".git")
    return address.rstrip("/") if address.startswith("https://") else None


def project_urls(repository: str) -> dict[str, str]:
    """Return the addresses in the metadata.

    Args:
        repository: Web address of the repository.
    """
    return {
        "Source": repository,
        "Documentation": f"{repository}#readme",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def absolute_links(text: str, repository: str | None) -> str:
    """Return Markdown whose links to files lead to the repository: a package index has no files.

    Args:
        text: Markdown.
        repository: Web address of the repository; None leaves the links as they are.
    """
    if repository is None:
        return text

    def absolute(link: re.Match[str]) -> str:
        mark, label, target = link.groups()
        if "://" in target or target.startswith("#"):
            return link[0]
        return f"{mark}[{label}]({repository}/{'raw' if mark else 'blob'}/HEAD/{target})"

    return re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", absolute, text)


def whole_pyproject(repository: str | None) -> dict[str, Any]:
    """Return what of `pyproject.toml` a wheel is built with.

    Args:
        repository: Web address of the repository; None leaves the addresses out.
    """
    document = read_pyproject()
    project = dict(document["project"])
    if repository is not None:
        project["urls"] = project_urls(repository)
    tools = {name: document["tool"][name] for name in ("setuptools", LITE)}
    return {"build-system": document["build-system"], "project": project, "tool": tools}


def lite_pyproject(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `pyproject.toml` of the distribution without TensorFlow.

    Args:
        whole: Result of `whole_pyproject`.

    Raises:
        ValueError: If the table of the distribution names a requirement that the toolkit lacks.
    """
    project = whole["project"]
    lite = whole["tool"][LITE]
    requirements = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        requirements += extra
    dropped = ("dependencies", "optional-dependencies")
    changed = {name: value for name, value in project.items() if name not in dropped} | {
        "name": LITE,
        "description": lite["description"],
        "dependencies": list(_chosen(lite["needs"], requirements)),
        "optional-dependencies": {
            name: list(_chosen(names, requirements)) for name, names in lite["extras"].items()
        },
    }
    return {**whole, "project": changed, "tool": {"setuptools": whole["tool"]["setuptools"]}}


def copy_sources(folder: Path, name: str) -> None:
    """Copy what a wheel is built from; the build leaves files next to its sources.

    Args:
        folder: The new folder.
        name: `WHOLE` or `LITE`.
    """
    left_out = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "attention_ocr", folder / "attention_ocr", ignore=left_out)
    for file in FILES:
        shutil.copy(ROOT / file, folder)
    repository = find_repository()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(absolute_links(readme, repository), encoding="utf-8")
    document = whole_pyproject(repository)
    if name == LITE:
        document = lite_pyproject(document)
    (folder / "pyproject.toml").write_text("".join(_toml(document)), encoding="utf-8")


def _chosen(patterns: Sequence[str], requirements: Sequence[str]) -> Iterator[str]:
    """Yield the requirements whose names match, with their bounds."""
    for pattern in patterns:
        found = [entry for entry in requirements if fnmatch(_name(entry), pattern.lower())]
        if not found:
            raise ValueError(f"Expected the name of a requirement. Received: {pattern!r}")
        yield from dict.fromkeys(found)


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def _toml(tables: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield TOML; its strings and lists of strings are written as in JSON."""
    values = {name: value for name, value in tables.items() if not isinstance(value, Mapping)}
    if values:
        yield f"[{path}]\n"
        yield from (f"{json.dumps(name)} = {json.dumps(value)}\n" for name, value in values.items())
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from _toml(value, f"{path}.{json.dumps(name)}".lstrip("."))

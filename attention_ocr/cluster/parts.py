"""A job in parts: each part is made once, by any node, and kept if the command is killed.

The job's folder holds `job.json`, and for each finished part its files and its report,
`00000.json`, which is written last. The same command finds them and makes the others.
"""

import functools
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from attention_ocr.cluster.engine import Engine
from attention_ocr.data.shared_folder import SharedFolder

JOB = "job.json"
FORMAT_VERSION = 1
Report = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A piece of the work.

    Attributes:
        index: Its place in the job.
        inputs: What it is made from; it pickles.
        digest: Identifies the inputs; a finished part is used again only for the same ones.
    """

    index: int
    inputs: Any
    digest: str


@dataclass(frozen=True)
class Job:
    """An open job.

    Attributes:
        folder: Its folder, with the reports.
        output: Folder of the files of the parts.
        token: Drawn when it was begun, so that a node can tell this folder from another of the
            same path.
    """

    folder: SharedFolder
    output: SharedFolder
    token: str

    def report(self, index: int) -> Report | None:
        """Return the report of a finished part; None if it is not finished."""
        text = self.folder.read_text(report_name(index))
        report: Report | None = json.loads(text) if text else None
        for name, num_bytes in (report or {}).get("files", {}).items():
            if self.output.size(name) != num_bytes:
                return None
        return report

    def remove(self) -> None:
        """Remove the reports, and last what makes them a job."""
        self.folder.remove_all(last=JOB)


Make = Callable[[Job, int, Any], Report]
"""Writes the files of a part, given its index and inputs, and returns its report: `files` holds
their sizes by name."""


def report_name(index: int) -> str:
    """Return the name of the report of a part."""
    return f"{index:05}.json"


def digest_of_keys(keys: Iterable[str]) -> str:
    """Return a hash of a sequence of strings."""
    digest = hashlib.sha256()
    for key in keys:
        encoded = key.encode("utf-8", "surrogateescape")
        digest.update(len(encoded).to_bytes(4, "little") + encoded)
    return digest.hexdigest()[:32]


def open_job(
    folder: SharedFolder,
    settings: Mapping[str, Any],
    overwrite: bool = False,
    output: SharedFolder | None = None,
) -> Job:
    """Begin a job, or continue an interrupted one.

    Args:
        folder: Folder of the job; created if missing.
        settings: JSON values that decide the result; they must be equal to continue.
        overwrite: Whether a job with other settings is removed.
        output: Folder of the files of the parts; by default `folder`.

    Raises:
        FileExistsError: If the folder has files, but no job.
        ValueError: If the folder has a job with other settings.
    """
    folder.make()
    wanted = json.loads(json.dumps({"format_version": FORMAT_VERSION, **settings}))
    text = folder.read_text(JOB)
    if text is not None:
        document = json.loads(text)
        found = document["settings"]
        differing = [
            f"{name}={wanted.get(name)!r} instead of {found.get(name)!r}"
            for name in sorted({*wanted, *found})
            if wanted.get(name) != found.get(name)
        ]
        if not differing:
            return Job(folder, output or folder, document["token"])
        if not overwrite:
            raise ValueError(
                f"{folder} has the parts of a job with other settings or another source: repeat "
                "that command to finish it, or delete the folder to start again. "
                f"Received: {'; '.join(differing)}"
            )
        folder.remove_all(last=JOB)
        folder.make()
    else:
        # Left by a process that was killed before it had written the file of the job.
        folder.remove_drafts()
        if others := folder.names():
            raise FileExistsError(
                f"Expected no files in {folder}, which is removed after the job. "
                f"Received: {others[0]}"
            )
    token = secrets.token_hex(8)
    folder.write_text(JOB, json.dumps({"settings": wanted, "token": token}, indent=2) + "\n")
    return Job(folder, output or folder, token)


def make_parts(
    engine: Engine, job: Job, make: Make, parts: Iterable[Part]
) -> Iterator[tuple[Report, bool]]:
    """Make the parts that are not finished; yield each report, and whether it was there before.

    Raises:
        ValueError: If a finished part was made from other inputs.
    """
    reused: list[Report] = []

    def missing() -> Iterator[Part]:
        for part in parts:
            report = job.report(part.index)
            if report is None:
                yield part
                continue
            if report["digest"] != part.digest:
                raise ValueError(
                    f"Expected the source that the finished parts in {job.folder} were made from; "
                    "delete the folder to start again. "
                    f"Received: other examples in part {part.index}"
                )
            reused.append(report)

    for report in engine.run(functools.partial(_make_part, job, make), missing()):
        yield report, False
        while reused:
            yield reused.pop(), True
    while reused:
        yield reused.pop(), True
    job.output.remove_drafts()


def _make_part(job: Job, make: Make, part: Part) -> Report:
    """Make one part, on a node."""
    text = job.folder.read_text(JOB)
    if text is None or json.loads(text)["token"] != job.token:
        raise OSError(
            f"Expected a folder that all nodes share. Received: {job.folder}, which a "
            "node does not see"
        )
    report = make(job, part.index, part.inputs) | {"digest": part.digest}
    # The report comes last: a part that has one is finished.
    job.folder.write_text(report_name(part.index), json.dumps(report) + "\n")
    return report

"""The file of `attention-ocr read -o FILE`: whole or not at all, and begun work is never lost.

Results go to a journal beside the file, `FILE.partial`, as they come. When all are there, the file
is written in its own format, and the journal removed. The same command finds the journal of one
that was interrupted and goes on from it.
"""

import contextlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from attention_ocr.cli.result_formats import ResultRow, Write
from attention_ocr.io.atomic_write import whole_file

SUFFIX = ".partial"
FORMAT_VERSION = 1


class ResultsFile:
    """Collects results until a file can be written.

    Args:
        path: of the file.
        command: what makes results comparable: the model and the settings. Values of JSON.
        make_writer: of the format of the file.

    Attributes:
        journal: path of the journal.
        recorded: what a command that was interrupted has read, in the order of the journal; what it
            could not read is tried again.
        finished: whether the file was written.

    Raises:
        OSError: If the journal cannot be written, or another process is writing it.
        ValueError: If the journal was begun by another command, or is damaged.
    """

    def __init__(
        self, path: Path, command: Mapping[str, Any], make_writer: Callable[[TextIO], Write]
    ) -> None:
        self.journal = path.with_name(path.name + SUFFIX)
        self.recorded: list[ResultRow] = []
        self.finished = False
        self._path = path
        self._make_writer = make_writer
        self._places: dict[str, deque[int]] = {}
        # Places of the results in the order of the images, and those of which none is there yet.
        self._order: list[int | None] = []
        self._awaited: deque[int] = deque()
        self._file = self.journal.open("a+b")
        try:
            _lock(self._file, path)
            self._begin(json.loads(json.dumps(command)))
        except BaseException:
            self._file.close()
            raise

    def _begin(self, command: Mapping[str, Any]) -> None:
        """Read the journal that is there, or begin one."""
        end = 0
        for place, line in _whole_lines(self._file):
            record = _parsed(line, self.journal)
            if place == 0:
                _check_command(record, command, self.journal)
            else:
                self._recall(_result(record, self.journal), place)
            end = place + len(line)
        # What was cut by a kill is read again.
        self._file.truncate(end)
        if end == 0:
            self._append({"format_version": FORMAT_VERSION, "command": command})
            self._file.flush()

    def _recall(self, result: ResultRow, place: int) -> None:
        if result.error is None:
            self.recorded.append(result)
            self._places.setdefault(result.path, deque()).append(place)

    def has(self, name: str) -> bool:
        """Return whether an image was read before; each time it was counts once.

        Args:
            name: of the image that comes next; those that were not read are written in that order.
        """
        places = self._places.get(name)
        if not places:
            self._awaited.append(len(self._order))
        self._order.append(places.popleft() if places else None)
        return self._order[-1] is not None

    def write(self, result: ResultRow) -> None:
        """Keep the result of the next image that was not read; it is safe after `flush`."""
        self._order[self._awaited.popleft()] = self._append(result._asdict())

    def _append(self, record: Mapping[str, Any]) -> int:
        place = self._file.seek(0, 2)
        self._file.write(json.dumps(record).encode("ascii") + b"\n")
        return place

    def flush(self) -> None:
        """Hand the results to the system, which keeps them whatever becomes of the process."""
        self._file.flush()

    def finish(self) -> None:
        """Write the file, its results in the order of the images, and remove the journal."""
        self._file.flush()
        with (
            whole_file(self._path) as temporary,
            temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
        ):
            write = self._make_writer(stream)
            for place in filter(None, self._order):
                self._file.seek(place)
                write(_result(_parsed(self._file.readline(), self.journal), self.journal))
        self._file.close()
        self.journal.unlink()
        self.finished = True

    def __enter__(self) -> "ResultsFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file.closed:
            return
        self._file.close()
        if not len(self):
            self.journal.unlink(missing_ok=True)

    def __len__(self) -> int:
        return sum(place is not None for place in self._order) + sum(
            map(len, self._places.values())
        )


class ResultsStream:
    """Results that are written at once: to standard output, a device, a pipe.

    Args:
        stream: where to.
        make_writer: of the format.
    """

    recorded: tuple[ResultRow, ...] = ()

    def __init__(self, stream: TextIO, make_writer: Callable[[TextIO], Write]) -> None:
        self._stream = stream
        self.write = make_writer(stream)

    def has(self, name: str) -> bool:
        """Return false: nothing is known of earlier commands."""
        return False

    def flush(self) -> None:
        """Let the results out."""
        self._stream.flush()

    def finish(self) -> None:
        """Let the last results out."""
        self.flush()


def _lock(file: Any, path: Path) -> None:
    """Keep a second command from writing to the same journal, where the system has locks."""
    with contextlib.suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(f"Expected no other command. Received: one that writes {path}") from error


def _whole_lines(file: Any) -> Iterator[tuple[int, bytes]]:
    file.seek(0)
    place = 0
    while (line := file.readline()).endswith(b"\n"):
        yield place, line
        place += len(line)


def _parsed(line: bytes, journal: Path) -> dict[str, Any]:
    try:
        record = json.loads(line)
        if not isinstance(record, dict):
            raise TypeError("a record")
    except (ValueError, TypeError) as error:
        raise ValueError(f"{journal} is damaged: delete it to read anew. ({error})") from error
    return record


def _result(record: Mapping[str, Any], journal: Path) -> ResultRow:
    try:
        return ResultRow(**record)
    except TypeError as error:
        raise ValueError(f"{journal} is damaged: delete it to read anew. ({error})") from error


def _check_command(record: Mapping[str, Any], command: Mapping[str, Any], journal: Path) -> None:
    before = record.get("command")
    if record.get("format_version") != FORMAT_VERSION or not isinstance(before, dict):
        raise ValueError(f"{journal} holds no results of this release: delete it to read anew.")
    for name in sorted({*before, *command}):
        if before.get(name) != command.get(name):
            raise ValueError(
                f"{journal} holds results of a command with other settings: repeat that command to "
                f"finish it, or delete the file to read anew. Received: {name}="
                f"{command.get(name)!r} in place of {before.get(name)!r}"
            )

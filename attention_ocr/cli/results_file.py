"""The output file of `attention-ocr read -o FILE`: written atomically, resumable.

Results are appended to a journal next to the file, `FILE.partial`. When all are there, the file is
written in its format and the journal removed. After an interruption, the same command finds the
journal and continues from it.
"""

import contextlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TextIO

from attention_ocr.cli.result_formats import ResultRow, Row, Write, end
from attention_ocr.io.atomic_write import whole_file

SUFFIX = ".partial"
FORMAT_VERSION = 1


class ResultsFile(Generic[Row]):
    """Collects results until the file can be written.

    Args:
        path: Path of the file.
        command: Model and settings, as JSON values; they must be equal to resume.
        make_writer: Makes the writer of the format.
        row_type: Type of the results.

    Attributes:
        journal: Path of the journal.
        recorded: Results of an interrupted command, in the order of the journal; failed images are
            retried.
        finished: Whether the file was written.

    Raises:
        OSError: If the journal cannot be written, or another process is writing it.
        ValueError: If the journal belongs to a different command, or is damaged.
    """

    def __init__(
        self,
        path: Path,
        command: Mapping[str, Any],
        make_writer: Callable[[TextIO], Write[Row]],
        row_type: type[Row] = ResultRow,  # type: ignore[assignment]
    ) -> None:
        self.journal = path.with_name(path.name + SUFFIX)
        self.recorded: list[Row] = []
        self.finished = False
        self._path = path
        self._make_writer = make_writer
        self._row_type = row_type
        self._places: dict[str, deque[int]] = {}
        # Journal positions of the results in the order of the images, and the indices that wait.
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
        """Read an existing journal, or start one."""
        end = 0
        for place, line in _whole_lines(self._file):
            record = _parsed(line, self.journal)
            if place == 0:
                _check_command(record, command, self.journal)
            else:
                self._recall(self._result(record), place)
            end = place + len(line)
        # A line cut off by a kill is read again.
        self._file.truncate(end)
        if end == 0:
            self._append({"format_version": FORMAT_VERSION, "command": command})
            self._file.flush()

    def _recall(self, result: Row, place: int) -> None:
        if result.error is None:
            self.recorded.append(result)
            self._places.setdefault(result.path, deque()).append(place)

    def has(self, name: str) -> bool:
        """Return whether an image was read before; each recorded result is used once.

        Args:
            name: Name of the next image; results of new images must be written in this order.
        """
        places = self._places.get(name)
        if not places:
            self._awaited.append(len(self._order))
        self._order.append(places.popleft() if places else None)
        return self._order[-1] is not None

    def write(self, result: Row) -> None:
        """Append the result of the next new image; it is safe after `flush`."""
        self._order[self._awaited.popleft()] = self._append(result._asdict())

    def _append(self, record: Mapping[str, Any]) -> int:
        place = self._file.seek(0, 2)
        self._file.write(json.dumps(record).encode("ascii") + b"\n")
        return place

    def flush(self) -> None:
        """Flush the results to the operating system, so that they survive the process."""
        self._file.flush()

    def finish(self) -> None:
        """Write the file, in the order of the images, and remove the journal."""
        self._file.flush()
        with (
            whole_file(self._path) as temporary,
            temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
        ):
            write = self._make_writer(stream)
            for place in filter(None, self._order):
                self._file.seek(place)
                write(self._result(_parsed(self._file.readline(), self.journal)))
            end(write)
        self._file.close()
        self.journal.unlink()
        self.finished = True

    def _result(self, record: Mapping[str, Any]) -> Row:
        try:
            return self._row_type(**record)
        except TypeError as error:
            raise _damaged(self.journal, error) from error

    def __enter__(self) -> "ResultsFile[Row]":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file.closed:
            return
        self._file.close()
        if not len(self):
            self.journal.unlink(missing_ok=True)

    def __len__(self) -> int:
        return sum(place is not None for place in self._order) + sum(
            map(len, self._places.values())
        )


class ResultsStream(Generic[Row]):
    """Writes results immediately: to standard output, a device or a pipe.

    Args:
        stream: Output stream.
        make_writer: Makes the writer of the format.
    """

    recorded: tuple[Row, ...] = ()

    def __init__(self, stream: TextIO, make_writer: Callable[[TextIO], Write[Row]]) -> None:
        self._stream = stream
        self.write = make_writer(stream)

    def has(self, name: str) -> bool:
        """Return false: a stream has no earlier results."""
        return False

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def finish(self) -> None:
        """Write the end of the format, and flush the stream."""
        end(self.write)
        self.flush()


def _lock(file: Any, path: Path) -> None:
    """Prevent a second command from writing to the same journal, if the system has locks."""
    with contextlib.suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(f"Another command is writing {path}.") from error


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
        raise _damaged(journal, error) from error
    return record


def _damaged(journal: Path, error: Exception) -> ValueError:
    return ValueError(f"{journal} is damaged: delete it to start again. ({error})")


def _check_command(record: Mapping[str, Any], command: Mapping[str, Any], journal: Path) -> None:
    before = record.get("command")
    if record.get("format_version") != FORMAT_VERSION or not isinstance(before, dict):
        raise ValueError(f"{journal} was not written by this release: delete it to start again.")
    for name in sorted({*before, *command}):
        if before.get(name) != command.get(name):
            raise ValueError(
                f"{journal} has results of a command with other settings: repeat that command to "
                f"finish it, or delete the file to start again. Received: {name}="
                f"{command.get(name)!r} instead of {before.get(name)!r}"
            )

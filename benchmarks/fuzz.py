"""Fuzz a reader with randomly mutated images, within limits on time and memory.

Run `python -m benchmarks.fuzz --count 10000`. Each image is one of `tests.hostile_images`, mostly a
valid one, with bytes changed, cut, repeated or joined with another image, or one of its parts
changed (`tests.image_mutations`), with a fixed seed. Thirty at a time are read between two
reference images; if a batch takes longer than the slowest image so far, each is also read alone,
and the slowest is reported. The exit status is 1, with the number of the image, if the reading of a
reference image changes, an image takes more than `--max_s` of CPU time, or memory grows by more
than `--max_growth_mb` after the first tenth. A call that hangs ends the process with a traceback.
`--save FOLDER` keeps the slowest image.
"""

import faulthandler
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.reader import Reader
from benchmarks import measure
from tests.hostile_images import UNREADABLE, hostile_images
from tests.image_mutations import LARGEST, change_structure, files_to_change

BATCH_SIZE = 30
"""Mutated images per batch."""

HANG_S = 300.0
"""Wall-clock seconds after which a call is considered to hang."""


def mutations(files: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Yield randomly mutated files.

    Args:
        files: Files to mutate.
        count: Number of mutated files.
        seed: Random seed.
    """
    random = np.random.default_rng(seed)
    for _ in range(count):
        content = bytearray(files[random.integers(len(files))])
        for _ in range(random.integers(1, 4)):
            content = _change(content, files, random)
        yield bytes(content[:LARGEST])


def _change(content: bytearray, files: list[bytes], random: np.random.Generator) -> bytearray:
    kind = random.integers(10)
    if kind >= 6 and (changed := change_structure(bytes(content), random)) is not None:
        return bytearray(changed)
    kind %= 6
    length = max(len(content), 1)
    # Most decisions depend on the beginning of a file.
    place = int(length * random.random() ** 3)
    if kind == 0:
        for offset in random.integers(0, length, random.integers(1, 8)):
            content[offset : offset + 1] = random.bytes(1)
    elif kind == 1:
        content[place : place + 4] = random.choice(_INTERESTING)
    elif kind == 2:
        del content[place:]
    elif kind == 3:
        del content[place : place + int(random.integers(1, 64))]
    elif kind == 4:
        part = content[place : place + int(random.integers(1, 2000))]
        content[place:place] = part * int(random.integers(1, 20))
    else:
        other = files[random.integers(len(files))]
        content[place:] = other[int(len(other) * random.random()) :]
    return content


_INTERESTING = [
    *(b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"),
    *(b"\x00\x00\x00\x01", b"\x80\x00\x00\x00", b"\x00\x00\xff\xff", b"\xff\xd8\xff\xda"),
]


class Fuzzer:
    """Reads mutated images between two reference images.

    Args:
        reader: The reader under test.
        max_s: Maximum CPU seconds per image.
    """

    def __init__(self, reader: Reader, max_s: float) -> None:
        corpus = hostile_images()
        self._reader = reader
        self._max_s = max_s
        self._first, self._last = (
            corpus[name].content for name in ("progressive", "a PNG with an ICC profile")
        )
        self.slowest_s = 0.0
        self.slowest_image_s = 0.0
        self.slowest_image = b""
        # Warm-up: the first calls trace and start threads, for each batch size.
        for _ in range(2):
            expected = reader.read([self._first, self._last])
            reader.read([self._first] * (BATCH_SIZE + 2), batch_size=BATCH_SIZE + 2)
        self._expected = [reading.text for reading in expected]

    def read(self, contents: Sequence[bytes]) -> list[Reading]:
        """Read mutated images.

        Raises:
            BadImageError: If a reference reading changed, or an image took too long.
        """
        # A call that hangs cannot be timed: the process ends with a traceback.
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        try:
            readings, took_s = self._read_together(contents)
            # No image can have taken longer than its batch.
            if took_s > self.slowest_image_s:
                for index, content in enumerate(contents):
                    self._time_alone(index, content)
            return readings
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _read_together(self, contents: Sequence[bytes]) -> tuple[list[Reading], float]:
        # CPU time: on a busy machine, wall-clock time says little.
        start_s = time.process_time()
        rows = self._reader.read([self._first, *contents, self._last], len(contents) + 2)
        took_s = time.process_time() - start_s
        self.slowest_s = max(self.slowest_s, took_s)
        if [rows[0].text, rows[-1].text] != self._expected:
            if len(contents) == 1:
                raise BadImageError(0, "changed a reference reading")
            for index, content in enumerate(contents):
                try:
                    self._read_together([content])
                except BadImageError as error:
                    raise BadImageError(index, error.fault) from error
            raise BadImageError(
                0, f"to {len(contents) - 1} further together changed a reference reading"
            )
        return rows[1:-1], took_s

    def _time_alone(self, index: int, content: bytes) -> None:
        start_s = time.process_time()
        self._reader.read([content], 1)
        took_s = time.process_time() - start_s
        if took_s > self.slowest_image_s:
            self.slowest_image_s, self.slowest_image = took_s, content
        if took_s > self._max_s:
            raise BadImageError(index, f"took {took_s:.2f} CPU s")


class BadImageError(Exception):
    """An image that caused a fault.

    Args:
        index: Index in its batch.
        fault: What it did.
    """

    def __init__(self, index: int, fault: str) -> None:
        super().__init__(fault)
        self.index = index
        self.fault = fault


def fuzz(
    model: str | None,
    count: int,
    seed: int,
    max_s: float,
    max_growth_mb: float = 200.0,
    save: Path | None = None,
) -> dict[str, object]:
    """Read mutated images and return the counts of outcomes.

    Raises:
        ValueError: If an image changed a reference reading or took too long, with its number, or
            if memory grew.
    """
    from attention_ocr.inference.reader import load

    fuzzer = Fuzzer(load(model), max_s)
    counts = {"read": 0, "unreadable": 0, "refused": 0}
    memory: list[float | None] = []
    images = mutations(files_to_change(), count, seed)
    begin_s, number, slowest_number = time.process_time(), 0, 0
    while batch := list(itertools.islice(images, BATCH_SIZE)):
        try:
            for reading in fuzzer.read(batch):
                counts[_outcome(reading.error)] += 1
        except BadImageError as error:
            raise ValueError(
                f"Image {number + error.index} of seed {seed} {error.fault}."
            ) from error
        finally:
            if fuzzer.slowest_image in batch:
                slowest_number = number + batch.index(fuzzer.slowest_image)
                if save is not None:
                    save.mkdir(parents=True, exist_ok=True)
                    (save / "slowest").write_bytes(fuzzer.slowest_image)
        number += len(batch)
        if number * 10 // count > len(memory):
            memory.append(measure.resident_mb())
            print(f"{number} images", file=sys.stderr)
    growth = _growth(memory)
    early, late = growth.values()
    if early is not None and late is not None and late - early > max_growth_mb:
        raise ValueError(f"Memory grew from {early:.0f} to {late:.0f} MB.")
    cpu_ms = 1000 * (time.process_time() - begin_s) / count
    slowest_ms = 1000 * fuzzer.slowest_s
    return {
        "images": count,
        **counts,
        "CPU ms": cpu_ms,
        "slowest batch": slowest_ms,
        "slowest image": 1000 * fuzzer.slowest_image_s,
        "number": slowest_number,
        **growth,
    }


def _outcome(error: str | None) -> str:
    if error is None:
        return "read"
    return "unreadable" if error.startswith(UNREADABLE) else "refused"


def _growth(memory: list[float | None]) -> dict[str, float | None]:
    """Return the memory after the first tenth and at the end."""
    return {"MB early": memory[0], "MB late": memory[-1]}


def main() -> None:
    """Fuzz and print the outcome."""
    parser = measure.make_parser(__doc__)
    parser.add_argument("--model", help="work directory or export (default: the bundled model)")
    parser.add_argument("--count", type=int, default=10_000, help="number of mutated images")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument("--max_s", type=float, default=0.2, help="maximum CPU seconds per image")
    parser.add_argument(
        "--max_growth_mb", type=float, default=200.0, help="maximum memory growth in MB"
    )
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="folder for the slowest image")
    args = parser.parse_args()
    try:
        row = fuzz(args.model, args.count, args.seed, args.max_s, args.max_growth_mb, args.save)
    except ValueError as error:
        sys.exit(str(error))
    measure.report([row], args.json)


if __name__ == "__main__":
    main()

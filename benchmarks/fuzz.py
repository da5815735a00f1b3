"""What becomes of images that were changed at random: a status, in time and in memory.

Run `python -m benchmarks.fuzz --count 10000`. Each image is one of `benchmarks.hostile`, mostly a
whole one, changed in some bytes, cut, repeated or joined with another, or in one of its parts
(`benchmarks.mutations`), by a fixed seed. They go to the model thirty at a time, between two images
that never change; all go there alone as well if together they take longer than the slowest so far,
whose time and number are reported. Exit status 1, with the number of the image, if a row beside
them changes, if one takes longer than `--max_s` of the processor, or if memory grows by more than
`--max_growth_mb` after the first tenth. A call that does not come back ends the process with a
trace. `--save FOLDER` keeps the slowest image.
"""

import faulthandler
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.reader import Reader
from benchmarks import measure
from benchmarks.hostile import READ, UNREADABLE, hostile_images, saved
from benchmarks.mutations import change_structure

LARGEST = 300_000
"""Bytes of an image that is changed: what is larger takes time to copy and finds nothing more."""

BATCH_SIZE = 30
"""Changed images that are read together."""

HANG_S = 300.0
"""Seconds on the clock after which a call is given up."""


def mutations(files: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Yield files changed at random.

    Args:
        files: that are changed.
        count: of the changed files.
        seed: the same seed yields the same files.
    """
    random = np.random.default_rng(seed)
    for _ in range(count):
        content = bytearray(files[random.integers(len(files))])
        for _ in range(random.integers(1, 4)):
            content = _change(content, files, random)
        yield bytes(content[:LARGEST])


def files_to_change() -> list[bytes]:
    """Return the small images of the corpus, the whole ones three times: they lead deeper."""
    images = [image for image in hostile_images().values() if len(image.content) <= LARGEST]
    return [
        *whole_images(),
        *(image.content for image in images for _ in range(3 if image.status == READ else 1)),
    ]


def whole_images() -> list[bytes]:
    """Return small images of every format, with the parts that its files may have."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 90, 3), np.uint8)
    picture = Image.fromarray(pixels)
    gray, palette = picture.convert("L"), picture.convert("P")
    exif = Image.Exif()
    exif[0x0112] = 6
    more = {"save_all": True, "append_images": [palette.rotate(180)], "duration": 50}
    return [
        saved(picture, "PNG"),
        saved(palette, "PNG", transparency=0, exif=exif),
        saved(picture, "JPEG", exif=exif, quality=90),
        saved(gray, "JPEG", progressive=True, restart_marker_rows=1),
        saved(palette, "GIF", **more),
        saved(picture, "BMP"),
        saved(palette, "BMP"),
        saved(picture.convert("1"), "BMP"),
        saved(picture, "WEBP", lossless=True, exif=exif),
        saved(picture, "WEBP", save_all=True, append_images=[picture.rotate(180)]),
        *(
            saved(image, "TIFF", compression=compression)
            for image in (picture, palette)
            for compression in ("raw", "tiff_lzw", "tiff_deflate", "packbits")
        ),
        saved(picture, "TIFF", compression="jpeg"),
        saved(picture.convert("1"), "TIFF", compression="group4"),
    ]


def _change(content: bytearray, files: list[bytes], random: np.random.Generator) -> bytearray:
    kind = random.integers(10)
    if kind >= 6 and (changed := change_structure(bytes(content), random)) is not None:
        return bytearray(changed)
    kind %= 6
    length = max(len(content), 1)
    # Most of what decides stands at the beginning.
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
    """Reads changed images between two that never change.

    Args:
        reader: that is tried.
        max_s: CPU seconds that an image may take.
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
        # The first calls trace and start threads. So does the first of a batch.
        for _ in range(2):
            expected = reader.read([self._first, self._last])
            reader.read([self._first] * (BATCH_SIZE + 2), batch_size=BATCH_SIZE + 2)
        self._expected = [reading.text for reading in expected]

    def read(self, contents: Sequence[bytes]) -> list[Reading]:
        """Read changed images.

        Raises:
            BadImageError: a row beside them changed, or one took too long.
        """
        # A call that hangs cannot be timed: the process ends and says where.
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        try:
            readings, took_s = self._read_together(contents)
            # No image of them can have taken longer than all.
            if took_s > self.slowest_image_s:
                for index, content in enumerate(contents):
                    self._time_alone(index, content)
            return readings
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _read_together(self, contents: Sequence[bytes]) -> tuple[list[Reading], float]:
        # Seconds of the processor: on a busy machine any image may be slow on the clock.
        start_s = time.process_time()
        rows = self._reader.read([self._first, *contents, self._last], len(contents) + 2)
        took_s = time.process_time() - start_s
        self.slowest_s = max(self.slowest_s, took_s)
        if [rows[0].text, rows[-1].text] != self._expected:
            if len(contents) == 1:
                raise BadImageError(0, "changed a row beside it")
            for index, content in enumerate(contents):
                try:
                    self._read_together([content])
                except BadImageError as error:
                    raise BadImageError(index, error.fault) from error
            raise BadImageError(0, f"to {len(contents) - 1} further together changed a row beside")
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
    """An image that did harm.

    Args:
        index: among those that were read together.
        fault: what it did.
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
    """Send changed images to a reader and return what became of them.

    Raises:
        ValueError: a row beside one changed, or one took too long; the message has its number. Or
            memory grew.
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
    """Return the memory at the end of the first tenth and at the end of all."""
    return {"MB early": memory[0], "MB late": memory[-1]}


def main() -> None:
    """Fuzz and print what was found."""
    parser = measure.make_parser(__doc__)
    parser.add_argument("--model", help="work directory or export (default: of the package)")
    parser.add_argument("--count", type=int, default=10_000, help="changed images")
    parser.add_argument("--seed", type=int, default=0, help="of the changes")
    parser.add_argument(
        "--max_s", type=float, default=0.2, help="CPU seconds that an image may take"
    )
    parser.add_argument(
        "--max_growth_mb", type=float, default=200.0, help="of memory after the first tenth"
    )
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="for the slowest image")
    args = parser.parse_args()
    try:
        row = fuzz(args.model, args.count, args.seed, args.max_s, args.max_growth_mb, args.save)
    except ValueError as error:
        sys.exit(str(error))
    measure.report([row], args.json)


if __name__ == "__main__":
    main()

"""What becomes of images that were changed at random: a status, in time and in memory.

Run `python -m benchmarks.fuzz --count 10000`. Each image is one of `benchmarks.hostile`, mostly a
whole one, changed in some bytes, cut, repeated or joined with another, by a fixed seed. It goes to
the model between two images that never change. Exit status 1, with the number of the image, if a
row beside it changes, or if it takes longer than `--max_s`.
"""

import sys
import time
from collections.abc import Iterator

import numpy as np

from benchmarks import measure
from benchmarks.hostile import READ, UNREADABLE, hostile_images

LARGEST = 300_000
"""Bytes of an image that is changed: what is larger takes time to copy and finds nothing more."""


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
    return [image.content for image in images for _ in range(3 if image.status == READ else 1)]


def _change(content: bytearray, files: list[bytes], random: np.random.Generator) -> bytearray:
    kind = random.integers(6)
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


def fuzz(model: str | None, count: int, seed: int, max_s: float) -> dict[str, object]:
    """Send changed images to a reader and return what became of them.

    Raises:
        ValueError: a row beside one changed, or one took too long; the message has its number.
    """
    from attention_ocr.reading.reader import load

    reader = load(model)
    corpus = {name: image.content for name, image in hostile_images().items()}
    files = files_to_change()
    neighbours = [corpus["progressive"], corpus["a PNG with an ICC profile"]]
    expected = [reading.text for reading in reader.read(neighbours)]
    counts = {"read": 0, "unreadable": 0, "refused": 0}
    slowest_s, memory = 0.0, []
    for number, content in enumerate(mutations(files, count, seed)):
        # Seconds of the processor: on a busy machine any image may be slow on the clock.
        start_s = time.process_time()
        first, reading, last = reader.read([neighbours[0], content, neighbours[1]])
        took_s = time.process_time() - start_s
        # The first calls trace and start threads.
        slowest_s = max(slowest_s, took_s) if number >= 10 else 0.0
        if [first.text, last.text] != expected:
            raise ValueError(f"Image {number} of seed {seed} changed a row beside it.")
        if slowest_s > max_s:
            raise ValueError(f"Image {number} of seed {seed} took {took_s:.1f} CPU s.")
        counts[_outcome(reading.error)] += 1
        if number % max(count // 10, 1) == 0:
            memory.append(measure.resident_mb())
    return {"images": count, **counts, "slowest CPU ms": 1000 * slowest_s, **_growth(memory)}


def _outcome(error: str | None) -> str:
    if error is None:
        return "read"
    return "unreadable" if error == UNREADABLE else "refused"


def _growth(memory: list[float | None]) -> dict[str, object]:
    """Return the memory at the end of the first tenth and at the end of all."""
    return {"MB early": memory[min(1, len(memory) - 1)], "MB late": memory[-1]}


def main() -> None:
    """Fuzz and print what was found."""
    parser = measure.make_parser(__doc__)
    parser.add_argument("--model", help="work directory or export (default: of the package)")
    parser.add_argument("--count", type=int, default=10_000, help="changed images")
    parser.add_argument("--seed", type=int, default=0, help="of the changes")
    parser.add_argument(
        "--max_s", type=float, default=2.0, help="CPU seconds that an image may take"
    )
    args = parser.parse_args()
    try:
        row = fuzz(args.model, args.count, args.seed, args.max_s)
    except ValueError as error:
        sys.exit(str(error))
    measure.report([row], args.json)


if __name__ == "__main__":
    main()

"""Accuracy and cost of other recognisers and of ours, on the same held-out images.

Of each data set the images held out by `every=5` are read, or those that options after its name
choose (`labels.tsv,every=2,part=eval,group=(.*)_`; `labels.tsv,every=1` is all of it), a word an
image, one at a time: the peers in a separate environment (`requirements.txt`), ours from a
work directory or an export. The match ignores case and everything but letters and digits, the
protocol of the field; beside it stands the strict one. The time of a word is the median; beside it
stands the mean, in which what is read more than once counts.

Ways of reading are chosen on another part, by ours alone (`--peers` without any).

    python -m venv peers && peers/bin/pip install -r benchmarks/peers/requirements.txt
    python -m benchmarks.peers.compare --peers_python=peers/bin/python --model=DIR LABELS...
"""

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import attention_ocr
from attention_ocr.data.labels import LabelledImage, read_labels
from attention_ocr.data.source_spec import parse_source
from attention_ocr.data.tables import split_indices
from attention_ocr.metrics.accuracy import compute_metrics
from benchmarks import measure
from benchmarks.peers.read import PEERS

READ = Path(__file__).with_name("read.py")


class PeerReading(NamedTuple):
    """What one recogniser made of one image, and the CPU milliseconds it took."""

    text: str
    cpu_ms: float


def read_with_peer(peer: str, python: str, images: Sequence[LabelledImage]) -> list[PeerReading]:
    """Read images in a process of the peers' environment, in their order."""
    paths = "".join(f"{image.path.resolve()}\n" for image in images)
    result = subprocess.run(
        [python, str(READ), peer], input=paths, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines()
        raise OSError(f"{peer} failed: {lines[-1] if lines else 'it said nothing'}")
    readings = [json.loads(line) for line in result.stdout.splitlines()]
    return [PeerReading(reading["text"], reading["cpu_ms"]) for reading in readings]


def read_with_ours(reader: Any, images: Sequence[LabelledImage]) -> Iterator[PeerReading]:
    """Read images one at a time."""
    reader.read([image.path for image in images[:4]], batch_size=1)
    for image in images:
        start = time.process_time()
        (reading,) = reader.read(image.path)
        yield PeerReading(reading.text, 1000 * (time.process_time() - start))


def describe(
    name: str, data: str, images: Sequence[LabelledImage], readings: Sequence[PeerReading]
) -> dict[str, Any]:
    """Return the row of a recogniser on a data set."""
    metrics = compute_metrics(
        [image.text for image in images], [reading.text for reading in readings]
    )
    low, high = metrics.alphanumeric_match_interval
    return {
        "recogniser": name,
        "data": data,
        "images": len(images),
        "match %": 100 * metrics.alphanumeric_match,
        "95 % interval": f"{100 * low:.1f} to {100 * high:.1f}",
        "strict %": 100 * metrics.exact_match,
        "CPU ms": statistics.median(reading.cpu_ms for reading in readings),
        "mean": statistics.fmean(reading.cpu_ms for reading in readings),
    }


def choose_images(source: str, every: int, part: str, limit: int = 0) -> list[LabelledImage]:
    """Return the images of a label file that are read.

    Args:
        source: The file, and its own `every`, `part`, `group` and `by` if it has any.
        every: One image in so many is held out; 1 takes all.
        part: Which part is read.
        limit: The most images, spread evenly over the part; 0 for all.
    """
    spec = parse_source(source)
    every = int(spec.options.get("every", every))
    images = read_labels(spec.name)
    if every > 1:
        keys = [image.key for image in images]
        part, group = spec.options.get("part", part), spec.options.get("group", "")
        by = spec.options.get("by", "order")
        images = [images[index] for index in split_indices(keys, every, part, group, by)]
    return images[:: max(1, -(-len(images) // limit))] if limit else images


def data_of(source: str) -> str:
    """Return the name of a data set, that of the folder of its label file."""
    return Path(parse_source(source).name).parent.name


def main(arguments: argparse.Namespace) -> None:
    """Read every data set with every recogniser."""
    reader = attention_ocr.load(
        arguments.model,
        second_looks=arguments.second_looks,
        rotate_tall=arguments.rotate_tall,
        deskew=arguments.deskew,
    )
    rows = []
    for source in arguments.labels:
        images = choose_images(source, arguments.every, arguments.part, arguments.limit)
        data = data_of(source)
        for peer in arguments.peers:
            readings = read_with_peer(peer, arguments.peers_python, images)
            rows.append(describe(peer, data, images, readings))
        rows.append(describe("attention_ocr", data, images, list(read_with_ours(reader, images))))
    measure.report(rows, arguments.json)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("labels", nargs="+", help="labels.tsv files, with options or without")
    parser.add_argument("--model", metavar="DIR", help="ours; by default the package's")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--peers_python", default="python", help="of the peers' environment")
    parser.add_argument(
        "--second_looks", action=argparse.BooleanOptionalAction, help="as in reading"
    )
    parser.add_argument("--rotate_tall", action=argparse.BooleanOptionalAction, help="likewise")
    parser.add_argument("--deskew", action=argparse.BooleanOptionalAction, help="likewise")
    parser.add_argument("--part", default="eval", help="of each data set")
    parser.add_argument("--every", type=int, default=5, help="one image in so many is read")
    parser.add_argument("--limit", type=int, default=0, help="images of a set at most; 0 for all")
    main(parser.parse_args())

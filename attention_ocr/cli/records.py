"""`attention-ocr records`: convert a data source to sharded TFRecords."""

import argparse
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attention_ocr.cli.engine_argument import add_engine_argument
from attention_ocr.cluster.address import names_cluster
from attention_ocr.settings.data import ON_BAD_EXAMPLE
from attention_ocr.text.escaping import escape_controls

if TYPE_CHECKING:
    from attention_ocr.data.labels import LabelledImage
    from attention_ocr.data.shard_files import ShardsReport, SkippedImage
    from attention_ocr.data.shards import ListedImages, SourceImages
    from attention_ocr.text.charset import Charset

HELP = "convert a data source to sharded TFRecords"
_MAX_SKIPPED_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "source", metavar="SOURCE", help="label file or other data source, as for --train_data"
    )
    parser.add_argument(
        "out_dir",
        help="output folder, created if missing, or an address such as s3://bucket/folder; with "
        "--engine=ray, shared by all nodes",
    )
    parser.add_argument(
        "--name",
        default="data",
        help="prefix of the files: NAME-00000-of-00008.tfrecord (default: %(default)s)",
    )
    parser.add_argument(
        "--num_shards",
        type=int,
        default=1,
        metavar="N",
        help="number of files; about 100 MB each is best (default: %(default)s)",
    )
    parser.add_argument(
        "--num_workers",
        type=int,
        metavar="N",
        help="processes that read and check images (default: one per core, fewer for few images)",
    )
    parser.add_argument(
        "--every",
        type=int,
        metavar="N",
        help="hold out every N-th image by sorted path; --part selects the part to write",
    )
    parser.add_argument(
        "--part", choices=("train", "eval"), help="eval: held-out images; train: the rest"
    )
    parser.add_argument("--max_length", type=int, metavar="N", help="maximum characters of a label")
    parser.add_argument(
        "--on_bad_example",
        choices=ON_BAD_EXAMPLE,
        default="fail",
        help="stop at an unusable image or label, or skip and report it (default: %(default)s)",
    )
    parser.add_argument(
        "--charset",
        type=Path,
        metavar="FILE",
        help="count characters of the labels that are not in this charset file",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the data set of this name in out_dir"
    )
    add_engine_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Write the records and print what was written and skipped."""
    # TensorFlow takes seconds to load; `--help` should not wait for it.
    from attention_ocr.text.charset import Charset

    if (args.every is None) != (args.part is None):
        raise ValueError(
            f"Expected --every and --part together. Received: every={args.every}, part={args.part}"
        )
    charset = None if args.charset is None else Charset.load(args.charset)
    if names_cluster(args.engine):
        report = _write_on_cluster(args, charset)
    else:
        report = _write_here(args, charset)
    num_images = report.num_examples + len(report.skipped)
    print(f"Wrote {report.num_examples} of {num_images} images to {args.out_dir}:")
    for shard in report.shards:
        print(f"  {shard.file}  {shard.num_examples} images, {shard.num_bytes} bytes")
    _print_skipped(report.skipped)
    if report.unknown_characters:
        counts = ", ".join(f"{c!r} ({n})" for c, n in report.unknown_characters.items())
        print(f"Characters of the labels missing from {args.charset}: {counts}")
    print(f"Report: {args.out_dir}/{args.name}.dataset.json")
    return 0


def _write_here(args: argparse.Namespace, charset: "Charset | None") -> "ShardsReport":
    from attention_ocr.data.shards import write_shards

    images = _open(args.source, args.every, args.part)
    num_workers = args.num_workers
    if num_workers is None:
        # Starting a process takes as long as processing thousands of images.
        num_workers = min(os.cpu_count() or 1, 1 + len(images) // 10_000)
    return write_shards(
        images,
        args.out_dir,
        args.name,
        num_shards=args.num_shards,
        num_workers=num_workers,
        max_length=args.max_length,
        charset=charset,
        overwrite=args.overwrite,
        fail_on_bad=args.on_bad_example == "fail",
    )


def _write_on_cluster(args: argparse.Namespace, charset: "Charset | None") -> "ShardsReport":
    from attention_ocr.cluster.engine import RayEngine
    from attention_ocr.cluster.records import RecordOptions, write_shards_on

    if args.num_workers is not None:
        raise ValueError(
            "Expected --num_workers without --engine=ray, which uses all processors of the "
            f"cluster. Received: --num_workers={args.num_workers}"
        )
    with RayEngine(args.engine) as engine:
        return write_shards_on(
            engine,
            _source_name(args.source, args.every, args.part),
            args.out_dir,
            args.name,
            num_shards=args.num_shards,
            options=RecordOptions(args.max_length, charset, args.on_bad_example == "fail"),
            overwrite=args.overwrite,
        )


def _open(
    name: str, every: int | None, part: str | None
) -> "Collection[LabelledImage] | ListedImages | SourceImages":
    """Return the images of a list, to be read by the workers, or of another source."""
    from attention_ocr.data.labels import held_out_split, read_labels
    from attention_ocr.data.shards import ListedImages, SourceImages
    from attention_ocr.data.sources import open_source
    from attention_ocr.data.storage import is_remote

    if name.endswith(".tsv") and not is_remote(name):
        images = read_labels(name, require_images=False)
        return images if every is None or part is None else held_out_split(images, every, part)
    source = open_source(_source_name(name, every, part))
    return SourceImages(source) if source.listed is None else ListedImages(source)


def _source_name(name: str, every: int | None, part: str | None) -> str:
    return name if every is None else f"{name},every={every},part={part}"


def _print_skipped(skipped: Sequence["SkippedImage"]) -> None:
    if not skipped:
        return
    print(f"Skipped {len(skipped)}:")
    for image in skipped[:_MAX_SKIPPED_SHOWN]:
        print(f"  {escape_controls(image.key)}: {escape_controls(image.detail)}")
    if len(skipped) > _MAX_SKIPPED_SHOWN:
        print(f"  … and {len(skipped) - _MAX_SKIPPED_SHOWN} more, see the report")

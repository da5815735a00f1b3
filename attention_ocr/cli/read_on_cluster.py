"""`attention-ocr read --engine=ray`: millions of images, on the machines of a cluster."""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attention_ocr.cli.image_names import STDIN, list_images
from attention_ocr.cli.settings_flags import settings_in_arguments
from attention_ocr.cluster.address import names_cluster
from attention_ocr.data.source_spec import FOLDER_FILES
from attention_ocr.images.formats import IMAGE_SUFFIXES
from attention_ocr.images.headers import ImageLimits
from attention_ocr.io.urls import url_of
from attention_ocr.settings.formats import ENGINES

if TYPE_CHECKING:
    from attention_ocr.cluster.reading import Item
    from attention_ocr.data.sources import Source

_SHARD_SIZE = 10_000
_AT_ONCE = 1_000
_FORMATS = ("parquet", "jsonl")


def engine_value(value: str) -> str:
    """Return a value of `--engine`; argparse reports a wrong one."""
    if value in ENGINES or names_cluster(value):
        return value
    raise argparse.ArgumentTypeError(
        f"expected one of {', '.join(ENGINES)}, ray, ray://HOST:PORT, received {value!r}"
    )


def add_cluster_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that go with `--engine=ray`."""
    group = parser.add_argument_group(
        "cluster",
        "With --engine=ray, PATH may also be a data source, as for --train_data.\nResults go to a "
        "folder; the same command continues after an interruption.",
    )
    group.add_argument("--out", metavar="DIR", help="folder of the results, shared by all nodes")
    group.add_argument(
        "--shard_size", type=int, metavar="N", help=f"images of a shard (default: {_SHARD_SIZE})"
    )
    group.add_argument(
        "--overwrite", action="store_true", help="replace the results of another command in --out"
    )


def refuse_cluster_arguments(args: argparse.Namespace) -> None:
    """Refuse, without a cluster, the arguments that need one."""
    given = [f"--{name}" for name in ("out", "shard_size", "overwrite") if getattr(args, name)]
    if args.format == "parquet":
        given.append("--format=parquet")
    if given:
        raise ValueError(f"{', '.join(given)} needs --engine=ray. Received: --engine={args.engine}")


def read_on_cluster(args: argparse.Namespace, limits: ImageLimits, second_looks: Any) -> int:
    """Read the images on a cluster; 1 if one could not be read."""
    _check(args)
    from attention_ocr.cluster.engine import RayEngine
    from attention_ocr.cluster.reading import ReadingOptions, read_on

    options = ReadingOptions(
        args.format or _FORMATS[0],
        args.shard_size or _SHARD_SIZE,
        args.batch_size,
        second_looks,
        limits,
    )
    with RayEngine(args.engine) as engine:
        counts = read_on(
            *(engine, _images(args), args.out, args.model, options),
            overwrite=args.overwrite,
            sources=[name for name in args.names if _is_data_source(name)],
        )
    print(
        f"Read {counts.num_read:,} images into {counts.num_shards:,} shards in {args.out}; "
        f"{counts.num_rejected:,} could not be read, see rejected-*.jsonl"
    )
    return 1 if counts.num_rejected else 0


def _check(args: argparse.Namespace) -> None:
    if not args.out:
        raise ValueError("--engine=ray needs --out, a folder. Received: none")
    if args.shard_size is not None and args.shard_size < 1:
        raise ValueError(f"Expected --shard_size of at least 1. Received: {args.shard_size}")
    if args.format not in (None, *_FORMATS):
        raise ValueError(
            f"--engine=ray writes {' or '.join(_FORMATS)}. Received: --format={args.format}"
        )
    decoding = settings_in_arguments(args, "decoding")
    refused = {
        "--output": args.output,
        "--overlay_dir": args.overlay_dir,
        "--stdin_image": args.stdin_image,
        "--boxes": args.boxes,
        "--detect": args.detect,
        "--rotate_tall": args.rotate_tall is not None,
        "--deskew": args.deskew is not None,
        **{f"--{name}": True for name in decoding},
    }
    given = [name for name, value in refused.items() if value]
    if given:
        raise ValueError(
            "--engine=ray reads with an export, as it is, into the folder --out. "
            f"Received: {', '.join(given)}"
        )


def _images(args: argparse.Namespace) -> "Iterator[Item]":
    """Yield the images of all names, as they are needed."""
    from attention_ocr.data.image_items import ListedImage

    for name in args.names:
        if _is_data_source(name):
            from attention_ocr.data.sources import open_source

            yield from _images_of(open_source(name))
        elif url_of(name) is not None:
            for path in _addresses(name):
                yield ListedImage(path, path)
        else:
            for path in list_images([name], args.recursive):
                yield ListedImage(path, path)


def _addresses(name: str) -> Iterator[str]:
    """Yield the addresses of the images below a remote folder, or that match a pattern."""
    from attention_ocr.data.storage import exists, list_files, match_files

    if not name.lower().endswith(IMAGE_SUFFIXES):
        yield from (path for path in list_files(name) if path.lower().endswith(IMAGE_SUFFIXES))
    elif not any(character in name for character in "*?[") or exists(name):
        yield name
    else:
        yield from match_files(name)


def _is_data_source(name: str) -> bool:
    if name == STDIN or name.lower().endswith(IMAGE_SUFFIXES):
        return False
    if url_of(name) is not None:
        return not name.endswith("/")
    return not Path(name).is_dir() or any(Path(name, file).exists() for file in FOLDER_FILES)


def _images_of(source: "Source") -> "Iterator[Item]":
    from attention_ocr.data.shards import SourceImages

    if source.listed is None:
        yield from SourceImages(source)
        return
    for start in itertools.count(0, _AT_ONCE):
        listed = source.listed(start, start + _AT_ONCE)
        if not listed:
            return
        yield from listed

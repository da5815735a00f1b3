"""`attention-ocr read --engine=ray`: millions of crops or pages, on the machines of a cluster."""

import argparse
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attention_ocr.cli.image_names import STDIN, list_images
from attention_ocr.cli.page_arguments import check_dpi, check_no_page_arguments
from attention_ocr.cli.settings_flags import settings_in_arguments
from attention_ocr.cluster.address import names_cluster
from attention_ocr.data.source_spec import FOLDER_FILES
from attention_ocr.images.formats import IMAGE_SUFFIXES, MULTI_PAGE_SUFFIXES, PAGE_SUFFIXES
from attention_ocr.images.headers import ImageLimits
from attention_ocr.io.urls import url_of
from attention_ocr.settings.formats import ENGINES

if TYPE_CHECKING:
    from attention_ocr.cluster.crops import ImageItem
    from attention_ocr.cluster.reading import Item
    from attention_ocr.data.sources import Source

_SHARD_SIZE = 10_000
_PAGES_OF_SHARD = 50
_AT_ONCE = 1_000
_COUNTED_FIRST = 1_000
_FORMATS = ("parquet", "jsonl")


class _Listed(NamedTuple):
    """What is to be read.

    Attributes:
        items: Draws each once.
        total: Their number; None if it is not known before.
    """

    items: "Iterable[Item]"
    total: int | None


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
        "--shard_size",
        type=int,
        metavar="N",
        help=f"images of a shard (default: {_SHARD_SIZE}; with --detect {_PAGES_OF_SHARD} pages)",
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
    from attention_ocr.cluster.reading import PageOptions, ReadingOptions, read_on
    from attention_ocr.cluster.source_guard import SourceGuard

    options = ReadingOptions(
        args.format or _FORMATS[0],
        args.shard_size or (_PAGES_OF_SHARD if args.detect else _SHARD_SIZE),
        args.batch_size,
        second_looks,
        limits,
        PageOptions(args.detector, args.dpi) if args.detect else None,
    )
    suffixes = PAGE_SUFFIXES if args.detect else IMAGE_SUFFIXES
    guard = SourceGuard(*filter(_is_data_source, args.names))
    listed = _listed(args.names, args.recursive, suffixes)
    if args.detect:
        listed = _pages(listed)
    with RayEngine(args.engine) as engine:
        counts = read_on(
            *(engine, listed.items, args.out, args.model, options),
            overwrite=args.overwrite,
            total=listed.total,
            guard=guard,
        )
    print(
        f"Read {counts.num_read:,} {'pages' if args.detect else 'images'} into "
        f"{counts.num_shards:,} shards in {args.out}; "
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
    if args.detect:
        from attention_ocr.pages.detector import parse_detector

        check_dpi(args)
        parse_detector(args.detector)
    else:
        check_no_page_arguments(args)
    decoding = settings_in_arguments(args, "decoding")
    refused = {
        "--output": args.output,
        "--output_dir": args.output_dir,
        "--overlay_dir": args.overlay_dir,
        "--stdin_image": args.stdin_image,
        "--boxes": args.boxes,
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


def _listed(names: Sequence[str], recursive: bool, suffixes: tuple[str, ...]) -> _Listed:
    """List the images of all names. Data sources and standard input are read as they are needed."""
    if STDIN in names:
        named = (_named(name, recursive, suffixes) for name in names)
        return _Listed(itertools.chain.from_iterable(one.items for one in named), None)
    each = [_named(name, recursive, suffixes) for name in names]
    totals = [one.total for one in each]
    known = [total for total in totals if total is not None]
    total = sum(known) if len(known) == len(totals) else None
    return _Listed(itertools.chain.from_iterable(one.items for one in each), total)


def _named(name: str, recursive: bool, suffixes: tuple[str, ...]) -> _Listed:
    """List the images of one name."""
    if _is_data_source(name):
        from attention_ocr.data.sources import open_source

        source = open_source(name)
        return _Listed(_images_of(source), source.num_examples)
    paths: Iterable[str]
    if url_of(name) is not None:
        paths = _addresses(name, suffixes)
    else:
        paths = list_images([name], recursive, suffixes)
    if name == STDIN:
        return _Listed(_files(paths), None)
    # As strings: a folder is listed as a whole in any case.
    kept = list(paths)
    return _Listed(_files(kept), len(kept))


def _files(paths: Iterable[str]) -> "Iterator[ImageItem]":
    from attention_ocr.data.image_items import ListedImage

    for path in paths:
        # The processes of a cluster have other working directories.
        is_url = url_of(path) is not None
        yield ListedImage(path if is_url else os.path.abspath(path), path)  # noqa: PTH100


def _pages(files: _Listed) -> _Listed:
    """List the pages of files. Of many files, they are counted as they are needed."""
    from attention_ocr.cluster.pages import page_items

    items = page_items(files.items)  # type: ignore[arg-type]
    if files.total is None or files.total > _COUNTED_FIRST:
        return _Listed(items, None)
    pages = list(items)
    # Files of several pages that are not divided.
    is_open = any(
        page.number is None and page.file.key.lower().endswith(MULTI_PAGE_SUFFIXES)
        for page in pages
    )
    return _Listed(pages, None if is_open else len(pages))


def _addresses(name: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    """Yield the addresses of the images below a remote folder, or that match a pattern."""
    from attention_ocr.data.storage import exists, list_files, match_files

    if not name.lower().endswith(suffixes):
        yield from (path for path in list_files(name) if path.lower().endswith(suffixes))
    elif not any(character in name for character in "*?[") or exists(name):
        yield name
    else:
        yield from match_files(name)


def _is_data_source(name: str) -> bool:
    if name == STDIN or name.lower().endswith(PAGE_SUFFIXES):
        return False
    if url_of(name) is not None:
        return not name.endswith("/")
    return not Path(name).is_dir() or any(Path(name, file).exists() for file in FOLDER_FILES)


def _images_of(source: "Source") -> "Iterable[ImageItem]":
    from attention_ocr.data.shards import SourceImages

    listed = source.listed
    if listed is None:
        return SourceImages(source)
    chunks = (listed(start, start + _AT_ONCE) for start in itertools.count(0, _AT_ONCE))
    return itertools.chain.from_iterable(itertools.takewhile(bool, chunks))

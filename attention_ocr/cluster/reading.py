"""Read millions of images on a cluster, one model in each process, into shards of results."""

import functools
import itertools
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from attention_ocr.cluster.crops import ImageItem, crop_rows
from attention_ocr.cluster.engine import Engine
from attention_ocr.cluster.pages import PageItem, page_rows
from attention_ocr.cluster.parts import Job, Part, Report, digest_of_keys, make_parts, open_job
from attention_ocr.cluster.rejections import Rejections
from attention_ocr.cluster.result_shards import WRITERS
from attention_ocr.cluster.sent_models import SentModel, describe, open_sent, send
from attention_ocr.cluster.source_guard import SourceChangedError, SourceGuard
from attention_ocr.data.shared_folder import SharedFolder
from attention_ocr.images.headers import ImageLimits
from attention_ocr.inference.locate import BUNDLED_WEIGHTS, lines_model
from attention_ocr.pages.detector import open_detector
from attention_ocr.pages.page_reader import PAGE_SECOND_LOOKS, PageReader
from attention_ocr.settings.pages import DEFAULT_DETECTOR, DEFAULT_DPI

PARTS = "parts"
MANIFEST = "readings.json"
_SHARD = re.compile(rf"readings-[0-9]{{5,}}\.({'|'.join(WRITERS)})|rejected-[0-9]{{5,}}\.jsonl")

Item = ImageItem | PageItem
"""A crop to read, or a page."""

Rows = Callable[[Sequence[Any], Rejections], Iterator[dict[str, Any]]]
"""Reads items: yields a row for each that can be read, and lists the others."""


@dataclass(frozen=True)
class PageOptions:
    """How whole pages are read.

    Attributes:
        detector: As in `PageReader`.
        dpi: Resolution at which the pages of a PDF are rendered.
    """

    detector: str = DEFAULT_DETECTOR
    dpi: int = DEFAULT_DPI


@dataclass(frozen=True)
class ReadingOptions:
    """How images are read.

    Attributes:
        format: `parquet` or `jsonl`.
        shard_size: Images of a shard.
        batch_size: Images that a process reads at once.
        second_looks: As in `load`.
        limits: Limits of decoding.
        pages: How whole pages are read; None for crops.
    """

    format: str = "parquet"
    shard_size: int = 10_000
    batch_size: int = 64
    second_looks: Any = None
    limits: ImageLimits = field(default_factory=ImageLimits)
    pages: PageOptions | None = None


@dataclass(frozen=True)
class ReadingCounts:
    """What a command has read.

    Attributes:
        num_read: Images that were read.
        num_rejected: Images that could not be read.
        num_shards: Shards of results.
        num_kept: Of these, shards that were there before.
    """

    num_read: int
    num_rejected: int
    num_shards: int
    num_kept: int


def read_on(
    engine: Engine,
    images: Iterable[Item],
    out_dir: str | os.PathLike[str],
    model: Path | None = None,
    options: ReadingOptions = ReadingOptions(),
    overwrite: bool = False,
    total: int | None = None,
    guard: SourceGuard | None = None,
) -> ReadingCounts:
    """Read images on a cluster.

    Shard `readings-00000.parquet` holds the first images, and so on; `rejected-00000.jsonl` those
    of them that could not be read, with the reason. `readings.json` is written last. A shard is
    there whole or not at all, and is not made again.

    Args:
        engine: The cluster.
        images: The images, in an order that does not change; drawn as processors become free.
        out_dir: Folder that this process and all nodes share.
        model: As in `load`; it needs a LiteRT or ONNX file, which the nodes take from `out_dir`.
        options: How images are read.
        overwrite: Whether results of another command in `out_dir` are replaced.
        total: Number of images, if known.
        guard: Guards the local files of the sources that the images are from.

    Raises:
        FileExistsError: If `out_dir` has results of another command and `overwrite` is false.
        OSError: If a node cannot write, or does not see the folder.
        ValueError: If the model has no file for the nodes, or the images changed underway.
    """
    guard = guard or SourceGuard()
    out = SharedFolder(out_dir)
    models = _models(model, options)
    settings = _settings([sent for sent, _ in models], options)
    _check_out(out, overwrite)
    job = open_job(SharedFolder(out.address(PARTS)), settings, overwrite, out)
    for sent, path in models:
        send(job, sent, path)
    make = functools.partial(_read_part, tuple(sent for sent, _ in models), options)
    unit = "image" if options.pages is None else "page"
    with tqdm(total=total, desc="reading", unit=unit, disable=None) as progress:
        parts = make_parts(engine, job, make, _parts(images, options.shard_size))
        try:
            counts = _count(parts, progress, guard)
            guard.check()
        except SourceChangedError:
            _remove_others(job, 0)
            job.remove()
            raise
    if not counts.num_shards:
        raise ValueError("Expected images. Received: none")
    _remove_others(job, counts.num_shards)
    numbers = {name: value for name, value in asdict(counts).items() if name != "num_kept"}
    out.write_text(MANIFEST, json.dumps({"settings": settings, **numbers}, indent=2) + "\n")
    job.remove()
    return counts


def _models(model: Path | None, options: ReadingOptions) -> list[tuple[SentModel, Path | None]]:
    """Return the models to send: the one that reads, and one that reads words of pages too."""
    if options.pages is None:
        return [(describe("model", model, options.second_looks), model)]
    looks = PAGE_SECOND_LOOKS if options.second_looks is None else options.second_looks
    reads = lines_model() if model is None else model
    models: list[tuple[SentModel, Path | None]] = [(describe("model", reads, looks), reads)]
    if model is None:
        words = describe("words", BUNDLED_WEIGHTS, PAGE_SECOND_LOOKS)
        models.append((words, BUNDLED_WEIGHTS))
    return models


def _settings(models: Sequence[SentModel], options: ReadingOptions) -> dict[str, Any]:
    """Return what results depend on, besides the images: JSON values."""
    settings = {
        "model": models[0].digest,
        "format": options.format,
        "shard_size": options.shard_size,
        "second_looks": asdict(models[0].second_looks),
        "limits": asdict(options.limits),
    }
    if options.pages is not None:
        settings |= asdict(options.pages) | {"words": [sent.digest for sent in models[1:]]}
    return settings


def _count(
    reports: Iterable[tuple[Report, bool]], progress: tqdm, guard: SourceGuard
) -> ReadingCounts:
    counts = ReadingCounts(0, 0, 0, 0)
    for report, was_there in reports:
        counts = ReadingCounts(
            counts.num_read + report["num_read"],
            counts.num_rejected + report["num_rejected"],
            counts.num_shards + 1,
            counts.num_kept + was_there,
        )
        progress.update(report["num_read"] + report["num_rejected"])
        progress.set_postfix(
            rejected=counts.num_rejected, shards_kept=counts.num_kept, refresh=False
        )
        guard.check_now_and_then()
    return counts


def _check_out(out: SharedFolder, overwrite: bool) -> None:
    out.make()
    if out.read_text(MANIFEST) is None:
        return
    if not overwrite:
        raise FileExistsError(
            f"Expected a folder without results, or --overwrite. Received: {out.address(MANIFEST)}"
        )
    out.remove(MANIFEST)
    for name in out.names():
        if _SHARD.fullmatch(name):
            out.remove(name)


def _remove_others(job: Job, num_shards: int) -> None:
    """Remove shards of an earlier command that was cut short and then given up."""
    kept: set[str] = set()
    for index in range(num_shards):
        kept.update((job.report(index) or {}).get("files", ()))
    for name in job.output.names():
        if _SHARD.fullmatch(name) and name not in kept:
            job.output.remove(name)


def _parts(images: Iterable[Item], size: int) -> Iterator[Part]:
    remaining = iter(images)
    for index in itertools.count():
        items = list(itertools.islice(remaining, size))
        if not items:
            return
        yield Part(index, items, digest_of_keys(map(_identity, items)))


def _identity(item: Item) -> str:
    return f"{item.key}\0{item.version}" if isinstance(item, PageItem) else item.key


def _read_part(
    models: Sequence[SentModel],
    options: ReadingOptions,
    job: Job,
    index: int,
    items: Sequence[Item],
) -> Report:
    """Read one shard, on a node."""
    read = _opened(job, models, options)
    rejections = Rejections()
    shard, rejects = f"readings-{index:05}.{options.format}", f"rejected-{index:05}.jsonl"
    content = "crops" if options.pages is None else "pages"
    files = {}
    with job.output.writing(shard) as path:
        num_read = WRITERS[options.format](path, read(items, rejections), content)
        files[shard] = path.stat().st_size
    if rejections:
        with job.output.writing(rejects) as path:
            path.write_text(rejections.json_lines(), encoding="utf-8")
            files[rejects] = path.stat().st_size
    return {"num_read": num_read, "num_rejected": len(rejections), "files": files}


_readers: dict[str, Rows] = {}
"""What reads in this process, by the token of its job."""


def _opened(job: Job, models: Sequence[SentModel], options: ReadingOptions) -> Rows:
    """Return what reads in this process; it is opened once."""
    if job.token not in _readers:
        _readers.clear()
        _readers[job.token] = _open(job, models, options)
    return _readers[job.token]


def _open(job: Job, models: Sequence[SentModel], options: ReadingOptions) -> Rows:
    reader, *others = (open_sent(job, sent, options.limits) for sent in models)
    if options.pages is None:
        return functools.partial(crop_rows, reader, options.batch_size)
    detector = open_detector(options.pages.detector, num_threads=1)
    words = others[0] if others else None
    pages = PageReader(reader, detector, options.limits, options.pages.dpi, words)
    return functools.partial(page_rows, pages)

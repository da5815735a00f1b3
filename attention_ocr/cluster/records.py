"""Sharded TFRecords, each shard made by one node: the same files as `data.shards` writes."""

import dataclasses
import functools
import json
import os
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

from tqdm import tqdm

from attention_ocr.cluster.engine import Engine
from attention_ocr.cluster.parts import Job, Part, Report, digest_of_keys, make_parts, open_job
from attention_ocr.cluster.source_guard import SourceChangedError, SourceGuard
from attention_ocr.data.shard_files import ShardContent, ShardFiles, ShardsReport, SkippedImage
from attention_ocr.data.shards import (
    ListedImages,
    ShardImage,
    SourceImages,
    prepare_image,
    report_of,
    shard_bounds,
    write_shard,
)
from attention_ocr.data.shared_folder import SharedFolder
from attention_ocr.data.sources import Source, Walk, open_source
from attention_ocr.text.charset import Charset

REJECTED = "rejected.jsonl"
"""Ends the name of the file of skipped images."""


@dataclasses.dataclass(frozen=True)
class RecordOptions:
    """How images become records; see `data.shards.write_shards`."""

    max_length: int | None = None
    charset: Charset | None = None
    fail_on_bad: bool = False


@dataclasses.dataclass(frozen=True)
class RenderedRange:
    """Images of rendered text, which a node renders itself.

    Attributes:
        source: The source string.
        start: Index of the first image.
        stop: Index after the last.
    """

    source: str
    start: int
    stop: int


def write_shards_on(
    engine: Engine,
    source_name: str,
    out_dir: str | os.PathLike[str],
    name: str = "data",
    *,
    num_shards: int = 1,
    options: RecordOptions = RecordOptions(),
    overwrite: bool = False,
) -> ShardsReport:
    """Write a source as sharded TFRecords on the nodes of a cluster.

    Image files are read by the nodes, rendered text is rendered by them; other sources are read
    by this process. Skipped images are also listed in `NAME.rejected.jsonl`. Finished shards are
    kept in `NAME.parts` until all are there.

    Args:
        engine: The cluster.
        source_name: The source string; the nodes must reach its files under the same names.
        out_dir: Folder that this process and all nodes share.
        name: Name of the data set.
        num_shards: Number of shards.
        options: How images become records.
        overwrite: Whether to replace a data set of this name.

    Raises:
        FileExistsError: If there is one and `overwrite` is false.
        OSError: If a node cannot write, or does not see the folder.
        ValueError: If an argument is out of range, an image is not usable with `fail_on_bad`, or
            the source has changed.
    """
    guard = SourceGuard(source_name)
    source = open_source(source_name)
    images = SourceImages(source)
    if not 1 <= num_shards <= len(images):
        raise ValueError(
            f"Expected between 1 shard and {len(images)}, the number of images. "
            f"Received: num_shards={num_shards}"
        )
    files = ShardFiles(out_dir, name, num_shards)
    files.prepare(overwrite)
    folder = SharedFolder(files.folder.address(f"{name}.parts"))
    job = open_job(folder, _settings(source, len(images), num_shards, options), overwrite)
    parts = _parts(source, source_name, images, shard_bounds(len(images), num_shards))
    with tqdm(total=len(images), desc=name, unit="image", disable=None) as progress:
        try:
            _make_all(engine, job, options, parts, progress, guard)
            guard.check()
        except SourceChangedError:
            job.remove()
            raise
    return _commit(job, files)


def _settings(
    source: Source, num_images: int, num_shards: int, options: RecordOptions
) -> dict[str, Any]:
    charset = options.charset
    return {
        "source": source.digest(),
        "num_images": num_images,
        "num_shards": num_shards,
        "max_length": options.max_length,
        "charset": None if charset is None else digest_of_keys(charset.characters),
    }


def _make_all(
    engine: Engine,
    job: Job,
    options: RecordOptions,
    parts: Iterator[Part],
    progress: tqdm,
    guard: SourceGuard,
) -> None:
    num_bad = num_kept = 0
    make = functools.partial(_make_shard, options)
    for report, was_there in make_parts(engine, job, make, parts):
        skipped = report["skipped"]
        if skipped and options.fail_on_bad:
            # Of an earlier command, which skipped it.
            raise ValueError(
                "Expected only images that can be used. "
                f"Received: {skipped[0]['key']}: {skipped[0]['detail']}"
            )
        num_bad += len(skipped)
        num_kept += was_there
        progress.update(report["num_examples"] + len(skipped))
        progress.set_postfix(bad=num_bad, shards_kept=num_kept, refresh=False)
        guard.check_now_and_then()


def _parts(
    source: Source, source_name: str, images: SourceImages, bounds: Sequence[int]
) -> Iterator[Part]:
    """Yield the parts, with as little of the source in memory as there are processors."""
    is_rendered = source.spec.name == "synthetic" and not source.parts
    if source.listed is None and not is_rendered:
        rows = iter(images)
        for index, (start, stop) in enumerate(pairwise(bounds)):
            own: list[ShardImage] = list(islice(rows, stop - start))
            if len(own) < stop - start:
                raise ValueError(
                    f"Expected {bounds[-1]} images. Received: {start + len(own)}; "
                    f"{source_name} has changed"
                )
            yield Part(index, own, digest_of_keys(image.key for image in own))
        return
    for index, (start, stop) in enumerate(pairwise(bounds)):
        if source.listed is None:
            rendered = RenderedRange(source_name, start, stop)
            yield Part(index, rendered, digest_of_keys([f"{start}", f"{stop}"]))
            continue
        listed = ListedImages(source).between(start, stop)
        yield Part(index, listed, digest_of_keys(image.key for image in listed))


def _make_shard(options: RecordOptions, job: Job, index: int, inputs: Any) -> Report:
    """Write one shard, on a node."""
    images: Iterator[ShardImage] | Sequence[ShardImage] = inputs
    if isinstance(inputs, RenderedRange):
        walk = Walk(span=(inputs.start, inputs.stop))
        images = iter(SourceImages(_open_once(inputs.source), walk))
    outcomes = (prepare_image(image, options.max_length) for image in images)
    file = f"{index:05}.tfrecord"
    with job.output.writing(file) as path:
        content = write_shard(path, outcomes, options.charset, options.fail_on_bad)
    return dataclasses.asdict(content) | {"files": {file: content.num_bytes}}


@functools.lru_cache(maxsize=1)
def _open_once(source_name: str) -> Source:
    return open_source(source_name)


def _commit(job: Job, files: ShardFiles) -> ShardsReport:
    contents = []
    for index in range(len(files.names)):
        report = job.report(index)
        if report is None:
            raise OSError(f"Expected all shards in {job.folder}. Received: none of index {index}")
        contents.append(
            ShardContent(
                report["num_examples"],
                report["num_bytes"],
                tuple(SkippedImage(**image) for image in report["skipped"]),
                report["unknown_characters"],
            )
        )
    document = report_of(files.names, contents)
    rejected = f"{files.name}.{REJECTED}"
    files.folder.remove(rejected)
    if document.skipped:
        lines = [
            json.dumps(dataclasses.asdict(image), ensure_ascii=False) for image in document.skipped
        ]
        files.folder.write_text(rejected, "\n".join(lines) + "\n")
    written = [f"{index:05}.tfrecord" for index in range(len(files.names))]
    files.commit(document, written, job.folder)
    job.remove()
    return document

"""Read millions of images on a cluster, one model in each process, into shards of results."""

import functools
import hashlib
import itertools
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from attention_ocr.cluster.engine import Engine
from attention_ocr.cluster.parts import Job, Part, Report, digest_of_keys, make_parts, open_job
from attention_ocr.cluster.result_shards import WRITERS
from attention_ocr.cluster.source_guard import SourceChangedError, SourceGuard
from attention_ocr.data.image_items import EncodedImage, ListedImage
from attention_ocr.data.shared_folder import SharedFolder
from attention_ocr.data.storage import StoreError, read_file
from attention_ocr.images.headers import ImageLimits
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.engines.numpy_engine import NumPyEngine
from attention_ocr.inference.locate import find_model
from attention_ocr.inference.reader import Reader, find_file, load
from attention_ocr.io.bounded_read import read_bounded

PARTS = "parts"
MANIFEST = "readings.json"
_MAX_MODEL_BYTES = 2**31
_SHARD = re.compile(rf"(readings|rejected)-\d{{5,}}\.({'|'.join(WRITERS)})")

Item = ListedImage | EncodedImage
"""An image to read: where it is, or what it holds."""


@dataclass(frozen=True)
class ReadingOptions:
    """How images are read.

    Attributes:
        format: `parquet` or `jsonl`.
        shard_size: Images of a shard.
        batch_size: Images that a process reads at once.
        second_looks: As in `load`.
        limits: Limits of decoding.
    """

    format: str = "parquet"
    shard_size: int = 10_000
    batch_size: int = 64
    second_looks: Any = None
    limits: ImageLimits = field(default_factory=ImageLimits)


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
    sources: Sequence[str] = (),
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
        sources: Source strings that the images are from, whose local files must not change.

    Raises:
        FileExistsError: If `out_dir` has results of another command and `overwrite` is false.
        OSError: If a node cannot write, or does not see the folder.
        ValueError: If the model has no file for the nodes, or the images changed underway.
    """
    guard = SourceGuard(*sources)
    out = SharedFolder(out_dir)
    file = _model_file(model)
    content = read_bounded(file, _MAX_MODEL_BYTES)
    settings = _settings(content, options)
    _check_out(out, overwrite)
    job = open_job(SharedFolder(out.address(PARTS)), settings, overwrite, out)
    model_name = f"model{file.suffix}"
    with job.folder.writing(model_name) as temporary:
        temporary.write_bytes(content)
    make = functools.partial(_read_part, model_name, options)
    with tqdm(total=total, desc="reading", unit="image", disable=None) as progress:
        parts = make_parts(engine, job, make, _parts(images, options.shard_size))
        try:
            counts = _count(parts, progress, guard)
            guard.check()
        except SourceChangedError:
            _remove_others(job, 0)
            job.folder.remove_all()
            raise
    if not counts.num_shards:
        raise ValueError("Expected images. Received: none")
    _remove_others(job, counts.num_shards)
    numbers = {name: value for name, value in asdict(counts).items() if name != "num_kept"}
    out.write_text(MANIFEST, json.dumps({"settings": settings, **numbers}, indent=2) + "\n")
    job.folder.remove_all()
    return counts


def _settings(model: bytes, options: ReadingOptions) -> dict[str, Any]:
    """Return what results depend on, besides the images: JSON values."""
    return {
        "model": hashlib.sha256(model).hexdigest(),
        "format": options.format,
        "shard_size": options.shard_size,
        "second_looks": _jsonable(options.second_looks),
        "limits": asdict(options.limits),
    }


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
        if name.startswith(("readings-", "rejected-")):
            out.remove(name)


def _remove_others(job: Job, num_shards: int) -> None:
    """Remove shards of an earlier command that was cut short and then given up."""
    kept: set[str] = set()
    for index in range(num_shards):
        kept.update((job.report(index) or {}).get("files", ()))
    for name in job.output.names():
        if _SHARD.fullmatch(name) and name not in kept:
            job.output.remove(name)


def _jsonable(second_looks: Any) -> Any:
    return second_looks if isinstance(second_looks, bool | dict | None) else asdict(second_looks)


def _model_file(model: Path | None) -> Path:
    found = find_model(model)
    file = find_file(found, "auto")
    if file is None:
        raise ValueError(
            "Expected a model with a LiteRT or ONNX file, which every process of the cluster "
            "opens: export one with `attention-ocr export --format=litert_int8`. "
            f"Received: {found}"
        )
    return file


def _parts(images: Iterable[Item], size: int) -> Iterator[Part]:
    remaining = iter(images)
    for index in itertools.count():
        items = list(itertools.islice(remaining, size))
        if not items:
            return
        yield Part(index, items, digest_of_keys(item.key for item in items))


def _read_part(
    model_name: str, options: ReadingOptions, job: Job, index: int, items: Sequence[Item]
) -> Report:
    """Read one shard, on a node."""
    reader = _reader(job.folder.address(model_name), job.token, options)
    rejected: list[dict[str, str]] = []
    shard, rejects = f"readings-{index:05}.{options.format}", f"rejected-{index:05}.jsonl"
    files = {}
    with job.output.writing(shard) as path:
        num_read = WRITERS[options.format](path, _rows(reader, items, options, rejected))
        files[shard] = path.stat().st_size
    if rejected:
        with job.output.writing(rejects) as path:
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rejected]
            path.write_text("".join(lines), encoding="utf-8")
            files[rejects] = path.stat().st_size
    return {"num_read": num_read, "num_rejected": len(rejected), "files": files}


def _rows(
    reader: Reader, items: Sequence[Item], options: ReadingOptions, rejected: list[dict[str, str]]
) -> Iterator[dict[str, Any]]:
    """Yield a row for each image that can be read; list the others in `rejected`."""
    for start in range(0, len(items), options.batch_size):
        keys, contents = [], []
        for item in items[start : start + options.batch_size]:
            try:
                content = item.encoded if isinstance(item, EncodedImage) else read_file(item.path)
            except FileNotFoundError:
                rejected.append(_rejection(item.key, "missing", "no such file"))
                continue
            except StoreError:
                raise
            except OSError as error:
                rejected.append(_rejection(item.key, "unreadable", error.strerror or str(error)))
                continue
            keys.append(item.key)
            contents.append(content)
        for key, reading in zip(keys, reader.read(contents, len(contents) or 1), strict=True):
            if reading.error is not None:
                rejected.append(_rejection(key, "unreadable", reading.error))
                continue
            yield _row(key, reading)


def _printable(key: str) -> str:
    """Return a key that can be written: names of files need not be UTF-8."""
    return key.encode("utf-8", "backslashreplace").decode("utf-8")


def _rejection(key: str, reason: str, detail: str) -> dict[str, str]:
    return {"key": _printable(key), "reason": reason, "detail": detail}


def _row(key: str, reading: Reading) -> dict[str, Any]:
    return {
        "key": _printable(key),
        "text": reading.text,
        "confidence": round(reading.confidence, 6),
        "character_confidences": [round(value, 6) for value in reading.character_confidences],
        "shrunk": reading.shrunk,
        "warning": reading.warning,
        "alternatives": [
            {"text": text, "confidence": round(confidence, 6)}
            for text, confidence in reading.alternatives
        ],
    }


_readers: dict[str, Reader] = {}
"""The reader of this process, by the token of its job."""


def _reader(model_address: str, token: str, options: ReadingOptions) -> Reader:
    """Return the reader of this process; it is opened once."""
    if token not in _readers:
        _readers.clear()
        _readers[token] = _open(model_address, options)
    return _readers[token]


def _open(model_address: str, options: ReadingOptions) -> Reader:
    with tempfile.TemporaryDirectory(prefix="attention-ocr-") as folder:
        # The file is read into memory when it is opened.
        file = Path(folder, model_address.rpartition("/")[2])
        file.write_bytes(read_file(model_address))
        reader = load(file, limits=options.limits, second_looks=options.second_looks)
    # Below second looks, if there are any.
    engine = getattr(reader.engine, "engine", reader.engine)
    if isinstance(engine, NumPyEngine):
        # A cluster runs a process for each processor.
        engine.num_threads = 1
    return reader

"""TFRecord files: shards read in parallel, shuffled by shard and in a buffer."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from attention_ocr.data.local_copies import local_copy
from attention_ocr.data.record_lengths import check_record_lengths
from attention_ocr.data.records import (
    RECORD_FORMATS,
    RecordFormat,
    detect_format,
    feature_names,
    parse_record,
)
from attention_ocr.data.shard_files import check_shards
from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import Source, Walk, digest_of
from attention_ocr.data.storage import (
    check_bucket,
    first_line_of_text,
    is_remote,
    match_files,
    state_of,
    tensorflow_reads,
)

SHARDS_AT_ONCE = 8


def open_source(spec: SourceSpec) -> Source:
    """Open the record files that match a pattern; `.gz` files are decompressed.

    Files that TensorFlow cannot read where they are are copied to the temporary folder, each when
    it is needed.

    Options: `format`, one of `RECORD_FORMATS`, where the feature names are ambiguous.

    Raises:
        FileNotFoundError: If the pattern matches nothing.
        ValueError: If the files are not records, of an unknown format, or incomplete.
    """
    refuse_unknown_options(spec, ("format",))
    paths = _matching(spec.name)
    check_shards(paths)
    record_format = _check_first_record(paths, spec)
    is_read_by_tensorflow = tensorflow_reads(spec.name)

    def numbered(path: tf.Tensor) -> tf.data.Dataset:
        file = path
        if not is_read_by_tensorflow:
            # Inside of the walk: a walk that is resumed elsewhere has no copies yet.
            file = tf.numpy_function(_copied, [path], tf.string, stateful=False)
            file = tf.ensure_shape(file, ())
        records = _records(file)
        if record_format.key:
            return records
        return records.enumerate().map(lambda number, record: (record, path, number))

    def walked(walk: Walk) -> tf.data.Dataset:
        files = tf.data.Dataset.from_tensor_slices(paths)
        # Whole files where there are enough of them: each process then reads only its own.
        by_file = len(paths) >= walk.shard[1]
        if by_file:
            files = files.shard(walk.shard[1], walk.shard[0])
        if walk.seed is None:
            records = files.flat_map(numbered)
        else:
            files = files.shuffle(len(paths), walk.seed)
            records = files.interleave(
                numbered, cycle_length=SHARDS_AT_ONCE, num_parallel_calls=walk.num_workers
            )
        if not by_file:
            records = records.shard(walk.shard[1], walk.shard[0])
        if walk.seed is not None:
            records = walk.skipped(records.shuffle(walk.shuffle_buffer, walk.seed).repeat())
        return records

    def rows(walk: Walk) -> tf.data.Dataset:
        row = functools.partial(_row, record_format)
        return walked(walk).map(row, num_parallel_calls=walk.num_workers)

    return Source(
        spec,
        None,
        rows,
        lambda: _texts(rows(Walk())),
        lambda: _find_damage(paths),
        digest=lambda: _digest(paths),
    )


def _row(record_format: RecordFormat, record: tf.Tensor, *place: tf.Tensor) -> dict[str, tf.Tensor]:
    """Parse a record; `place` is path and number of one without a key."""
    if place:
        path, number = place
        place = (tf.strings.join([path, "#", tf.strings.as_string(number)]),)
    return parse_record(record, *place, record_format=record_format)


def _texts(rows: tf.data.Dataset) -> Iterator[str]:
    for batch in rows.map(lambda row: row["text"]).batch(1024).as_numpy_iterator():
        for text in batch:
            yield text.decode("utf-8", errors="replace")


def _matching(pattern: str) -> list[str]:
    paths = match_files(pattern)
    if not paths:
        check_bucket(pattern)
        raise FileNotFoundError(f"No data found at {pattern}: no label file and no record files.")
    return paths


def _copied(path: bytes) -> bytes:
    return local_copy(path.decode("utf-8")).encode("utf-8")


def _readable(path: str) -> str:
    """Return the path of a file as TensorFlow reads it."""
    return path if tensorflow_reads(path) else local_copy(path)


def _records(path: str | tf.Tensor) -> tf.data.Dataset:
    """Return the records of a file, decompressed if its name ends in `.gz`."""
    is_zipped = tf.strings.regex_full_match(path, r"(?s).*\.gz")
    return tf.data.TFRecordDataset(path, compression_type=tf.where(is_zipped, "GZIP", ""))


def _check_first_record(paths: list[str], spec: SourceSpec) -> RecordFormat:
    name = spec.name
    _refuse_text(paths[0])
    for path in paths:
        if not is_remote(path) and not path.endswith(".gz"):
            try:
                check_record_lengths(Path(path), max_records=1)
            except ValueError as error:
                raise ValueError(f"{path} is not a record file: {error}") from error
    try:
        first = next(
            (
                record
                for path in paths
                for record in _records(_readable(path)).take(1).as_numpy_iterator()
            ),
            None,
        )
        if first is None:
            raise ValueError(f"{name} holds no example.")
        names, detected = sorted(feature_names(first)), detect_format(first)
    except tf.errors.OpError as error:
        raise ValueError(f"{name} is not a record file: {error.message}") from error
    except ValueError as error:
        raise ValueError(f"{name} is not a record file that can be used: {error}") from error
    chosen = spec.options.get("format", detected)
    if chosen is None:
        raise ValueError(
            f"Expected records of one of {', '.join(RECORD_FORMATS)}. Received: {name}, whose "
            f"features are {', '.join(names) or 'none'}"
        )
    missing = sorted(set(RECORD_FORMATS[chosen].features) - set(names))
    if missing:
        raise ValueError(
            f"Records of format={chosen} have {', '.join(missing)}. Received: {name}, whose "
            f"features are {', '.join(names) or 'none'}"
        )
    return RECORD_FORMATS[chosen]


def _refuse_text(path: str) -> None:
    line = None if is_remote(path) else first_line_of_text(path)
    if line:
        raise ValueError(
            f"{path} is not a record file: it is text, but not a list that begins with a path, a "
            f"tab or space and a text; `format=` names others. Received: {line[:80]!r}"
        )


def _digest(paths: list[str]) -> str:
    """Return a hash of file names and sizes, which does not depend on the folder."""
    sizes = (str(state_of(path)[0]) for path in paths)
    names = (os.path.basename(path) for path in paths)  # noqa: PTH119
    return digest_of(*(part for file in zip(names, sizes, strict=True) for part in file))


def _find_damage(paths: list[str]) -> str:
    """Return which file cannot be read completely, and why."""
    for path in paths:
        number = 0
        try:
            for _ in _records(_readable(path)):
                number += 1
        except OSError as error:
            return str(error)
        except tf.errors.NotFoundError:
            return f"{path}: no such file any more"
        except tf.errors.OpError as error:
            return f"{path}: damaged in record {number}: {error.message}"
    return ""

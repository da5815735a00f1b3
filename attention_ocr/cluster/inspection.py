"""Inspect a source on a cluster: nodes measure the images, this process counts."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from attention_ocr.cluster.engine import Engine
from attention_ocr.cluster.source_guard import SourceGuard
from attention_ocr.data.image_items import ListedImage
from attention_ocr.data.inspection import Inspection, inspect_batches
from attention_ocr.data.measuring import Measured, measure_rows
from attention_ocr.data.pipeline import explaining
from attention_ocr.data.sources import Source, Walk, open_source
from attention_ocr.data.storage import StoreError, read_file, tensorflow_reads

_AT_ONCE = 2_048
_SMALL_BATCH = 256


class RenderedSpan(NamedTuple):
    """Rendered examples, from one index to another."""

    source: str
    start: int
    stop: int


def inspect_on(
    engine: Engine, source_name: str, inspection: Inspection, limit: int | None = None
) -> Inspection:
    """Read a source once on a cluster and return `inspection`, filled as by `inspect_source`.

    Args:
        engine: The cluster.
        source_name: The source string; the nodes must reach its files under the same names.
        inspection: An empty inspection.
        limit: Maximum number of examples; required for endless sources.

    Raises:
        ValueError: If the source is endless and there is no limit, it has no examples, a file of
            it is damaged, or it has changed underway.
    """
    guard = SourceGuard(source_name)
    source = open_source(source_name)
    measured = engine.run(_measure, _tasks(source, source_name, limit), in_order=True)
    batches = itertools.chain.from_iterable(measured)
    filled = inspect_batches(batches, inspection, source, limit)
    guard.check()
    return filled


def _tasks(source: Source, source_name: str, limit: int | None) -> Iterator[Any]:
    if source.spec.name == "synthetic" and not source.parts:
        count = min(number for number in (source.num_examples, limit) if number is not None)
        for start in range(0, count, _AT_ONCE):
            yield RenderedSpan(source_name, start, min(start + _AT_ONCE, count))
    elif source.listed is not None:
        count = source.num_examples or 0
        count = count if limit is None else min(count, limit)
        for start in range(0, count, _AT_ONCE):
            yield source.listed(start, min(start + _AT_ONCE, count))
    else:
        rows = itertools.islice(_rows(source), limit)
        while chunk := list(itertools.islice(rows, _SMALL_BATCH)):
            yield chunk


def _rows(source: Source) -> Iterator[dict[str, Any]]:
    for part in source.parts or (source,):
        with explaining(part):
            yield from part.rows(Walk()).as_numpy_iterator()


def _measure(task: Any) -> list[Measured]:
    """Measure one task, on a node."""
    if isinstance(task, RenderedSpan):
        walk = Walk(span=(task.start, task.stop))
        return list(measure_rows(_open_once(task.source).rows(walk)))
    if isinstance(task[0], ListedImage):
        return list(measure_rows(_listed_rows(task)))
    if any("image" in row for row in task):
        # Pixels differ in shape, so each needs a separate data set.
        sets = [tf.data.Dataset.from_tensors(row) for row in task]
        return [batch for rows in sets for batch in measure_rows(rows, 1)]
    columns = {name: [row[name] for row in task] for name in task[0]}
    return list(measure_rows(tf.data.Dataset.from_tensor_slices(columns)))


def _listed_rows(images: Sequence[ListedImage]) -> tf.data.Dataset:
    columns: dict[str, list[Any]] = {
        "key": [image.key for image in images],
        "text": [image.text for image in images],
    }
    if all(tensorflow_reads(image.path) for image in images):
        columns["path"] = [image.path for image in images]
    else:
        columns["encoded"] = [_content(image.path) for image in images]
    return tf.data.Dataset.from_tensor_slices(columns)


def _content(path: str) -> bytes:
    try:
        return read_file(path)
    except StoreError:
        raise
    except OSError:
        return b""


@functools.lru_cache(maxsize=1)
def _open_once(source_name: str) -> Source:
    return open_source(source_name)

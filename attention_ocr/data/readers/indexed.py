"""Examples with random access: shuffled without a buffer, resumed from a single index."""

import abc

import numpy as np
import tensorflow as tf

from attention_ocr.data.image_items import ListedImage
from attention_ocr.data.source_spec import SourceSpec, integer_option
from attention_ocr.data.sources import Source, Walk, digest_of
from attention_ocr.data.storage import StoreError, read_file
from attention_ocr.data.tables import ImageTable, split_indices

SPLIT_OPTIONS = ("every", "part", "group", "by")
"""Options of every indexed source."""


class IndexedReader(abc.ABC):
    """Labelled images by index, from 0."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """Return the number of images."""

    @abc.abstractmethod
    def key(self, index: int) -> str:
        """Return the name of an image in reports."""

    @abc.abstractmethod
    def text(self, index: int) -> str:
        """Return the text of an image as stored."""

    def digest(self) -> str:
        """Return a hash that identifies these examples, without reading the images."""
        numbers = range(len(self))
        return digest_of(*(part for i in numbers for part in (self.key(i), self.text(i))))

    @abc.abstractmethod
    def row(self, index: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return, in the graph, a row of `Source.rows`: a function of the int64 scalar alone."""


class EncodedReader(IndexedReader):
    """Encoded images that Python reads, such as those in archives and databases."""

    columns: tuple[str, ...] = ("key", "text", "encoded")
    """Names of what `read` returns."""

    @abc.abstractmethod
    def read(self, index: int) -> tuple[bytes, ...]:
        """Return the values of `columns`; the image is empty if it is missing."""

    def row(self, index: tf.Tensor) -> dict[str, tf.Tensor]:
        values = tf.numpy_function(
            lambda number: self.read(int(number)),
            [index],
            [tf.string] * len(self.columns),
            stateful=False,
        )
        return {
            name: tf.ensure_shape(value, ())
            for name, value in zip(self.columns, values, strict=True)
        }


class FileListReader(IndexedReader):
    """Image files that a table lists.

    Args:
        table: The files and their texts.
    """

    def __init__(self, table: ImageTable) -> None:
        self.table = table
        # Created outside of the graph, which would otherwise hold a copy.
        self._keys, self._texts = table.keys.lookup(), table.texts.lookup()
        self._reads_itself = table.is_read_by_tensorflow()

    def __len__(self) -> int:
        return len(self.table)

    def key(self, index: int) -> str:
        return self.table.keys[index]

    def text(self, index: int) -> str:
        return self.table.texts[index]

    def digest(self) -> str:
        return digest_of(*self.table.keys.content(), *self.table.texts.content())

    def listed(self, index: int) -> ListedImage:
        """Return the path and key of an image, and its text as stored."""
        key = self.key(index)
        return ListedImage(self.table.path_of(key), key, self.text(index))

    def row(self, index: tf.Tensor) -> dict[str, tf.Tensor]:
        key = self._keys(index)
        row = {"key": key, "text": self._texts(index)}
        path = self.table.path_in_graph(key)
        if self._reads_itself:
            return row | {"path": path}
        encoded = tf.numpy_function(_read_or_empty, [path], tf.string, stateful=False)
        return row | {"encoded": tf.ensure_shape(encoded, ())}


def _read_or_empty(path: bytes) -> bytes:
    try:
        return read_file(path.decode("utf-8"))
    except StoreError:
        raise
    except OSError:
        return b""


def walk_indices(num_examples: int, walk: Walk) -> tf.data.Dataset:
    """Return the int64 indices of a walk through `num_examples` examples.

    A shuffled walk is endless, and each epoch has its own order. The order is computed (a cipher on
    the indices), not stored: the position to resume from is one number however many examples there
    are, and no buffer has to fill before the first.

    Args:
        num_examples: Number of examples.
        walk: Seed, shard, start and span.
    """
    worker, num_workers = walk.shard
    if walk.seed is None:
        first, end = walk.span or (0, num_examples)
        return tf.data.Dataset.range(first, end).shard(num_workers, worker)
    seed = walk.seed

    def shuffled(position: tf.Tensor) -> tf.Tensor:
        epoch, place = position // num_examples, position % num_examples
        last = tf.constant(num_examples - 1, tf.int64)
        seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
        return tf.random.experimental.index_shuffle(place, seeds, last)

    # Positions continue across epochs: the workers together see each example once per epoch.
    positions = tf.data.Dataset.range(walk.start + worker, np.iinfo(np.int64).max, num_workers)
    return positions.map(shuffled)


def indexed_source(spec: SourceSpec, reader: IndexedReader) -> Source:
    """Return a source of all examples of a reader, or of one part of them.

    The options `every`, `part`, `group` and `by` select the part, see `data.tables.split_indices`.

    Raises:
        ValueError: If an option is invalid, or one that it needs is missing.
    """
    if ("every" in spec.options) != ("part" in spec.options):
        raise ValueError(f"`every` and `part` of {spec.name} go together. Received: {spec.options}")
    for name in ("group", "by"):
        if name in spec.options and "every" not in spec.options:
            raise ValueError(
                f"`{name}` of {spec.name} needs `every` and `part`. Received: {spec.options}"
            )
    chosen = None
    if "every" in spec.options:
        keys = [reader.key(index) for index in range(len(reader))]
        chosen = split_indices(
            keys,
            integer_option(spec, "every"),
            spec.options["part"],
            spec.options.get("group", ""),
            spec.options.get("by", "order"),
        )
    indices = range(len(reader)) if chosen is None else chosen
    table = None if chosen is None else tf.constant(chosen)

    def row(index: tf.Tensor) -> dict[str, tf.Tensor]:
        return reader.row(index if table is None else table[index])

    def rows(walk: Walk) -> tf.data.Dataset:
        walked = walk_indices(len(indices), walk)
        return walked.map(row, num_parallel_calls=walk.num_workers)

    def digest() -> str:
        chosen_bytes = b"" if chosen is None else np.asarray(chosen, np.int64).tobytes()
        return digest_of(reader.digest(), chosen_bytes)

    files = reader if isinstance(reader, FileListReader) else None

    def listed(start: int, stop: int) -> list[ListedImage]:
        return [files.listed(int(index)) for index in indices[start:stop]] if files else []

    return Source(
        spec,
        len(indices),
        rows,
        lambda: (reader.text(int(index)) for index in indices),
        digest=digest,
        listed=listed if files else None,
    )

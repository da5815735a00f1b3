"""Data sources: one string names where examples come from."""

import functools
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_ocr.data.images import decode_image, decode_or_blank
from attention_ocr.data.labels import held_out_split, read_labels
from attention_ocr.data.records import parse_example
from attention_ocr.data.shard_files import check_shards
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import parse_options

_OPTION = re.compile(r",(?=[a-z_]+=)")


@dataclass(frozen=True)
class SourceSpec:
    """A source string, taken apart.

    Attributes:
        name: `synthetic`, or the path of a label file or a pattern of record files.
        options: the `key=value` parts.
    """

    name: str
    options: dict[str, str] = field(default_factory=dict)


def parse_source(source: str) -> SourceSpec:
    """Take a source string `NAME[,key=value...]` apart.

    Only a comma before `key=` ends the name or a value, so both may hold commas and spaces.

    Raises:
        ValueError: no name, or a key that stands twice.

    Example:
        >>> parse_source("my words/labels.tsv,every=5,part=eval").options
        {'every': '5', 'part': 'eval'}
    """
    name, *parts = _OPTION.split(source)
    if not name.strip():
        raise ValueError(f"A data source must begin with its name. Received: {source!r}")
    options: dict[str, str] = {}
    for part in parts:
        key, _, value = part.partition("=")
        if key in options:
            raise ValueError(f"A data source must give `{key}` once. Received: {source!r}")
        options[key] = value
    return SourceSpec(name, options)


@dataclass(frozen=True)
class Source:
    """Examples, and how to walk through them.

    Attributes:
        spec: where they come from.
        num_examples: their number; none when there is no end.
        examples: `Walk -> tf.data.Dataset` of `key` string, `image` uint8 [h, w, 3]
            (without pixels where the file is broken) and `text` string. With a seed, an endless
            shuffled walk in which each epoch holds each example once; without, one walk in order.
        labels: iterates over all texts, to build a charset from.
    """

    spec: SourceSpec
    num_examples: int | None
    examples: Callable[["Walk"], tf.data.Dataset]
    labels: Callable[[], Iterable[str]]


@dataclass(frozen=True)
class Walk:
    """One way through a source.

    Attributes:
        seed: of the order; none walks once, in order.
        shuffle_buffer: examples among which the next one is drawn.
        num_workers: parallel calls of a stage; `tf.data.AUTOTUNE` lets tf.data choose.
        shard: `(index, count)`: this process takes each `count`-th example.
    """

    seed: int | None = None
    shuffle_buffer: int = 1
    num_workers: int = tf.data.AUTOTUNE
    shard: tuple[int, int] = (0, 1)


def open_source(source: str) -> Source:
    """Open a data source, or a mixture of several.

    Args:
        source: one of
            `synthetic[,options]`, rendered on the fly (options: `SynthesisConfig`, and
            `num_examples`); `PATH.tsv[,every=N,part=train|eval]`, a label file;
            `PATTERN`, one of this project's record files or a glob of them; or several of these,
            joined by `;`, each with `,weight=W`: in training an example comes from each with a
            probability in proportion to its weight, in evaluation they follow each other.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: a malformed string, an unknown option, or an empty data set.
    """
    specs = [parse_source(part) for part in source.split(";")]
    if len(specs) == 1:
        return _open_one(specs[0])
    return _mixture([_weight(spec) for spec in specs], [_open_one(spec) for spec in specs])


def _weight(spec: SourceSpec) -> float:
    """Take the weight out of the options of one source of a mixture."""
    value = spec.options.pop("weight", "")
    try:
        weight = float(value)
    except ValueError:
        weight = 0.0
    if not 0.0 < weight < float("inf"):
        raise ValueError(
            f"Each source of a mixture needs a weight above 0. Received: {value!r} for {spec.name}"
        )
    return weight


def _mixture(weights: list[float], sources: list[Source]) -> Source:
    total = sum(weights)

    def examples(walk: Walk) -> tf.data.Dataset:
        datasets = [source.examples(walk) for source in sources]
        if walk.seed is None:
            return functools.reduce(tf.data.Dataset.concatenate, datasets)
        shares = [weight / total for weight in weights]
        return tf.data.Dataset.sample_from_datasets(datasets, shares, walk.seed)

    counts = [source.num_examples for source in sources]
    return Source(
        sources[0].spec,
        sum(count for count in counts if count) if None not in counts else None,
        examples,
        lambda: itertools.chain.from_iterable(source.labels() for source in sources),
    )


def _open_one(spec: SourceSpec) -> Source:
    if spec.name == "synthetic":
        return _synthetic_source(spec)
    if Path(spec.name).is_dir() and (Path(spec.name) / "labels.tsv").exists():
        spec = SourceSpec(str(Path(spec.name) / "labels.tsv"), spec.options)
    if spec.name.endswith(".tsv"):
        return _label_file_source(spec)
    return _record_source(spec)


def _integer_option(spec: SourceSpec, key: str) -> int:
    value = spec.options[key]
    if not value.isdecimal() or int(value) == 0:
        raise ValueError(
            f"`{key}` of {spec.name} must be a whole number above 0. Received: {value}"
        )
    return int(value)


def _refuse_unknown_options(spec: SourceSpec, known: Iterable[str]) -> None:
    unknown = sorted(set(spec.options) - set(known))
    if unknown:
        raise ValueError(
            f"{spec.name} takes the options {', '.join(known) or 'none'}. "
            f"Received: {', '.join(unknown)}"
        )


def _synthetic_source(spec: SourceSpec) -> Source:
    options = dict(spec.options)
    num_examples = None
    if options.pop("num_examples", None) is not None:
        num_examples = _integer_option(spec, "num_examples")
    renderer = Renderer(parse_options(options))

    def render(index: np.int64) -> tuple[np.ndarray, bytes]:
        image, text = renderer.render(int(index))
        return image, text.encode("utf-8")

    def example(index: tf.Tensor) -> dict[str, tf.Tensor]:
        # A picture is a function of its index alone. Said to be stateless, the call can stand in
        # a pipeline whose position is saved.
        image, text = tf.numpy_function(render, [index], [tf.uint8, tf.string], stateful=False)
        return {
            "key": tf.strings.join(["synthetic-", tf.strings.as_string(index)]),
            "image": tf.ensure_shape(image, (None, None, 3)),
            "text": tf.ensure_shape(text, ()),
        }

    def examples(walk: Walk) -> tf.data.Dataset:
        indices = tf.data.Dataset.range(num_examples or np.iinfo(np.int64).max)
        indices = indices.shard(walk.shard[1], walk.shard[0])
        if walk.seed is not None and num_examples:
            indices = indices.shuffle(num_examples, walk.seed).repeat()
        return indices.map(example, num_parallel_calls=walk.num_workers)

    return Source(spec, num_examples, examples, lambda: [renderer.characters])


def _label_file_source(spec: SourceSpec) -> Source:
    _refuse_unknown_options(spec, ("every", "part"))
    images = read_labels(spec.name)
    if ("every" in spec.options) != ("part" in spec.options):
        raise ValueError(f"`every` and `part` of {spec.name} go together. Received: {spec.options}")
    if "every" in spec.options:
        images = held_out_split(images, _integer_option(spec, "every"), spec.options["part"])

    def example(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {
            "key": row["key"],
            "image": decode_or_blank(tf.io.read_file(row["path"])),
            "text": row["text"],
        }

    def examples(walk: Walk) -> tf.data.Dataset:
        rows = tf.data.Dataset.from_tensor_slices(
            {
                "path": [str(image.path) for image in images],
                "key": [image.key for image in images],
                "text": [image.text for image in images],
            }
        ).shard(walk.shard[1], walk.shard[0])
        if walk.seed is not None:
            rows = rows.shuffle(len(images), walk.seed).repeat()
        return rows.map(example, num_parallel_calls=walk.num_workers)

    return Source(spec, len(images), examples, lambda: (image.text for image in images))


def _record_source(spec: SourceSpec) -> Source:
    _refuse_unknown_options(spec, ())
    paths = sorted(path for path in tf.io.gfile.glob(spec.name) if not tf.io.gfile.isdir(path))
    if not paths:
        raise FileNotFoundError(f"No data at {spec.name}: no label file, and no record files.")
    check_shards(Path(path) for path in paths if "://" not in path)
    _check_first_record(paths, spec.name)

    def example(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        parsed = parse_example(serialized)
        return {
            "key": parsed["key"],
            # Each image was decoded once before it was written.
            "image": decode_image(parsed["encoded"]),
            "text": parsed["text"],
        }

    def serialized_examples(walk: Walk) -> tf.data.Dataset:
        files = tf.data.Dataset.from_tensor_slices(paths)
        # Whole files where there are enough of them: a process then reads only its own.
        by_file = len(paths) >= walk.shard[1]
        if by_file:
            files = files.shard(walk.shard[1], walk.shard[0])
        if walk.seed is None:
            records = tf.data.TFRecordDataset(files)
        else:
            files = files.shuffle(len(paths), walk.seed)
            records = files.interleave(
                tf.data.TFRecordDataset, cycle_length=8, num_parallel_calls=walk.num_workers
            )
        if not by_file:
            records = records.shard(walk.shard[1], walk.shard[0])
        if walk.seed is not None:
            records = records.shuffle(walk.shuffle_buffer, walk.seed).repeat()
        return records

    def examples(walk: Walk) -> tf.data.Dataset:
        return serialized_examples(walk).map(example, num_parallel_calls=walk.num_workers)

    def labels() -> Iterator[str]:
        texts = (
            serialized_examples(Walk()).batch(1024).map(lambda batch: parse_example(batch)["text"])
        )
        for batch in texts.as_numpy_iterator():
            for text in batch:
                yield text.decode("utf-8")

    return Source(spec, None, examples, labels)


def _check_first_record(paths: list[str], name: str) -> None:
    records = tf.data.TFRecordDataset(paths).take(1).map(parse_example)
    try:
        num_records = len(list(records))
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise ValueError(f"{name} is no record file of this project: {error.message}") from error
    if not num_records:
        raise ValueError(f"{name} holds no example.")

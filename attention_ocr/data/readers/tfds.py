"""Data sets prepared by TensorFlow Datasets."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import tensorflow as tf

from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import LEXICON, Source, Walk, digest_of
from attention_ocr.data.storage import is_folder

OPTIONS = ("split", "image", "text", "key", "data_dir", LEXICON)


def open_source(spec: SourceSpec) -> Source:
    """Open `tfds:NAME`, `tfds:NAME/CONFIG:VERSION` or `tfds:` and the folder of a version.

    The data set must be prepared: nothing is downloaded. Examples come in the order of its files;
    shuffling orders files at random and uses a buffer.

    Options: `split` (default `train`; slices such as `train[80%:]` work), `data_dir`, and the names
    of the features: `image` and `text`, by default the only feature of the type, `key`, and
    `lexicon`, a sequence of texts, which is ignored by default.

    Raises:
        FileNotFoundError: If it is missing or not prepared.
        ValueError: If it has no such split or features.
    """
    refuse_unknown_options(spec, OPTIONS)
    builder = _builder(spec)
    split = spec.options.get("split", "train")
    names = _feature_names(builder, spec)
    try:
        num_examples = int(builder.info.splits[split].num_examples)
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{spec.name} has the splits {', '.join(builder.info.splits)}. Received: split={split}"
        ) from error

    def rows(walk: Walk) -> tf.data.Dataset:
        import tensorflow_datasets as tfds

        read = tfds.ReadConfig(
            shuffle_seed=walk.seed,
            shuffle_reshuffle_each_iteration=True,
            try_autocache=False,
            add_tfds_id=True,
            skip_prefetch=True,
        )
        dataset = builder.as_dataset(
            split=split,
            shuffle_files=walk.seed is not None,
            decoders={names["image"]: tfds.decode.SkipDecoding()},
            read_config=read,
        ).shard(walk.shard[1], walk.shard[0])
        if walk.seed is not None:
            dataset = walk.skipped(dataset.shuffle(walk.shuffle_buffer, walk.seed).repeat())
        return dataset.map(partial(_columns, names=names), num_parallel_calls=walk.num_workers)

    def texts() -> Iterator[str]:
        for text in rows(Walk()).map(lambda row: row["text"]).batch(1024).as_numpy_iterator():
            yield from (label.decode("utf-8", errors="replace") for label in text)

    def digest() -> str:
        lengths = builder.info.splits[split].shard_lengths
        return digest_of(builder.info.full_name, split, str(num_examples), str(lengths))

    return Source(spec, num_examples, rows, texts, digest=digest)


def _columns(example: dict[str, tf.Tensor], names: dict[str, str]) -> dict[str, tf.Tensor]:
    columns = {
        "key": example[names["key"]],
        "encoded": example[names["image"]],
        "text": example[names["text"]],
    }
    if LEXICON in names:
        columns[LEXICON] = tf.strings.reduce_join(example[names[LEXICON]], separator="\n")
    return columns


def _builder(spec: SourceSpec) -> Any:
    import tensorflow_datasets as tfds

    name = spec.name.removeprefix("tfds:")
    try:
        if is_folder(name):
            return tfds.builder_from_directory(name)
        builder = tfds.builder(name, data_dir=spec.options.get("data_dir"))
    except (tfds.core.registered.DatasetNotFoundError, FileNotFoundError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise FileNotFoundError(f"No prepared data set found at {spec.name}: {reason}") from error
    if not builder.is_prepared():
        raise FileNotFoundError(
            f"Expected a prepared data set. Received: {spec.name}, which is not in "
            f"{builder.data_dir}; call its builder's `download_and_prepare` first"
        )
    return builder


def _feature_names(builder: Any, spec: SourceSpec) -> dict[str, str]:
    import tensorflow_datasets as tfds

    features = builder.info.features
    kinds = {"image": tfds.features.Image, "text": tfds.features.Text}
    names = {}
    for role, kind in kinds.items():
        candidates = [name for name, feature in features.items() if isinstance(feature, kind)]
        wanted = spec.options.get(role)
        if wanted is None:
            # Of several, the one with the name of the role: a key is a text too.
            wanted = role if role in candidates or len(candidates) != 1 else candidates[0]
        if wanted not in candidates:
            raise ValueError(
                f"{spec.name} has these features of type {kind.__name__}: "
                f"{', '.join(candidates) or 'none'}. Received: {role}={wanted}"
            )
        names[role] = wanted
    key = spec.options.get("key", "key" if "key" in features else "tfds_id")
    if key != "tfds_id" and key not in features:
        raise ValueError(f"{spec.name} has no such feature. Received: key={key}")
    if (lexicon := spec.options.get(LEXICON)) is not None:
        kind = tfds.features.Sequence
        known = [name for name, feature in features.items() if isinstance(feature, kind)]
        if lexicon not in known:
            raise ValueError(
                f"{spec.name} has these lexicons: {', '.join(known) or 'none'}. "
                f"Received: lexicon={lexicon}"
            )
        names[LEXICON] = lexicon
    return names | {"key": key}

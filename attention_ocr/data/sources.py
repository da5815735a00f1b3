"""Data sources: one string says where examples come from."""

import dataclasses
import functools
import hashlib
import importlib.util
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from attention_ocr.data.annotation_lines import names_image
from attention_ocr.data.image_items import ListedImage
from attention_ocr.data.records import RECORD_FORMATS, composed
from attention_ocr.data.source_spec import FOLDER_FILES, SourceSpec, parse_source
from attention_ocr.data.storage import exists, first_line_of_text, is_folder
from attention_ocr.images.graph_fitting import read_or_empty
from attention_ocr.images.pipeline_decode import decode_any
from attention_ocr.settings.registries import PLACE, Registry
from attention_ocr.text.charset import normalize

LEXICON = "lexicon"
"""Option that names the lexicon of each image, and its column: string, words separated by line
feeds."""

_PLACE_IN_FRONT = re.compile(rf"({PLACE.pattern})(?::(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """Examples, and how to walk through them.

    Attributes:
        spec: Where the examples come from.
        num_examples: Their number; None if endless or not counted.
        rows: `Walk -> tf.data.Dataset` of `key` string, `text` string as stored, `lexicon` string
            if requested, and one of `path` string, `encoded` string (an image file, empty if
            missing) or `image` uint8 [h, w, 3]; `image` may have no pixels if `reason` string says
            why. With a seed, an endless shuffled walk with each
            example once per epoch; without, one walk in order.
        texts: Iterates over all texts as stored.
        find_damage: Called when a walk has failed; returns what is wrong with which file, or
            an empty string.
        parts: Sources of a mixture.
        digest: Returns a hash that identifies the examples wherever they are stored: of paths and
            labels, of names and sizes of files, or of options, without the contents of images.
        listed: Returns the images from one index to another, in order, with their texts as stored;
            None for a source that does not list image files.
        is_endless: Whether a walk in order never ends, as that of a mixture with an endless part.
    """

    spec: SourceSpec
    num_examples: int | None
    rows: Callable[["Walk"], tf.data.Dataset]
    texts: Callable[[], Iterable[str]]
    find_damage: Callable[[], str] = str
    parts: "tuple[Source, ...]" = ()
    digest: Callable[[], str] = str
    listed: "Callable[[int, int], list[ListedImage]] | None" = None
    is_endless: bool = False

    def refuse_endless(self, hint: str = "") -> None:
        """Refuse an endless source, before it is walked to its end.

        Args:
            hint: Continues the expectation: for what, or what else would do.

        Raises:
            ValueError: If it is endless; the message names the endless part.
        """
        if self.is_endless:
            name = next(part.spec.name for part in self.parts or (self,) if part.is_endless)
            raise ValueError(
                f"Expected `num_examples` of rendered text{hint}. Received: {name}, endless"
            )

    def labels(self) -> Iterator[str]:
        """Iterate over all labels, in NFC, to build a charset from."""
        return map(normalize, self.texts())

    def examples(self, walk: "Walk") -> tf.data.Dataset:
        """Walk through `key`, `text` (NFC), `image`, `reason`, and `lexicon` if there is one.

        The image is uint8 [h, w, 3], without pixels if the file is broken; `reason`, otherwise
        empty, then says why. A text that is not UTF-8 is unchanged.
        """
        return self.rows(walk).map(_decoded, num_parallel_calls=walk.num_workers)

    def files(self, walk: "Walk") -> tf.data.Dataset:
        """Walk through `key`, `text` (NFC) and `encoded`, empty for a missing file.

        Rendered text has no files: its pixels are encoded as PNG; empty without pixels.
        """
        return self.rows(walk).map(_encoded, num_parallel_calls=walk.num_workers)


def _decoded(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    if "image" in row:
        image, reason = row["image"], row.get("reason", tf.constant(""))
    elif "path" in row:
        image, reason = decode_any(row["path"], is_path=True)
    else:
        image, reason = decode_any(row["encoded"])
    example = {
        "key": row["key"],
        "image": image,
        "reason": reason,
        "text": composed(row["text"]),
    }
    return example | ({LEXICON: row[LEXICON]} if LEXICON in row else {})


def _encoded(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    if "encoded" in row:
        encoded = row["encoded"]
    elif "path" in row:
        encoded = read_or_empty(row["path"])
    else:
        encoded = tf.cond(
            tf.size(row["image"]) > 0, lambda: tf.io.encode_png(row["image"]), lambda: ""
        )
    return {"key": row["key"], "encoded": encoded, "text": composed(row["text"])}


@dataclass(frozen=True)
class Selection:
    """How one of several rendered images is selected.

    Attributes:
        count: Number of images.
        hardest: Returns the index of one among `(image, text)`; a pure function that threads may
            share.
    """

    count: int
    hardest: Callable[[Sequence[tuple[np.ndarray, str]]], int]


@dataclass(frozen=True)
class Walk:
    """A pass through a source.

    Attributes:
        seed: Of the order; None walks once, in order.
        shuffle_buffer: Examples among which the next one is drawn.
        num_workers: Parallel calls of a stage; `tf.data.AUTOTUNE` lets tf.data choose.
        shard: `(index, count)`: this process takes each `count`-th example.
        start: Of a shuffled walk, examples that all processes together have already passed.
        span: Of a walk in order, index of the first example and index after the last; None for
            all. Only sources with indices use it.
        selection: Which rendered image to take of several; only endless sources use it.
    """

    seed: int | None = None
    shuffle_buffer: int = 1
    num_workers: int = tf.data.AUTOTUNE
    shard: tuple[int, int] = (0, 1)
    start: int = 0
    span: tuple[int, int] | None = None
    selection: Selection | None = None

    def skipped(self, rows: tf.data.Dataset) -> tf.data.Dataset:
        """Return the rows of this process from `start` on, for a source without indices."""
        return rows.skip(self.start // self.shard[1]) if self.start else rows


class Reader(NamedTuple):
    """A storage format of examples.

    Attributes:
        recognizes: Whether a source without `format=` is of this format.
        opens: `module:function` that opens a `SourceSpec` as a `Source`; imported on use.
    """

    recognizes: Callable[[SourceSpec], bool]
    opens: str


def _ends_with(*suffixes: str) -> Callable[[SourceSpec], bool]:
    return lambda spec: spec.name.lower().endswith(suffixes)


def _first_line_has(pattern: str) -> Callable[[SourceSpec], bool]:
    return lambda spec: re.match(pattern, _first_line(spec.name), re.IGNORECASE) is not None


def _first_line(path: str) -> str:
    """Return the first line of a text file; empty if it is not one."""
    if not exists(path) or is_folder(path):
        return ""
    return first_line_of_text(path) or ""


def _folder_with(*files: str) -> Callable[[SourceSpec], bool]:
    return lambda spec: any(exists(f"{spec.name.rstrip('/')}/{file}") for file in files)


def _is_mjsynth_list(spec: SourceSpec) -> bool:
    # Others call their lists `annotation.txt` too.
    return bool(re.search(r"annotation(_\w+)?\.txt$", spec.name)) and bool(
        re.fullmatch(r"[^\t]*_\S*\.jpg \d+|\s*", _first_line(spec.name))
    )


_READERS = "attention_ocr.data.readers"
READERS = {
    "synthetic": Reader(lambda spec: spec.name == "synthetic", f"{_READERS}.rendered:open_source"),
    "tfds": Reader(lambda spec: spec.name.startswith("tfds:"), f"{_READERS}.tfds:open_source"),
    "page": Reader(
        lambda spec: spec.name.startswith("page:") or _ends_with(".xml", ".hocr")(spec),
        f"{_READERS}.pages:open_source",
    ),
    "webdataset": Reader(_ends_with(".tar"), f"{_READERS}.webdataset:open_source"),
    "parquet": Reader(_ends_with(".parquet"), f"{_READERS}.parquet_files:open_source"),
    "doctr": Reader(_ends_with(".json"), f"{_READERS}.lists:open_doctr"),
    "tsv": Reader(_ends_with(".tsv"), f"{_READERS}.lists:open_tsv"),
    "csv": Reader(_ends_with(".csv"), f"{_READERS}.lists:open_csv"),
    "jsonl": Reader(_ends_with(".jsonl", ".ndjson"), f"{_READERS}.lists:open_jsonl"),
    "mjsynth": Reader(
        lambda spec: (
            _is_mjsynth_list(spec) or _folder_with("annotation_train.txt", "annotation.txt")(spec)
        ),
        f"{_READERS}.mjsynth:open_source",
    ),
    "lmdb": Reader(
        lambda spec: spec.name.endswith(".lmdb") or _folder_with("data.mdb")(spec),
        f"{_READERS}.lmdb_files:open_source",
    ),
    "folder": Reader(lambda spec: is_folder(spec.name), f"{_READERS}.folder:open_source"),
    # Images without labels, on request only.
    "images": Reader(lambda _: False, f"{_READERS}.folder:open_images"),
    # Lists without a distinctive suffix are recognised by their first line.
    "paddleocr_detection": Reader(
        _first_line_has(r"[^\t]*\t\s*\[\s*\{"), f"{_READERS}.detection_lists:open_source"
    ),
    "paddleocr": Reader(_first_line_has(r".*\t"), f"{_READERS}.lists:open_paddleocr"),
    "icdar": Reader(_first_line_has(r'[^,]+,\s*".*"\s*$'), f"{_READERS}.lists:open_icdar"),
    "aocr_list": Reader(
        lambda spec: names_image(_first_line(spec.name)), f"{_READERS}.lists:open_aocr_list"
    ),
    "tfrecord": Reader(lambda spec: bool(spec.name), f"{_READERS}.record_files:open_source"),
}
"""The formats. The first one that recognises a source opens it."""

DATA_READERS = Registry(
    "data_readers", "format", {name: reader.opens for name, reader in READERS.items()}
)
"""Functions that open a `SourceSpec` as a `Source`."""


def open_source(source: str) -> Source:
    """Open a data source, or a mixture of several.

    Args:
        source: `NAME[,key=value...]`. The format is recognised from the name, or given as
            `format=`, one of `DATA_READERS`; the other options depend on the format. A reader of
            another distribution can also be a prefix: `package.module:function[:NAME]`, or
            `READER:NAME`. Several sources joined by `;`, each with `,weight=W`, are a mixture: in
            training, examples are drawn in proportion to the weights; in evaluation, the sources
            follow each other.

    Raises:
        FileNotFoundError: If nothing is there.
        ImportError: If the package of a reader is not installed.
        ValueError: If the string is malformed, an option is unknown, or the data set is empty.
    """
    specs = [parse_source(part) for part in source.split(";")]
    if len(specs) == 1:
        return _open_one(specs[0])
    for spec in specs:
        if LEXICON in spec.options:
            raise ValueError(
                f"`{LEXICON}` needs a single source, not a mixture. Received: {spec.name}"
            )
    return _mixture([_weight(spec) for spec in specs], [_open_one(spec) for spec in specs])


def unlabelled_source(source: str) -> str:
    """Return the source string of images whose labels do not matter.

    Args:
        source: A source, or a folder of images without `labels.tsv` and `pattern`.
    """
    spec = parse_source(source)
    is_plain = is_folder(spec.name) and not {"format", "pattern"} & set(spec.options)
    has_labels = any(exists(f"{spec.name.rstrip('/')}/{name}") for name in FOLDER_FILES)
    return f"{source},format=images" if is_plain and not has_labels else source


def _weight(spec: SourceSpec) -> float:
    """Pop the weight from the options of one source of a mixture."""
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
    shares = [weight / total for weight in weights]

    def rows(walk: Walk) -> tf.data.Dataset:
        # Some decode files and others render: images are what they have in common. Examples are
        # drawn at random, so the position in each source is approximate.
        datasets = [
            source.examples(dataclasses.replace(walk, start=round(walk.start * share)))
            for source, share in zip(sources, shares, strict=True)
        ]
        if walk.seed is None:
            return functools.reduce(tf.data.Dataset.concatenate, datasets)
        return tf.data.Dataset.sample_from_datasets(datasets, shares, walk.seed)

    counts = [source.num_examples for source in sources]
    return Source(
        sources[0].spec,
        sum(count for count in counts if count) if None not in counts else None,
        rows,
        lambda: itertools.chain.from_iterable(source.texts() for source in sources),
        lambda: "; ".join(filter(None, (source.find_damage() for source in sources))),
        tuple(sources),
        digest=lambda: digest_of(*(source.digest() for source in sources), *map(str, shares)),
        is_endless=any(source.is_endless for source in sources),
    )


def _open_one(spec: SourceSpec) -> Source:
    name, options = spec.name, dict(spec.options)
    format_name = options.pop("format", None)
    if format_name is None:
        format_name, name = _plugin_in_front(name)
    if format_name is None:
        format_name = next(
            (name for name, reader in READERS.items() if reader.recognizes(spec)), "tfrecord"
        )
    elif format_name in RECORD_FORMATS:
        format_name, options["format"] = "tfrecord", format_name
    elif format_name not in DATA_READERS.names() and not PLACE.fullmatch(format_name):
        known = ", ".join([*DATA_READERS.names(), *RECORD_FORMATS])
        raise ValueError(
            f"`format` of {name} must be one of {known}, or `package.module:function`. "
            f"Received: {format_name}"
        )
    source = DATA_READERS.resolve(format_name)(SourceSpec(name, options))
    if not isinstance(source, Source):
        raise ValueError(
            f"`format={format_name}` must open a source as {Source.__module__}.Source. "
            f"Received: {source!r:.100}"
        )
    return source


def _plugin_in_front(name: str) -> tuple[str | None, str]:
    """Split the reader of another distribution, or None, from a name."""
    if ":" not in name or "://" in name or exists(name):
        return None, name
    reader, _, rest = name.partition(":")
    if reader in READERS:
        return None, name
    if reader in DATA_READERS.names():
        return reader, rest
    match = _PLACE_IN_FRONT.fullmatch(name)
    # With a dot it is a place; without one it may be a file of that name.
    if match is None or ("." not in reader and importlib.util.find_spec(reader) is None):
        return None, name
    return match[1], match[2] or name


def digest_of(*parts: str | bytes) -> str:
    """Return a hash of a sequence of strings; their boundaries count."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", errors="surrogatepass") if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()

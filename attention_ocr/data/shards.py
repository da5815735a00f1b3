"""Write labelled images as sharded TFRecords: checked in parallel, complete or not at all."""

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import tensorflow as tf

from attention_ocr.data.image_items import EncodedImage, ListedImage
from attention_ocr.data.labels import LabelledImage
from attention_ocr.data.pipeline import explaining
from attention_ocr.data.records import serialize_example
from attention_ocr.data.shard_files import (
    Shard,
    ShardContent,
    ShardFiles,
    ShardsReport,
    SkippedImage,
)
from attention_ocr.data.sources import Source, Walk
from attention_ocr.data.storage import StoreError, read_file
from attention_ocr.images.decode import UnreadableImageError, encode_array
from attention_ocr.images.image import LazyImage, normalize_file
from attention_ocr.io.progress import progress_bar
from attention_ocr.text.charset import Charset, normalize

_CHUNK_SIZE = 64


class SourceImages(Collection[EncodedImage]):
    """The images of any finite source.

    Args:
        source: The source; it is read twice if its number of examples is unknown.
        walk: How to walk through it; by default all of it, in order.

    Raises:
        ValueError: If the source is endless.
    """

    def __init__(self, source: Source, walk: Walk | None = None) -> None:
        source.refuse_endless()
        self._source = source
        self._walk = walk or Walk()
        self._count = source.num_examples

    def __len__(self) -> int:
        if self._count is None:
            with explaining(self._source):
                self._count = sum(1 for _ in self._source.rows(Walk()))
        return self._count

    def __iter__(self) -> Iterator[EncodedImage]:
        with explaining(self._source):
            for row in self._source.files(self._walk).prefetch(_CHUNK_SIZE).as_numpy_iterator():
                key = row["key"].decode("utf-8", errors="replace")
                text = row["text"].decode("utf-8", errors="backslashreplace")
                yield EncodedImage(key, text, row["encoded"], text.encode("utf-8") == row["text"])

    def __contains__(self, image: object) -> bool:
        return any(image == other for other in self)


class ListedImages(Collection[ListedImage]):
    """The image files of a source that lists them, to be read where they are written.

    Args:
        source: The source; its `listed` is not None.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def __len__(self) -> int:
        return self._source.num_examples or 0

    def __iter__(self) -> Iterator[ListedImage]:
        for start in range(0, len(self), _CHUNK_SIZE):
            yield from self.between(start, start + _CHUNK_SIZE)

    def __contains__(self, image: object) -> bool:
        return any(image == other for other in self)

    def between(self, start: int, stop: int) -> list[ListedImage]:
        """Return the images from one index to another, with their texts in NFC."""
        listed = self._source.listed(start, stop) if self._source.listed else []
        return [image._replace(text=normalize(image.text)) for image in listed]


ShardImage = LabelledImage | EncodedImage | ListedImage
"""An image to write."""

Outcome = tuple[str, bytes | SkippedImage]
"""The text of an image, and its serialised example or the reason it was skipped."""


def write_shards(
    images: Collection[ShardImage],
    out_dir: str | os.PathLike[str],
    name: str = "data",
    *,
    num_shards: int = 1,
    num_workers: int = 1,
    max_length: int | None = None,
    charset: Charset | None = None,
    overwrite: bool = False,
    fail_on_bad: bool = False,
) -> ShardsReport:
    """Write labelled images as sharded TFRecords, in their order.

    Each image is decoded once to check that training can decode it; unreadable images and images
    with labels that are too long or not UTF-8 are skipped and reported. The shards do not depend on
    `num_workers`. Workers are spawned processes: a script that uses several needs the usual
    `if __name__ == "__main__":`.

    Args:
        images: The images to write.
        out_dir: The folder, created if missing, or an address such as `s3://bucket/folder`.
        name: Name of the data set, the prefix of its files.
        num_shards: Number of files, at most one per image.
        num_workers: Number of processes that read and check images; 1 uses this process.
        max_length: Maximum characters of a label.
        charset: Expected characters; labels with others are counted, not skipped.
        overwrite: Whether to replace a data set of this name in `out_dir`, once the new one is
            complete.
        fail_on_bad: Whether the first image that would be skipped raises an error instead.

    Returns:
        The written and skipped images, as in `NAME.dataset.json`.

    Raises:
        FileExistsError: If `out_dir` has shards of this name and `overwrite` is false.
        OSError: If a file cannot be written, for example because the disk is full. No new shard
            remains, and an older data set is kept.
        ValueError: If an argument is out of range, no image is usable, or one is not with
            `fail_on_bad`.
    """
    if not 1 <= num_shards <= len(images):
        raise ValueError(
            f"Expected between 1 shard and {len(images)}, the number of images. "
            f"Received: num_shards={num_shards}"
        )
    if num_workers < 1:
        raise ValueError(f"Expected at least 1 worker. Received: num_workers={num_workers}")
    files = ShardFiles(out_dir, name, num_shards)
    files.prepare(overwrite)
    try:
        with closing(_prepare(images, max_length, num_workers)) as outcomes:
            report = _write_partial_shards(files, len(images), outcomes, charset, fail_on_bad)
        files.commit(report)
    finally:
        files.remove_partial()
    return report


def _write_partial_shards(
    files: ShardFiles,
    num_images: int,
    outcomes: Generator[Outcome, None, None],
    charset: Charset | None,
    fail_on_bad: bool,
) -> ShardsReport:
    bounds = shard_bounds(num_images, len(files.names))
    contents: list[ShardContent] = []
    with progress_bar(f"writing {files.name}", num_images) as progress:
        for index, (start, end) in enumerate(pairwise(bounds)):
            counted = _counted(islice(outcomes, end - start), progress)
            with files.writing_partial(index) as path:
                contents.append(write_shard(path, counted, charset, fail_on_bad))
    return report_of(files.names, contents)


def _counted(outcomes: Iterator[Outcome], progress: Any) -> Iterator[Outcome]:
    for outcome in outcomes:
        progress.update()
        yield outcome


def shard_bounds(num_images: int, num_shards: int) -> list[int]:
    """Return the index of the first image of each shard, and the number of images."""
    return [num_images * index // num_shards for index in range(num_shards + 1)]


def write_shard(
    path: Path, outcomes: Iterable[Outcome], charset: Charset | None, fail_on_bad: bool
) -> ShardContent:
    """Write one shard.

    Args:
        path: A local file.
        outcomes: What `prepare_image` returned for its images.
        charset: Expected characters, see `write_shards`.
        fail_on_bad: Whether a skipped image raises an error instead.

    Raises:
        OSError: If the file cannot be written.
        ValueError: If an image is skipped and `fail_on_bad` is true.
    """
    num_examples = 0
    skipped: list[SkippedImage] = []
    unknown_characters: Counter[str] = Counter()
    try:
        with tf.io.TFRecordWriter(str(path)) as writer:
            for text, outcome in outcomes:
                if isinstance(outcome, SkippedImage):
                    _refuse(outcome, fail_on_bad)
                    skipped.append(outcome)
                    continue
                writer.write(outcome)
                num_examples += 1
                if charset is not None:
                    unknown_characters.update(charset.unknown_characters(text))
    except tf.errors.OpError as error:
        raise OSError(f"Could not write a shard: {error.message}") from error
    return ShardContent(num_examples, path.stat().st_size, tuple(skipped), dict(unknown_characters))


def report_of(names: Sequence[str], contents: Sequence[ShardContent]) -> ShardsReport:
    """Return the report of all shards.

    Raises:
        ValueError: If no image could be used.
    """
    skipped = tuple(image for content in contents for image in content.skipped)
    num_examples = sum(content.num_examples for content in contents)
    if not num_examples:
        raise ValueError(
            f"Expected images that can be used. Received: {len(skipped)} that cannot, "
            f"first {skipped[0].key} ({skipped[0].detail})"
        )
    unknown_characters: Counter[str] = Counter()
    for content in contents:
        unknown_characters.update(content.unknown_characters)
    return ShardsReport(
        num_examples=num_examples,
        shards=tuple(
            Shard(name, content.num_examples, content.num_bytes)
            for name, content in zip(names, contents, strict=True)
        ),
        skipped=skipped,
        unknown_characters=dict(unknown_characters.most_common()),
    )


def _refuse(image: SkippedImage, fail_on_bad: bool) -> None:
    if fail_on_bad:
        raise ValueError(
            f"Expected only images that can be used. Received: {image.key}: {image.detail}"
        )


def _prepare(
    images: Collection[ShardImage], max_length: int | None, num_workers: int
) -> Generator[Outcome, None, None]:
    """Yield, in order, each image's text and its serialised example or the reason to skip it."""
    if num_workers == 1:
        for image in images:
            yield prepare_image(image, max_length)
        return
    executor = ProcessPoolExecutor(
        num_workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
    )
    # The number of pending chunks is limited, so that fast workers do not fill the memory.
    pending: deque[Future[list[Outcome]]] = deque()
    try:
        remaining = iter(images)
        while chunk := list(islice(remaining, _CHUNK_SIZE)):
            pending.append(executor.submit(_prepare_chunk, chunk, max_length))
            if len(pending) > 4 * num_workers:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "A worker process ended unexpectedly, perhaps for lack of memory; "
            f"try fewer than {num_workers} workers"
        ) from error
    finally:
        executor.shutdown(cancel_futures=True)


def _start_worker() -> None:
    # The parent handles interrupts and shuts its workers down.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Exit when the parent does: a killed parent cannot notify its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _prepare_chunk(images: Sequence[ShardImage], max_length: int | None) -> list[Outcome]:
    return [prepare_image(image, max_length) for image in images]


def prepare_image(image: ShardImage, max_length: int | None) -> Outcome:
    """Return the text of an image, and its serialised example or why it is skipped.

    Args:
        image: The image.
        max_length: Maximum characters of a label.
    """
    return image.text, _check_image(image, max_length)


def _check_image(image: ShardImage, max_length: int | None) -> bytes | SkippedImage:
    if isinstance(image, EncodedImage) and not image.is_utf8:
        return SkippedImage(image.key, "not_utf8", f"label that is not UTF-8: {image.text}")
    if max_length is not None and len(image.text) > max_length:
        detail = f"label of {len(image.text)} characters, the limit is {max_length}"
        return SkippedImage(image.key, "too_long", detail)
    try:
        encoded = _content(image)
    except FileNotFoundError:
        return SkippedImage(image.key, "missing", "no such file")
    except StoreError:
        raise
    except OSError as error:
        return SkippedImage(image.key, "unreadable", error.strerror or str(error))
    if not encoded:
        return SkippedImage(image.key, "unreadable", "empty file")
    try:
        # Decoded as in training. A file that TensorFlow would decode differently, or not at all,
        # is stored as a PNG of its pixels, as other programs read records too.
        file = _for_tensorflow(LazyImage(encoded))
    except UnreadableImageError as error:
        detail = str(error).removeprefix("unreadable image: ")
        return SkippedImage(image.key, "unreadable", detail)
    header = file.header
    height, width = (header.height, header.width) if header else (0, 0)
    return serialize_example(file.encoded or b"", image.text, image.key, height, width)


def _content(image: ShardImage) -> bytes:
    if isinstance(image, EncodedImage):
        return image.encoded
    return read_file(image.path if isinstance(image, ListedImage) else image.location)


def _for_tensorflow(image: LazyImage) -> LazyImage:
    normalized = normalize_file(image)
    try:
        # Training decodes records without this check.
        tf.io.decode_image(normalized, channels=3, expand_animations=False)
    except tf.errors.InvalidArgumentError as error:
        # A few kinds of JPEG are decoded by Pillow only.
        if image.pixels is None:
            raise UnreadableImageError(image.error or str(error)) from error
        normalized = encode_array(image.pixels)
    return image if normalized is image.encoded else LazyImage(normalized)

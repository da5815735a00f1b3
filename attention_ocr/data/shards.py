"""Sharded TFRecords made from labelled images: checked in parallel, written whole or not at all."""

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path

import tensorflow as tf
from tqdm import tqdm

from attention_ocr.charset import Charset
from attention_ocr.data.labels import LabelledImage
from attention_ocr.data.records import serialize_example
from attention_ocr.data.shard_files import Shard, ShardFiles, ShardsReport, SkippedImage

_CHUNK_SIZE = 64


def write_shards(
    images: Sequence[LabelledImage],
    out_dir: str | os.PathLike[str],
    name: str = "data",
    *,
    num_shards: int = 1,
    num_workers: int = 1,
    max_length: int | None = None,
    charset: Charset | None = None,
    overwrite: bool = False,
) -> ShardsReport:
    """Write labelled images as sharded TFRecords, in their order.

    Each image is decoded once to see that training can; one that cannot be read, or whose label is
    too long, is skipped and reported. The shards do not depend on `num_workers`. Workers are
    processes started afresh: a script that asks for several needs the usual
    `if __name__ == "__main__":`.

    Args:
        images: What to write.
        out_dir: The folder; made if missing.
        name: Name of the data set, with which its files begin.
        num_shards: How many files to write, at most one per image.
        num_workers: How many processes read and check images; with 1 this one does.
        max_length: The most characters a label may have.
        charset: Characters to look for in the labels; those outside it are counted, not skipped.
        overwrite: Whether a data set of this name in `out_dir` is replaced. It stays as it is until
            the new one is complete.

    Returns:
        What was written and skipped; the same is in `NAME.dataset.json`.

    Raises:
        FileExistsError: If `out_dir` holds shards of this name and `overwrite` is false.
        OSError: If a file cannot be written, for example because the disk is full. No shard is left
            then, and an older data set stays whole.
        ValueError: If an argument is out of range, or no image can be used.
    """
    if not 1 <= num_shards <= len(images):
        raise ValueError(
            f"Expected between 1 shard and {len(images)}, the number of images. "
            f"Received: num_shards={num_shards}"
        )
    if num_workers < 1:
        raise ValueError(f"Expected at least 1 worker. Received: num_workers={num_workers}")
    files = ShardFiles(Path(out_dir), name, num_shards)
    files.prepare(overwrite)
    try:
        with closing(_prepare(images, max_length, num_workers)) as outcomes:
            report = _write_partial_shards(files, images, outcomes, charset)
        files.commit(report)
    finally:
        files.remove_partial()
    return report


def _write_partial_shards(
    files: ShardFiles,
    images: Sequence[LabelledImage],
    outcomes: Generator[bytes | SkippedImage, None, None],
    charset: Charset | None,
) -> ShardsReport:
    num_shards = len(files.shards)
    bounds = [len(images) * index // num_shards for index in range(num_shards + 1)]
    remaining = zip(images, outcomes, strict=True)
    shards: list[Shard] = []
    skipped: list[SkippedImage] = []
    unknown_characters: Counter[str] = Counter()
    with tqdm(total=len(images), desc=files.name, unit="image", disable=None) as progress:
        for shard, path, (start, end) in zip(
            files.shards, files.partial_shards, pairwise(bounds), strict=True
        ):
            num_skipped = len(skipped)
            try:
                with tf.io.TFRecordWriter(str(path)) as writer:
                    for image, outcome in islice(remaining, end - start):
                        progress.update()
                        if isinstance(outcome, SkippedImage):
                            skipped.append(outcome)
                            continue
                        writer.write(outcome)
                        if charset is not None:
                            unknown_characters.update(charset.unknown_characters(image.text))
            except tf.errors.OpError as error:
                raise OSError(f"Could not write a shard: {error.message}") from error
            num_examples = end - start - (len(skipped) - num_skipped)
            shards.append(Shard(shard.name, num_examples, path.stat().st_size))
    if len(skipped) == len(images):
        raise ValueError(
            f"Expected images that can be used. Received: {len(images)} that cannot, "
            f"first {skipped[0].key} ({skipped[0].detail})"
        )
    return ShardsReport(
        num_examples=len(images) - len(skipped),
        shards=tuple(shards),
        skipped=tuple(skipped),
        unknown_characters=dict(unknown_characters.most_common()),
    )


def _prepare(
    images: Sequence[LabelledImage], max_length: int | None, num_workers: int
) -> Generator[bytes | SkippedImage, None, None]:
    """Yield, in order, each image's serialised example or why it is skipped."""
    if num_workers == 1:
        for image in images:
            yield _prepare_image(image, max_length)
        return
    executor = ProcessPoolExecutor(
        num_workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
    )
    # A bounded number of chunks is under way, so that fast workers do not fill the memory.
    pending: deque[Future[list[bytes | SkippedImage]]] = deque()
    try:
        for start in range(0, len(images), _CHUNK_SIZE):
            chunk = images[start : start + _CHUNK_SIZE]
            pending.append(executor.submit(_prepare_chunk, chunk, max_length))
            if len(pending) > 4 * num_workers:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "A process that reads images ended early, perhaps for lack of memory; "
            f"try fewer than {num_workers} workers"
        ) from error
    finally:
        executor.shutdown(cancel_futures=True)


def _start_worker() -> None:
    # The parent handles an interrupt and ends its workers in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent does: one that is killed cannot tell its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _prepare_chunk(
    images: Sequence[LabelledImage], max_length: int | None
) -> list[bytes | SkippedImage]:
    return [_prepare_image(image, max_length) for image in images]


def _prepare_image(image: LabelledImage, max_length: int | None) -> bytes | SkippedImage:
    if max_length is not None and len(image.text) > max_length:
        detail = f"label of {len(image.text)} characters, the limit is {max_length}"
        return SkippedImage(image.key, "too_long", detail)
    try:
        encoded = image.path.read_bytes()
    except FileNotFoundError:
        return SkippedImage(image.key, "missing", "no such file")
    except OSError as error:
        return SkippedImage(image.key, "unreadable", error.strerror or str(error))
    if not encoded:
        return SkippedImage(image.key, "unreadable", "empty file")
    try:
        # The same decoders as in training, without laying transparent pixels over white, which
        # takes four times as long and cannot fail.
        pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    except tf.errors.InvalidArgumentError:
        return SkippedImage(image.key, "unreadable", "not a whole PNG, JPEG, BMP or GIF file")
    height, width, _ = pixels.shape
    return serialize_example(encoded, image.text, image.key, height, width)

"""Text rendered on the fly: the source `synthetic`."""

import functools
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from attention_ocr.data.readers.indexed import walk_indices
from attention_ocr.data.source_spec import SourceSpec, integer_option
from attention_ocr.data.sources import Selection, Source, Walk, digest_of
from attention_ocr.synthesis.rendering import Renderer, RenderingError
from attention_ocr.synthesis.settings import parse_options

REPEAT_DISTANCE = 512
"""Images of a worker between two repetitions of an image, so that few share a batch."""


def repeated_index(place: tf.Tensor, repeats: int) -> tf.Tensor:
    """Return the index of the image at a place, where each block of images is repeated.

    Args:
        place: int64 scalar, from 0 on.
        repeats: Repetitions of each block of `REPEAT_DISTANCE` images.

    Returns:
        int64 scalar.
    """
    block = place // (REPEAT_DISTANCE * repeats)
    return block * REPEAT_DISTANCE + place % REPEAT_DISTANCE


def open_source(spec: SourceSpec) -> Source:
    """Open rendered text.

    Options: those of `SynthesisConfig`; `num_examples`, without which the source is endless; and
    `repeats`, how often each image of an endless source is repeated, `REPEAT_DISTANCE` images apart
    (data echoing, Choi et al., 2019, before augmentation): next to the network, rendering is the
    largest cost of training on rendered text. A walk with a `selection` takes one of several images
    of an endless source.
    """
    options = dict(spec.options)
    num_examples, repeats = None, 1
    if options.pop("num_examples", None) is not None:
        num_examples = integer_option(spec, "num_examples")
    if options.pop("repeats", None) is not None:
        repeats = integer_option(spec, "repeats")
    if repeats < 1 or (num_examples and repeats > 1):
        raise ValueError(
            "Expected `repeats` of at least 1, and 1 with `num_examples`. "
            f"Received: repeats={repeats}"
        )
    settings = parse_options(options)
    renderer = Renderer(settings)

    def rows(walk: Walk) -> tf.data.Dataset:
        if num_examples:
            indices = walk_indices(num_examples, walk)
        else:
            worker, num_workers = walk.shard
            first, end = walk.start, np.iinfo(np.int64).max
            if walk.seed is None and walk.span is not None:
                first, end = walk.span
            offset = worker + first % num_workers
            indices = tf.data.Dataset.range(
                first // num_workers, -(-(end - offset) // num_workers)
            ).map(lambda place: repeated_index(place, repeats) * num_workers + offset)
        row = _row_function(renderer, repeats, None if num_examples else walk.selection)
        return indices.map(row, num_parallel_calls=walk.num_workers)

    def texts() -> Iterable[str]:
        return [renderer.characters]

    def digest() -> str:
        return digest_of(repr(settings), str(num_examples))

    return Source(spec, num_examples, rows, texts, digest=digest, is_endless=num_examples is None)


def _row_function(
    renderer: Renderer, repeats: int, selection: Selection | None
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Return what renders the row of an index."""
    count = 1 if selection is None else selection.count

    @functools.lru_cache(2 * REPEAT_DISTANCE if repeats > 1 else 0)
    def render(index: int) -> tuple[np.int64, np.ndarray, bytes, bytes]:
        candidates, numbers, reason = [], [], ""
        for number in range(count * index, count * (index + 1)):
            try:
                candidates.append(renderer.render(number))
                numbers.append(number)
            except RenderingError as error:
                reason = str(error)
        if not candidates:
            return np.int64(count * index), np.zeros((0, 0, 3), np.uint8), b"", reason.encode()
        chosen = 0 if selection is None else selection.hardest(candidates)
        image, text = candidates[chosen]
        return np.int64(numbers[chosen]), image, text.encode("utf-8"), b""

    def row(index: tf.Tensor) -> dict[str, tf.Tensor]:
        # An image is a function of its index alone. Declared stateless, the call may be part of
        # a pipeline whose position is saved.
        chosen, image, text, reason = tf.numpy_function(
            lambda index: render(int(index)),
            [index],
            [tf.int64, tf.uint8, tf.string, tf.string],
            stateful=False,
        )
        chosen = tf.ensure_shape(chosen, ())
        return {
            "key": tf.strings.join(["synthetic-", tf.strings.as_string(chosen)]),
            "image": tf.ensure_shape(image, (None, None, 3)),
            "text": tf.ensure_shape(text, ()),
            "reason": tf.ensure_shape(reason, ()),
        }

    return row

"""Text rendered on the fly: the source called `synthetic`."""

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from attention_ocr.data.readers.indexed import walk_indices
from attention_ocr.data.sources import Source, SourceSpec, Walk, digest_of, integer_option
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import parse_options


def open_source(spec: SourceSpec) -> Source:
    """Open rendered text.

    Options: those of `SynthesisConfig`, and `num_examples`; without it, there is no end.
    """
    options = dict(spec.options)
    num_examples = None
    if options.pop("num_examples", None) is not None:
        num_examples = integer_option(spec, "num_examples")
    settings = parse_options(options)
    renderer = Renderer(settings)

    def render(index: np.int64) -> tuple[np.ndarray, bytes]:
        image, text = renderer.render(int(index))
        return image, text.encode("utf-8")

    def row(index: tf.Tensor) -> dict[str, tf.Tensor]:
        # A picture is a function of its index alone. Said to be stateless, the call can stand in
        # a pipeline whose position is saved.
        image, text = tf.numpy_function(render, [index], [tf.uint8, tf.string], stateful=False)
        return {
            "key": tf.strings.join(["synthetic-", tf.strings.as_string(index)]),
            "image": tf.ensure_shape(image, (None, None, 3)),
            "text": tf.ensure_shape(text, ()),
        }

    def rows(walk: Walk) -> tf.data.Dataset:
        if num_examples:
            indices = walk_indices(num_examples, walk)
        else:
            worker, num_workers = walk.shard
            first = walk.start + worker
            indices = tf.data.Dataset.range(first, np.iinfo(np.int64).max, num_workers)
        return indices.map(row, num_parallel_calls=walk.num_workers)

    def texts() -> Iterable[str]:
        return [renderer.characters]

    def digest() -> str:
        return digest_of(repr(settings), str(num_examples))

    return Source(spec, num_examples, rows, texts, digest=digest)

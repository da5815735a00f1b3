"""TensorFlow's engine, with a graph that says what it was given."""

import numpy as np
import tensorflow as tf

from attention_ocr.images.image import LazyImage
from attention_ocr.inference.engines.graph_engine import FileGraphEngine, GraphEngine
from attention_ocr.inference.engines.signature_names import STATUS_UNREADABLE
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset
from tests.image_files import NOISE, encode


def serve(files: tf.Tensor) -> dict[str, tf.Tensor]:
    """Read the format of each file; a JPEG is none that it could decode."""
    contents = files.numpy()
    texts = [b"png" if content.startswith(b"\x89PNG") else b"" for content in contents]
    count = len(contents)
    return {
        "text": tf.constant(texts),
        "status": tf.constant([b"ok" if text else STATUS_UNREADABLE.encode() for text in texts]),
        "confidence": tf.ones((count,)),
        "character_confidences": tf.ones((count, 3)),
        "attention": tf.ones((count, 3, 1, 1)),
        "attention_extent": tf.ones((count, 2)),
    }


def test_the_graph_gets_what_it_can_decode():
    pixels = NOISE[..., :3]
    formats = ("PNG", "TIFF", "GIF", "JPEG", "AVIF")
    files = [*(encode(pixels, name) for name in formats), b"no image", encode(pixels, "JPEG")[:99]]
    engine = FileGraphEngine(serve, Config(), Charset("png"))
    readings = engine.read([LazyImage(file) for file in files])
    assert [reading.text for reading in readings] == ["png"] * 5 + ["", ""]
    assert [reading.error for reading in readings[:5]] == [None] * 5
    assert readings[5].error.startswith("unreadable image: not a PNG, JPEG")
    assert readings[6].error == STATUS_UNREADABLE
    np.testing.assert_array_equal(readings[0].attention.shape, (3, 1, 1))


def serve_pixels(pixels: tf.Tensor, sizes: tf.Tensor) -> dict[str, tf.Tensor]:
    """Read how many pixels each image has."""
    texts = [str(len(row) // 3).encode() if row else b"" for row in pixels.numpy()]
    assert [len(row) for row in pixels.numpy()] == (3 * np.prod(sizes, axis=1)).tolist()
    return serve(tf.constant([b"\x89PNG"] * len(texts))) | {
        "text": tf.constant(texts),
        "status": tf.constant([b"ok" if text else STATUS_UNREADABLE.encode() for text in texts]),
    }


def test_a_graph_gets_the_pixels_of_files_and_of_arrays():
    pixels = NOISE[..., :3]
    count = str(pixels.shape[0] * pixels.shape[1])
    images = [LazyImage(encode(pixels, name)) for name in ("PNG", "TIFF", "JPEG")]
    images += [LazyImage.from_array(pixels), LazyImage(b"no image")]
    readings = GraphEngine(serve_pixels, Config(), Charset("1234567890")).read(images)
    assert [reading.text for reading in readings] == [*[count] * 4, ""]
    assert [reading.error for reading in readings[:4]] == [None] * 4
    assert readings[4].error.startswith("unreadable image: not a PNG, JPEG")

"""A tiny model with the signatures of an export, and servers in threads."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf

from attention_ocr.serving.options import ServingOptions
from attention_ocr.serving.server import Server

NAME = "tiny"


class LengthModel(tf.Module):
    """Predicts the size of a file; files that begin with `slow` take a while, `bad!` ones fail.

    Args:
        mark: Prefix of every text, to distinguish versions.
    """

    def __init__(self, mark: str = "") -> None:
        super().__init__()
        # A server must restore variables.
        self.mark = tf.Variable(mark)

    def _read(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        sizes = tf.strings.length(images)
        begins = tf.strings.substr(images, 0, 4)
        idle = tf.where(tf.reduce_any(begins == "slow"), 300, 0)
        matrix = tf.while_loop(
            lambda i, _: i < idle, lambda i, m: (i + 1, m @ m), (0, tf.eye(200))
        )[1]
        # Adds 0, but depends on the slow loop.
        sizes += tf.cast(tf.reduce_sum(matrix) < 0.0, tf.int32)
        tf.debugging.assert_none_equal(begins, "bad!", message="a bad row")
        return {
            "text": self.mark + tf.strings.as_string(sizes),
            "confidence": tf.cast(sizes, tf.float32) / 1000.0,
            "character_confidences": tf.ones((tf.size(sizes), 4)) / 3.0,
            "status": tf.where(sizes > 0, "ok", "unreadable image"),
        }

    @tf.function(input_signature=(tf.TensorSpec((None,), tf.string, name="images"),))
    def serve(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._read(images)

    @tf.function(input_signature=(tf.TensorSpec((None,), tf.string, name="inputs"),))
    def classify(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {"image/encoded": tf.io.FixedLenFeature((), tf.string, "")}
        read = self._read(tf.io.parse_example(examples, features)["image/encoded"])
        classes = tf.stack([read["text"], read["status"]], axis=1)
        return {"classes": classes, "scores": tf.stack([read["confidence"]] * 2, axis=1)}

    @tf.function(
        input_signature=(
            tf.TensorSpec((None, 2), tf.uint8, name="pixels"),
            tf.TensorSpec((None,), tf.bool, name="inverted"),
        )
    )
    def darkness(self, pixels: tf.Tensor, inverted: tf.Tensor) -> dict[str, tf.Tensor]:
        means = tf.reduce_mean(tf.cast(pixels, tf.float32), axis=1)
        score = tf.math.log(tf.where(inverted, means, 0.0))
        return {"score": score, "code_bytes": tf.fill(tf.shape(score), b"\xff\x00")}


def write_model(directory: Path, mark: str = "") -> Path:
    """Write a version of the model whose texts begin with `mark`."""
    model = LengthModel(mark)
    signatures = {
        "serving_default": model.serve,
        "classify": model.classify,
        "darkness": model.darkness,
    }
    unfinished = directory.with_name(f".{directory.name}")
    tf.saved_model.save(model, str(unfinished), signatures=signatures)
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(unfinished))
    updater.replace_method_name("classify", "tensorflow/serving/classify")
    updater.save()
    unfinished.rename(directory)
    return directory


@contextmanager
def running(base_path: Path, **options: Any) -> Iterator[Server]:
    """Serve a model in a separate thread, on free ports."""
    defaults = {"model_name": NAME, "port": 0, "rest_api_port": 0}
    settings = ServingOptions(model_base_path=base_path, **{**defaults, **options})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(Server.start(settings), loop).result(60)
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()

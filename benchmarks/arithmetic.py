"""Arithmetic operations of a training step, and the peak performance of the processor.

A multiply-add counts as two operations. The backward pass of a product takes two products of the
same size, so a training step takes three times the forward pass; operations other than products
(normalisation, activations, the optimiser) are not counted.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from attention_ocr.inference.work_directory import weight_name
from attention_ocr.models.recognizer import Recognizer

PEAK_SIZE = 2048
"""Rows and columns of the matrices whose product measures the peak performance."""

ONCE = ("decoder/initial_state",)
EACH_CELL = ("decoder/attention/keys",)
EACH_COLUMN = ("sequence_", "ctc_head")
EACH_CHARACTER = ("decoder/",)
NOT_MULTIPLIED = ("embeddings", "bias")
CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def training_gflop(
    recognizer: Recognizer, height: int, width: int, num_steps: float, channels: int = 1
) -> float:
    """Return the operations of a training step per image, in 10^9.

    Args:
        recognizer: A built recogniser with one view.
        height: Height of the image, pixels.
        width: Width of the image, pixels.
        num_steps: Decoder steps, including the end token.
        channels: Channels of the image.
    """
    down, across = recognizer.encoder.stride
    num_columns = width // across
    num_cells = num_columns * (1 if recognizer.sequence else height // down)
    applied = ((ONCE, 1), (EACH_CELL, num_cells), (EACH_COLUMN, num_columns))
    products = 0.0
    for weight in recognizer.trainable_variables:
        name = weight_name(weight)
        if len(weight.shape) < 2 or name.startswith("encoder") or name.endswith(NOT_MULTIPLIED):
            continue
        times = next((count for names, count in applied if name.startswith(names)), num_steps)
        # The score of additive attention is a product for each cell in each step.
        times *= num_cells if name.startswith("decoder/attention/scores") else 1
        products += float(np.prod(weight.shape)) * times
    encoder = encoder_flop(recognizer, height, width, channels)
    return 3.0 * (2.0 * products + encoder) / 1e9


def encoder_flop(recognizer: Recognizer, height: int, width: int, channels: int = 1) -> float:
    """Return the operations of the convolutions in the encoder's forward pass for one image."""

    @tf.function
    def encode(images: tf.Tensor) -> tf.Tensor:
        return recognizer.encoder(images, tf.constant([[height, width]], tf.int32))[0]

    traced = encode.get_concrete_function(tf.TensorSpec((1, height, width, channels), tf.float32))
    graph = convert_variables_to_constants_v2(traced).graph
    total = 0
    for operation in graph.get_operations():
        if operation.type in CONVOLUTIONS:
            kernel, output = operation.inputs[1].shape, operation.outputs[0].shape
            total += 2 * int(np.prod(kernel)) * int(np.prod(output[1:3]))
    return float(total)


def make_peak(precision: str) -> Callable[[], None]:
    """Return a function that multiplies two matrices of `PEAK_SIZE` once, in a precision."""
    values = np.random.default_rng(0).uniform(-1, 1, (PEAK_SIZE, PEAK_SIZE))
    matrix = tf.constant(values, tf.as_dtype(precision))

    def multiply() -> None:
        # Reading the sum waits for the whole product.
        float(tf.reduce_sum(tf.matmul(matrix, matrix)))

    return multiply


def peak_gflop() -> float:
    """Return the operations of that product, in 10^9."""
    return 2.0 * PEAK_SIZE**3 / 1e9

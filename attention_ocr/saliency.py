"""Which pixels speak for each character: saliency by gradient, and by feedback.

Attention says where the decoder looked in the grid; these maps ask the whole network, down to the
pixels, and work for a CTC head, too.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import tensorflow as tf

from attention_ocr.charset import START_ID
from attention_ocr.decoding.ctc import ctc_greedy_decode
from attention_ocr.models.encoders.grid import ConvolutionUnit, valid_cells
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.models.views import join_views, split_views

HEADS = ("attention", "ctc")

Score = Callable[[tf.Tensor], tf.Tensor]


def gradient_saliency(
    recognizer: Recognizer,
    image: tf.Tensor,
    image_size: tf.Tensor,
    token_ids: Sequence[int],
    head: str = "attention",
) -> tf.Tensor:
    """Return how strongly each pixel moves the logit of each character.

    That is the image-specific class saliency of Simonyan et al., 2014 (section 3), the largest
    absolute value over the colours. The decoder is given the characters before, as in training.

    Args:
        recognizer: computing in float32.
        image: float [1, views * H, W, C], prepared.
        image_size: int32 [1, 2], height and width of a view without the padding.
        token_ids: the n characters; for the CTC head those that it reads.
        head: `attention` or `ctc`, the head whose logits are asked.

    Returns:
        float32 [n, H, views * W], non-negative, zero on the padding; views stand side by side.

    Raises:
        ValueError: the recogniser lacks the head, or its CTC head reads other characters.
    """
    slopes = _make_slopes(recognizer, image, image_size, token_ids, head)
    maps = [slopes(tf.constant(index))[0] for index in range(len(token_ids))]
    return _stack(maps, image, image_size, recognizer.num_views)


def feedback_saliency(
    recognizer: Recognizer,
    image: tf.Tensor,
    image_size: tf.Tensor,
    token_ids: Sequence[int],
    head: str = "attention",
    num_iterations: int = 8,
    rate: float = 0.25,
    sparsity: float = 0.25,
) -> tf.Tensor:
    """Return the saliency of each character after the network has looked a second time.

    Every hidden unit of the convolutions gets a gate in [0, 1], open at first. Gradient ascent on
    the character's logit, less `sparsity` for each open gate, closes the gates of units that do not
    speak for it; the saliency is that of the gated network (Cao et al., 2015, "Look and think
    twice", section 3; all layers at once, each layer's gradient over its mean size).

    Args:
        recognizer: computing in float32, its encoder made of `ConvolutionUnit`s.
        image: float [1, views * H, W, C], prepared.
        image_size: int32 [1, 2], height and width of a view without the padding.
        token_ids: the n characters; for the CTC head those that it reads.
        head: `attention` or `ctc`, the head whose logits are asked.
        num_iterations: steps of the ascent.
        rate: of a step.
        sparsity: gradient, over the layer's mean, below which a gate closes.

    Returns:
        float32 [n, H, views * W], non-negative, zero on the padding; views stand side by side.

    Raises:
        ValueError: the recogniser lacks the head or has no gates, or its CTC head reads other
            characters.
    """
    maps = []
    with _gates(recognizer) as gates:
        slopes = _make_slopes(recognizer, image, image_size, token_ids, head, gates)
        for index in range(len(token_ids)):
            for gate in gates:
                gate.assign(tf.ones_like(gate))
            for _ in range(num_iterations):
                _move(gates, slopes(tf.constant(index))[1:], rate, sparsity)
            maps.append(slopes(tf.constant(index))[0])
    return _stack(maps, image, image_size, recognizer.num_views)


def _make_slopes(
    recognizer: Recognizer,
    image: tf.Tensor,
    image_size: tf.Tensor,
    token_ids: Sequence[int],
    head: str,
    gates: Sequence[tf.Variable] = (),
) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """Return the function from a character's index to its logit's gradients: image, then gates."""
    score = _make_score(recognizer, image, image_size, token_ids, head)

    @tf.function(input_signature=(tf.TensorSpec((), tf.int32),))
    def slopes(index: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = tf.gather(score(image), index)
        return tape.gradient(value, [image, *gates], unconnected_gradients="zero")

    return slopes


def _make_score(
    recognizer: Recognizer,
    image: tf.Tensor,
    image_size: tf.Tensor,
    token_ids: Sequence[int],
    head: str,
) -> Score:
    """Return the function from an image to the logits of its n characters, float32 [n]."""
    inputs = {
        "image_sizes": image_size,
        "decoder_inputs": tf.constant([[START_ID, *token_ids]], tf.int32),
    }

    def run(image: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs: dict[str, tf.Tensor] = recognizer({"images": image, **inputs}, training=False)
        return outputs

    if head == "attention" and recognizer.decoder is not None:
        places = [[t, token_id] for t, token_id in enumerate(token_ids)]
        return lambda image: tf.gather_nd(run(image)["logits"][0], places)
    if head != "ctc" or recognizer.ctc_head is None:
        raise ValueError(f"The recogniser lacks the head that is asked. Received: head={head!r}")
    # Where the characters stand is settled by the first look.
    outputs = tf.function(run)(image)
    decoded = ctc_greedy_decode(
        outputs["ctc_logits"], outputs["column_lengths"], max(len(token_ids), 1)
    )
    read = decoded.token_ids[0, : decoded.lengths[0]].numpy().tolist()
    if read != list(token_ids):
        raise ValueError(
            f"The CTC head reads other characters than it is asked for: {read}. "
            f"Received: {list(token_ids)}"
        )
    shares = decoded.attention[0, : len(token_ids)]
    return lambda image: tf.reduce_sum(
        tf.gather(run(image)["ctc_logits"][0], list(token_ids), axis=1) * tf.transpose(shares),
        axis=0,
    )


@contextmanager
def _gates(recognizer: Recognizer) -> Iterator[list[tf.Variable]]:
    """Put a gate behind every hidden unit of the convolutions, inside the `with` block.

    The gates are made, and listed, when the network first runs.
    """
    units = [
        layer
        for layer in recognizer.encoder._flatten_layers(include_self=False)
        if isinstance(layer, ConvolutionUnit) and layer.activate
    ]
    if not units:
        raise ValueError(
            "Feedback needs an encoder of convolution units, whose outputs it can gate. "
            f"Received: {type(recognizer.encoder).__name__}"
        )
    gates: list[tf.Variable] = []
    try:
        for unit in units:
            unit.gate = _Gate(gates)
        yield gates
    finally:
        for unit in units:
            unit.gate = None


class _Gate:
    """Multiplies by a variable, made open at the first call and listed in `gates`."""

    def __init__(self, gates: list[tf.Variable]) -> None:
        self._gates = gates
        self._variable: tf.Variable | None = None

    def __call__(self, outputs: tf.Tensor) -> tf.Tensor:
        if self._variable is None:
            with tf.init_scope():
                self._variable = tf.Variable(tf.ones(outputs.shape))
            self._gates.append(self._variable)
        return outputs * self._variable


def _move(
    gates: Sequence[tf.Variable], gradients: Sequence[tf.Tensor], rate: float, sparsity: float
) -> None:
    """Take a step of the ascent."""
    for gate, gradient in zip(gates, gradients, strict=True):
        size = tf.reduce_mean(tf.abs(gradient))
        step = tf.math.divide_no_nan(gradient, size) - sparsity
        gate.assign(tf.clip_by_value(gate + rate * step, 0.0, 1.0))


def _stack(
    gradients: Sequence[tf.Tensor], image: tf.Tensor, image_size: tf.Tensor, num_views: int
) -> tf.Tensor:
    """Return the largest absolute value over the colours, on the picture.

    Args:
        gradients: n times float32 [1, views * H, W, C].
        image: of the same shape.
        image_size: int32 [1, 2], of a view.
        num_views: of the image.

    Returns:
        float32 [n, H, views * W], the views side by side.
    """
    if not gradients:
        return tf.zeros((0, image.shape[1] // num_views, num_views * image.shape[2]))
    values = tf.transpose(tf.reduce_max(tf.abs(tf.concat(gradients, axis=0)), axis=-1), (1, 2, 0))
    views, sizes = split_views(values[None], image_size, num_views)  # [views, H, W, n]
    on_picture = valid_cells(sizes, views.shape[1], views.shape[2], (1, 1))
    joined, _ = join_views(views, on_picture, num_views)
    return tf.transpose(joined[0], (2, 0, 1))

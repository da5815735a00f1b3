"""Saliency of the pixels for each character, by gradient and by feedback.

Attention says where the decoder looked in the grid; these maps go through the whole network, down
to the pixels, and work for a CTC head, too.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import tensorflow as tf

from attention_ocr.decoding.ctc import ctc_greedy_decode
from attention_ocr.models.encoders.grid import ConvolutionUnit, valid_cells
from attention_ocr.models.encoders.residual import ResidualUnit
from attention_ocr.models.multi_view import join_views, split_views
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.text.charset import START_ID

HEADS = ("attention", "ctc")

Score = Callable[[tf.Tensor], tf.Tensor]


def gradient_saliency(
    recognizer: Recognizer,
    image: tf.Tensor,
    image_size: tf.Tensor,
    token_ids: Sequence[int],
    head: str = "attention",
) -> tf.Tensor:
    """Return how strongly each pixel changes the logit of each character.

    Image-specific class saliency (Simonyan et al., 2014, section 3), the largest absolute value
    over the colours. The decoder is given the preceding characters, as in training.

    Args:
        recognizer: Recogniser that computes in float32.
        image: float [1, views * H, W, C], prepared.
        image_size: int32 [1, 2], height and width of a view without the padding.
        token_ids: The n characters; for the CTC head those that it reads.
        head: `attention` or `ctc`, the head whose logits are explained.

    Returns:
        float32 [n, H, views * W], non-negative, zero on the padding; views stand side by side.

    Raises:
        ValueError: If the recogniser lacks the head, or its CTC head reads other characters.
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
    num_iterations: int = 1,
    threshold: float = 1.0,
) -> tf.Tensor:
    """Return the saliency of each character after a second, gated pass of the network.

    Every hidden unit of the convolutions gets a gate `z`, open at first. Feedback runs down from
    the character's logit `s`, and in each layer closes the gates of the units whose contribution
    `ds/dz`, their activation times its gradient, is below `threshold` times the mean of the layer's
    positive ones; a closed gate passes nothing further down. A layer without a positive
    contribution stays as it is. The gated network then runs again: its feedback down to the pixels
    is the saliency.

    This is Cao et al., "Look and Think Twice" (ICCV 2015), section 3: `max s(z) - lambda |z|` with
    `0 <= z <= 1`, layer after layer from the top. The paper follows the gradient in many small
    steps. Here each step solves the linearised problem, whose gates are all open or closed, so that
    one step suffices; `lambda` is relative to each layer's contributions, because one number for
    all layers would close the lower ones altogether.

    Args:
        recognizer: Recogniser that computes in float32, its encoder made of `ConvolutionUnit`s.
        image: float [1, views * H, W, C], prepared.
        image_size: int32 [1, 2], height and width of a view without the padding.
        token_ids: The n characters; for the CTC head those that it reads.
        head: `attention` or `ctc`, the head whose logits are explained.
        num_iterations: Passes after the first; with 0 it is `gradient_saliency`. More passes select
            fewer pixels; the last one with any saliency left is returned.
        threshold: The higher, the fewer units stay open.

    Returns:
        float32 [n, H, views * W], non-negative, zero on the padding; views stand side by side.

    Raises:
        ValueError: If the recogniser lacks the head or has no gates, or its CTC head reads other
            characters.
    """
    if not num_iterations:
        return gradient_saliency(recognizer, image, image_size, token_ids, head)
    maps = []
    with _gates(recognizer, threshold) as gates:
        slopes = _make_slopes(recognizer, image, image_size, token_ids, head, gates)
        for index in range(len(token_ids)):
            for gate in gates:
                gate.assign(tf.ones_like(gate))
            saliency = tf.zeros_like(image)
            for _ in range(num_iterations + 1):
                slope, *selected = slopes(tf.constant(index))
                if not tf.reduce_any(slope != 0.0):
                    break
                saliency = slope
                for gate, still_open in zip(gates, selected, strict=True):
                    gate.assign(still_open)
            maps.append(saliency)
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
        raise ValueError(f"The recogniser lacks the requested head. Received: head={head!r}")
    # The positions of the characters come from the first pass.
    outputs = tf.function(run)(image)
    decoded = ctc_greedy_decode(
        outputs["ctc_logits"], outputs["column_lengths"], max(len(token_ids), 1)
    )
    read = decoded.token_ids[0, : decoded.lengths[0]].numpy().tolist()
    if read != list(token_ids):
        raise ValueError(
            f"The CTC head reads other characters than those to explain: {read}. "
            f"Received: {list(token_ids)}"
        )
    shares = decoded.attention[0, : len(token_ids)]
    return lambda image: tf.reduce_sum(
        tf.gather(run(image)["ctc_logits"][0], list(token_ids), axis=1) * tf.transpose(shares),
        axis=0,
    )


@contextmanager
def _gates(recognizer: Recognizer, threshold: float) -> Iterator[list[tf.Variable]]:
    """Put a gate after every hidden unit of the convolutions, inside the `with` block.

    The gates are created and listed when the network first runs.
    """
    units = [
        layer
        for layer in recognizer.encoder._flatten_layers(include_self=False)
        if isinstance(layer, ResidualUnit)
        or (isinstance(layer, ConvolutionUnit) and layer.activate)
    ]
    if not units:
        raise ValueError(
            "Feedback needs an encoder of convolution units, whose outputs it can gate. "
            f"Received: {type(recognizer.encoder).__name__}"
        )
    gates: list[tf.Variable] = []
    try:
        for unit in units:
            unit.gate = _Gate(gates, threshold)
        yield gates
    finally:
        for unit in units:
            unit.gate = None


class _Gate:
    """Multiplies by a variable, created open at the first call and listed in `gates`.

    Its gradient is the feedback: it passes only the gates that stay open, and the gradient of the
    variable is 1 for those and 0 for the others.
    """

    def __init__(self, gates: list[tf.Variable], threshold: float) -> None:
        self._gates = gates
        self._threshold = threshold
        self._variable: tf.Variable | None = None

    def __call__(self, outputs: tf.Tensor) -> tf.Tensor:
        if self._variable is None:
            with tf.init_scope():
                self._variable = tf.Variable(tf.ones(outputs.shape))
            self._gates.append(self._variable)

        @tf.custom_gradient
        def through(
            outputs: tf.Tensor, gate: tf.Tensor
        ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
            def feed_back(gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                still_open = _select(gradient * outputs * gate, gate, self._threshold)
                return gradient * still_open, still_open

            return outputs * gate, feed_back

        return through(outputs, self._variable)


def _select(contributions: tf.Tensor, gates: tf.Tensor, threshold: float) -> tf.Tensor:
    """Return which gates of a layer stay open: 1, or 0 for those that close.

    Args:
        contributions: float32, of each unit.
        gates: Gates before the selection, of the same shape.
        threshold: Multiple of the mean positive contribution; the largest contribution if that is
            lower.

    Returns:
        float32 of the same shape; `gates`, where no unit of the layer contributes.
    """
    positive = contributions > 0.0
    count = tf.reduce_sum(tf.cast(positive, tf.float32))
    mean = tf.math.divide_no_nan(tf.reduce_sum(tf.nn.relu(contributions)), count)
    limit = tf.minimum(threshold * mean, tf.reduce_max(contributions))
    return tf.where(count > 0.0, tf.cast(positive & (contributions >= limit), tf.float32), gates)


def _stack(
    gradients: Sequence[tf.Tensor], image: tf.Tensor, image_size: tf.Tensor, num_views: int
) -> tf.Tensor:
    """Return the largest absolute value over the colours, zero on the padding.

    Args:
        gradients: n times float32 [1, views * H, W, C].
        image: Image of the same shape.
        image_size: int32 [1, 2], of a view.
        num_views: Number of views in the image.

    Returns:
        float32 [n, H, views * W], the views side by side.
    """
    if not gradients:
        return tf.zeros((0, image.shape[1] // num_views, num_views * image.shape[2]))
    values = tf.transpose(tf.reduce_max(tf.abs(tf.concat(gradients, axis=0)), axis=-1), (1, 2, 0))
    views, sizes = split_views(values[None], image_size, num_views)  # [views, H, W, n]
    is_content = valid_cells(sizes, views.shape[1], views.shape[2], (1, 1))
    joined, _ = join_views(views, is_content, num_views)
    return tf.transpose(joined[0], (2, 0, 1))

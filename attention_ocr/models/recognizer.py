"""The recogniser: encoder, sequence model, and one or two heads that read the same grid."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from attention_ocr.models.decoder import AttentionDecoder, DecoderState, Memory
from attention_ocr.models.gru import BidirectionalGRU
from attention_ocr.models.sequence import BidirectionalLSTM


class Encoded(NamedTuple):
    """What the encoder says of a batch of images.

    Attributes:
        feature_grid: float [B, H', W', D], zero on the padding.
        cells: bool [B, H', W'], true on the picture.
        columns: float [B, W', D], the grid with its height averaged away; zero on the padding.
        column_lengths: int32 [B], valid columns.
        summary: float [B, S], of the whole image.
    """

    feature_grid: tf.Tensor
    cells: tf.Tensor
    columns: tf.Tensor
    column_lengths: tf.Tensor
    summary: tf.Tensor


class Recognizer(keras.Model):
    """Reads the text of images.

    Args:
        encoder: gives `feature_grid` and `cells` for images and their sizes.
        sequence: bidirectional layers over the columns; none keeps the grid two-dimensional.
        decoder: the attention head, or none.
        ctc_head: projects columns to logits over the vocabulary, or none.
        coordinates: appends to `feature_grid` where its cells lie, or none.

    Call arguments:
        inputs: `images` float [B, H, W, C] in [-1, 1], zero on the padding; `image_sizes` int32
            [B, 2], height and width without the padding; `decoder_inputs` int32 [B, T].

    Returns:
        `logits` float32 [B, T, V] with a decoder; `ctc_logits` float32 [B, W', V] and
        `column_lengths` int32 [B] with a CTC head.
    """

    def __init__(
        self,
        encoder: keras.layers.Layer,
        sequence: list[BidirectionalLSTM | BidirectionalGRU],
        decoder: AttentionDecoder | None,
        ctc_head: keras.layers.Layer | None,
        coordinates: keras.layers.Layer | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        if decoder is None and ctc_head is None:
            raise ValueError("A recogniser needs a decoder or a CTC head. Received neither.")
        self.encoder = encoder
        self.coordinates = coordinates
        self.sequence = sequence
        self.decoder = decoder
        self.ctc_head = ctc_head
        self.loss_function: Callable[..., dict[str, tf.Tensor]] | None = None

    def encode(self, images: tf.Tensor, image_sizes: tf.Tensor, training: bool = False) -> Encoded:
        """Run the encoder and the sequence model.

        Args:
            images: float [B, H, W, C].
            image_sizes: int32 [B, 2].
            training: whether batch statistics are used and moved.
        """
        grid, cells = self.encoder(images, image_sizes, training=training)
        if self.coordinates is not None:
            grid = self.coordinates(grid, cells)
        column_lengths = tf.reduce_sum(tf.cast(tf.reduce_any(cells, axis=1), tf.int32), axis=-1)
        if not self.sequence:
            weights = tf.cast(cells, grid.dtype)[..., None]
            columns = tf.math.divide_no_nan(
                tf.reduce_sum(grid, axis=1), tf.reduce_sum(weights, axis=1)
            )
            summary = tf.reduce_sum(columns, axis=1) / tf.cast(column_lengths, grid.dtype)[:, None]
            return Encoded(grid, cells, columns, column_lengths, summary)
        # The rows of a column stand side by side, so that the sequence model sees where is above.
        columns = tf.transpose(grid, (0, 2, 1, 3))  # [B, W', H', D]
        columns = tf.reshape(columns, (-1, tf.shape(grid)[2], grid.shape[1] * grid.shape[3]))
        summary = columns[:, 0]
        for layer in self.sequence:
            columns, summary = layer(columns, column_lengths)
        valid = tf.sequence_mask(column_lengths, tf.shape(columns)[1])
        return Encoded(columns[:, None], valid[:, None], columns, column_lengths, summary)

    def start_decoding(self, encoded: Encoded) -> tuple[DecoderState, Memory]:
        """Return the decoder's initial state and its memory [B, N = H'W', D].

        Raises:
            ValueError: the recogniser has a CTC head alone.
        """
        if self.decoder is None:
            raise ValueError("This recogniser has no attention decoder, only a CTC head.")
        batch_size = tf.shape(encoded.feature_grid)[0]
        values = tf.reshape(encoded.feature_grid, (batch_size, -1, encoded.feature_grid.shape[-1]))
        memory = self.decoder.prepare(values, tf.reshape(encoded.cells, (batch_size, -1)))
        return self.decoder.initial_state(encoded.summary, memory), memory

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> dict[str, tf.Tensor]:
        encoded = self.encode(inputs["images"], inputs["image_sizes"], training=training)
        outputs = {}
        if self.decoder is not None:
            state, memory = self.start_decoding(encoded)
            outputs["logits"], _ = self.decoder(
                memory, state, inputs["decoder_inputs"], training=training
            )
        if self.ctc_head is not None:
            outputs["ctc_logits"] = self.ctc_head(encoded.columns)
            outputs["column_lengths"] = encoded.column_lengths
        return outputs

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Return the loss for `fit`, by the function that the training step uses.

        Args:
            x: the whole batch, targets included.
            y: unused.
            y_pred: what `call` returned.
            sample_weight: unused.
            training: unused.

        Raises:
            ValueError: there is no `loss_function`; `training.step.compile_recognizer` sets it.
        """
        del y, sample_weight, training
        if self.loss_function is None:
            raise ValueError("Expected `compile_recognizer` before `fit`. Received: no loss.")
        return self.loss_function(y_pred, x)["loss"]

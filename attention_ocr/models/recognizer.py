"""The recogniser: encoder, sequence model, and one or two heads that read the same grid."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from attention_ocr.models.attention.interface import Memory
from attention_ocr.models.decoder_interface import Decoder
from attention_ocr.models.gru import BidirectionalGRU
from attention_ocr.models.multi_view import join_views, split_views
from attention_ocr.models.rectifier import Rectifier
from attention_ocr.models.sequence import BidirectionalLSTM


class EncoderOutput(NamedTuple):
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
        rectifier: straightens the images before the encoder, or none.
        num_views: of each image. The encoder sees each alone; the attention, all of them.

    Call arguments:
        inputs: `images` float [B, H, W, C] in [-1, 1], zero on the padding, or with several views
            [B, views * H, W, C], one below the other; `image_sizes` int32 [B, 2], height and width
            of a view without the padding; `decoder_inputs` int32 [B, T]; and
            `sampling_probability` float32 scalar where training samples what it feeds back, see
            `AttentionDecoder`.

    Returns:
        `logits` float32 [B, T, V] with a decoder; in training, if its attention draws, the parts
        of `decoder_interface.Choices`, float32 [B, T], as `choice_...`; `ctc_logits` float32
        [B, W', V] and `column_lengths` int32 [B] with a CTC head.
    """

    def __init__(
        self,
        encoder: keras.layers.Layer,
        sequence: list[BidirectionalLSTM | BidirectionalGRU],
        decoder: Decoder | None,
        ctc_head: keras.layers.Layer | None,
        coordinates: keras.layers.Layer | None = None,
        rectifier: Rectifier | None = None,
        num_views: int = 1,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        if decoder is None and ctc_head is None:
            raise ValueError("A recogniser needs a decoder or a CTC head. Received neither.")
        self.encoder = encoder
        self.coordinates = coordinates
        self.rectifier = rectifier
        self.num_views = num_views
        self.sequence = sequence
        self.decoder = decoder
        self.ctc_head = ctc_head
        self.portable = False
        self.loss_function: Callable[..., dict[str, tf.Tensor]] | None = None

    def make_portable(self, fused: bool = False) -> None:
        """Use loops that other runtimes than TensorFlow can run, from the next trace on.

        The outputs stay the same. Training in that form would take longer.

        Args:
            fused: whether an LSTM is left as one operation, for ONNX, which has its own.
        """
        self.portable = True
        for layer in self.sequence:
            layer.portable = True
            if isinstance(layer, BidirectionalLSTM):
                layer.fused = fused

    def encode(
        self, images: tf.Tensor, image_sizes: tf.Tensor, training: bool = False
    ) -> EncoderOutput:
        """Run the encoder and the sequence model.

        Args:
            images: float [B, views * H, W, C].
            image_sizes: int32 [B, 2], of a view.
            training: whether batch statistics are used and moved.
        """
        if self.num_views > 1:
            images, image_sizes = split_views(images, image_sizes, self.num_views)
        if self.rectifier is not None:
            images = self.rectifier(images, image_sizes, training=training)
        grid, cells = self.encoder(images, image_sizes, training=training)
        if self.coordinates is not None:
            grid = self.coordinates(grid, cells)
        if self.num_views > 1:
            grid, cells = join_views(grid, cells, self.num_views)
        column_lengths = tf.reduce_sum(tf.cast(tf.reduce_any(cells, axis=1), tf.int32), axis=-1)
        if not self.sequence:
            weights = tf.cast(cells, grid.dtype)[..., None]
            columns = tf.math.divide_no_nan(
                tf.reduce_sum(grid, axis=1), tf.reduce_sum(weights, axis=1)
            )
            summary = tf.reduce_sum(columns, axis=1) / tf.cast(column_lengths, grid.dtype)[:, None]
            return EncoderOutput(grid, cells, columns, column_lengths, summary)
        # The rows of a column stand side by side, so that the sequence model sees where is above.
        columns = tf.transpose(grid, (0, 2, 1, 3))  # [B, W', H', D]
        columns = tf.reshape(columns, (-1, tf.shape(grid)[2], grid.shape[1] * grid.shape[3]))
        summary = columns[:, 0]
        for layer in self.sequence:
            columns, summary = layer(columns, column_lengths)
        valid = tf.sequence_mask(column_lengths, tf.shape(columns)[1])
        grid, cells = tf.expand_dims(columns, 1), tf.expand_dims(valid, 1)
        return EncoderOutput(grid, cells, columns, column_lengths, summary)

    def rectify(self, images: tf.Tensor, image_sizes: tf.Tensor) -> tf.Tensor:
        """Return `images` float [B, views * H, W, C] as they enter the encoder when it reads."""
        if self.rectifier is None:
            return images
        views, sizes = split_views(images, image_sizes, self.num_views)
        return tf.reshape(self.rectifier(views, sizes), tf.shape(images))

    def start_decoding(self, encoded: EncoderOutput) -> tuple[Any, Memory]:
        """Return the decoder's initial state and its memory [B, N = H'W', D].

        Raises:
            ValueError: the recogniser has a CTC head alone.
        """
        if self.decoder is None:
            raise ValueError("This recogniser has no attention decoder, only a CTC head.")
        batch_size = tf.shape(encoded.feature_grid)[0]
        values = tf.reshape(encoded.feature_grid, (batch_size, -1, encoded.feature_grid.shape[-1]))
        memory = self.decoder.prepare(values, tf.reshape(encoded.cells, (batch_size, -1)))
        grid_shape = tf.shape(encoded.cells)[1:]
        return self.decoder.initial_state(encoded.summary, memory, grid_shape), memory

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> dict[str, tf.Tensor]:
        encoded = self.encode(inputs["images"], inputs["image_sizes"], training=training)
        outputs = {}
        if self.decoder is not None:
            state, memory = self.start_decoding(encoded)
            taught = self.decoder(
                memory,
                state,
                inputs["decoder_inputs"],
                sampling_probability=inputs.get("sampling_probability"),
                training=training,
            )
            outputs["logits"] = taught.logits
            if taught.choices is not None:
                for name, values in taught.choices._asdict().items():
                    outputs[f"choice_{name}"] = values
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

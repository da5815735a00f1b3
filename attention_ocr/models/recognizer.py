"""The recogniser: encoder, sequence model, and one or two heads on the same grid."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from attention_ocr.models.attention.interface import Memory
from attention_ocr.models.decoder_interface import Decoder
from attention_ocr.models.losses import RecognitionLoss
from attention_ocr.models.multi_view import join_views, split_views
from attention_ocr.models.rectifier import Rectifier
from attention_ocr.models.serialization import deserialize_layer, serialize_layer

Loss = Callable[[Mapping[str, tf.Tensor], Mapping[str, tf.Tensor]], dict[str, tf.Tensor]]

PARTS = ("encoder", "decoder", "ctc_head", "coordinates", "rectifier")
"""The arguments of a recogniser that are a layer or None."""


class EncoderOutput(NamedTuple):
    """Encoding of a batch of images.

    Attributes:
        feature_grid: float [B, H', W', D], zero on the padding.
        cells: bool [B, H', W'], true on the content of the image.
        columns: float [B, W', D], the grid averaged over its height; zero on the padding.
        column_lengths: int32 [B], number of valid columns.
        summary: float [B, S], summary of the whole image.
    """

    feature_grid: tf.Tensor
    cells: tf.Tensor
    columns: tf.Tensor
    column_lengths: tf.Tensor
    summary: tf.Tensor


@keras.saving.register_keras_serializable(package="attention_ocr")
class Recognizer(keras.Model):
    """Recognises the text of images.

    It is compiled without a loss (`recognizer.compile(optimizer="adam")`), because it has its own;
    `fit` takes batches of `data.pipeline.training_batches`, which include the targets.

    Args:
        encoder: Maps images and their sizes to `feature_grid` and `cells`; its `stride` is the
            height and width of a cell in pixels.
        sequence: Bidirectional layers over the columns, such as `BidirectionalLSTM`; without any,
            the grid stays two-dimensional.
        decoder: The attention decoder, or None.
        ctc_head: Projects columns to logits over the vocabulary; or None.
        coordinates: Appends the positions of cells to `feature_grid`; or None.
        rectifier: Rectifies the images before the encoder; or None.
        num_views: Number of views of each image. The encoder sees each view separately, the
            attention all of them.
        loss: Computes the `loss` and its parts from outputs and batch, for `fit`.
        portable: Whether decoding avoids operations specific to TensorFlow, see `portable_copy`.

    Call arguments:
        inputs: `images` float [B, H, W, C] in [-1, 1], zero on the padding, or with several views
            [B, views * H, W, C], one below the other; `image_sizes` int32 [B, 2], height and width
            of a view without the padding; `decoder_inputs` int32 [B, T]; and
            `sampling_probability` float32 scalar for scheduled sampling, see `AttentionDecoder`.

    Returns:
        `logits` float32 [B, T, V] with a decoder; in training, if its attention samples, the parts
        of `decoder_interface.Choices`, float32 [B, T], as `choice_...`; `ctc_logits` float32
        [B, W', V] and `column_lengths` int32 [B] with a CTC head.
    """

    def __init__(
        self,
        encoder: keras.layers.Layer,
        sequence: Sequence[keras.layers.Layer] = (),
        decoder: Decoder | None = None,
        ctc_head: keras.layers.Layer | None = None,
        coordinates: keras.layers.Layer | None = None,
        rectifier: Rectifier | None = None,
        num_views: int = 1,
        loss: Loss | None = None,
        portable: bool = False,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        if decoder is None and ctc_head is None:
            raise ValueError("A recogniser needs a decoder or a CTC head. Received neither.")
        self.encoder = encoder
        self.coordinates = coordinates
        self.rectifier = rectifier
        self.num_views = num_views
        self.sequence = list(sequence)
        self.decoder = decoder
        self.ctc_head = ctc_head
        self.loss_function = RecognitionLoss() if loss is None else loss
        self.portable = portable
        self._image_shape: tuple[int, int] | None = None

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        parts = {name: serialize_layer(getattr(self, name)) for name in PARTS}
        return super().get_config() | {
            **parts,
            "sequence": [serialize_layer(layer) for layer in self.sequence],
            "num_views": self.num_views,
            "loss": serialize_layer(self.loss_function),
            "portable": self.portable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: object = None) -> "Recognizer":
        """Build the recogniser from the result of `get_config`.

        Args:
            config: Configuration of the recogniser and of each layer in it.
            custom_objects: Unused; layers are looked up in the Keras registry.
        """
        del custom_objects
        parts = {name: deserialize_layer(config[name]) for name in (*PARTS, "loss")}
        sequence = [deserialize_layer(layer) for layer in config["sequence"]]
        return cls(**config | parts | {"sequence": sequence})

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the height and channels of the images that it was built for; None if unbuilt."""
        if self._image_shape is None:
            return None
        height, channels = self._image_shape
        return {"image_height": height, "image_channels": channels}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Create the variables.

        Args:
            config: `image_height` and `image_channels`, of one view.
        """
        self(blank_inputs(config["image_height"], config["image_channels"], self.num_views))

    def encode(
        self, images: tf.Tensor, image_sizes: tf.Tensor, training: bool = False
    ) -> EncoderOutput:
        """Run the encoder and the sequence model.

        Args:
            images: float [B, views * H, W, C].
            image_sizes: int32 [B, 2], sizes of a view.
            training: Whether batch statistics are used and moving averages updated.
        """
        self._image_shape = (images.shape[1] // self.num_views, images.shape[3])
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
        # The rows of a column are concatenated, so that the sequence model can tell them apart.
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
            ValueError: If the recogniser has only a CTC head.
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
        return self.teach(encoded, inputs, training=training)

    def teach(
        self, encoded: EncoderOutput, inputs: Mapping[str, tf.Tensor], training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Run the heads on encoded images, the decoder with teacher forcing.

        Args:
            encoded: From `encode`.
            inputs: `decoder_inputs` and `sampling_probability` of the call arguments.
            training: Whether dropout and scheduled sampling are applied.

        Returns:
            The result of a call.
        """
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
        """Return the loss for `fit`, including losses of layers, such as regularisers.

        Args:
            x: The whole batch, including targets.
            y: Unused.
            y_pred: The result of `call`.
            sample_weight: Unused.
            training: Unused.
        """
        del y, sample_weight, training
        return tf.add_n([self.loss_function(y_pred, x)["loss"], *self.losses])


def blank_inputs(
    image_height: int, image_channels: int, num_views: int = 1
) -> dict[str, tf.Tensor]:
    """Return the smallest batch that a recogniser accepts: one blank image, one step.

    Args:
        image_height: Height of a view in pixels, a multiple of 16.
        image_channels: 1 (gray) or 3 (colour).
        num_views: Number of views of the image.
    """
    return {
        "images": tf.zeros((1, num_views * image_height, image_height, image_channels)),
        "image_sizes": tf.constant([[image_height, image_height]], tf.int32),
        "decoder_inputs": tf.zeros((1, 1), tf.int32),
    }


def portable_copy(recognizer: Recognizer, fused: bool = False) -> Recognizer:
    """Return a second recogniser with loops that runtimes other than TensorFlow can run.

    Both share their variables and have the same outputs; training the copy would take longer.
    `recognizer` is unchanged.

    Args:
        recognizer: A built recogniser. A sequence layer without `portable_copy` is shared.
        fused: Whether an LSTM is one operation, as for ONNX, which has its own.
    """
    sequence = [
        layer.portable_copy(fused) if hasattr(layer, "portable_copy") else layer
        for layer in recognizer.sequence
    ]
    copy = Recognizer(
        encoder=recognizer.encoder,
        sequence=sequence,
        decoder=recognizer.decoder,
        ctc_head=recognizer.ctc_head,
        coordinates=recognizer.coordinates,
        rectifier=recognizer.rectifier,
        num_views=recognizer.num_views,
        loss=recognizer.loss_function,
        portable=True,
        name=recognizer.name,
        dtype=recognizer.dtype_policy,
    )
    copy.built = True
    return copy

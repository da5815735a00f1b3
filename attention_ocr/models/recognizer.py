"""The recogniser: encoder, sequence model, and one or two heads that read the same grid."""

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
"""The arguments of a recogniser that are a layer, or none."""


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


@keras.saving.register_keras_serializable(package="attention_ocr")
class Recognizer(keras.Model):
    """Reads the text of images.

    It is compiled without a loss (`recognizer.compile(optimizer="adam")`), because it has its own;
    `fit` takes batches of `data.pipeline.training_batches`, the targets among them.

    Args:
        encoder: gives `feature_grid` and `cells` for images and their sizes; its `stride` says how
            many pixels make a cell, down and across.
        sequence: bidirectional layers over the columns, such as `BidirectionalLSTM`; none keeps
            the grid two-dimensional.
        decoder: the attention head, or none.
        ctc_head: projects columns to logits over the vocabulary, or none.
        coordinates: appends to `feature_grid` where its cells lie, or none.
        rectifier: straightens the images before the encoder, or none.
        num_views: of each image. The encoder sees each alone; the attention, all of them.
        loss: Gives of outputs and batch the `loss` and its parts, for `fit`.
        portable: Whether decoding avoids what TensorFlow alone can run, see `portable_copy`.

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
        """Make the recogniser of what `get_config` returned.

        Args:
            config: Of the recogniser; that of each layer in it.
            custom_objects: Unused; layers are found where they are registered.
        """
        del custom_objects
        parts = {name: deserialize_layer(config[name]) for name in (*PARTS, "loss")}
        sequence = [deserialize_layer(layer) for layer in config["sequence"]]
        return cls(**config | parts | {"sequence": sequence})

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the height and the channels of the images that it was built for, if it was."""
        if self._image_shape is None:
            return None
        height, channels = self._image_shape
        return {"image_height": height, "image_channels": channels}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Make the variables.

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
            image_sizes: int32 [B, 2], of a view.
            training: whether batch statistics are used and moved.
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
        """Return the loss for `fit`; what layers add, such as a regulariser's, is part of it.

        Args:
            x: The whole batch, targets included.
            y: Unused.
            y_pred: What `call` returned.
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
        image_height: Of a view, pixels; a multiple of 16.
        image_channels: 1 (gray) or 3 (colour).
        num_views: Of the image.
    """
    return {
        "images": tf.zeros((1, num_views * image_height, image_height, image_channels)),
        "image_sizes": tf.constant([[image_height, image_height]], tf.int32),
        "decoder_inputs": tf.zeros((1, 1), tf.int32),
    }


def portable_copy(recognizer: Recognizer, fused: bool = False) -> Recognizer:
    """Return a second recogniser whose loops other runtimes than TensorFlow can run.

    Both have the same variables: what one learns, the other knows. The outputs are the same, too;
    training in that form would take longer. `recognizer` stays as it is.

    Args:
        recognizer: Built. A sequence layer without a method `portable_copy` is shared as it is.
        fused: Whether an LSTM is left as one operation, for ONNX, which has its own.
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

"""The only module that builds layers from settings."""

from collections.abc import Collection
from inspect import signature
from typing import Any

import keras
import tensorflow as tf

from attention_ocr.models.attention.interface import Attention
from attention_ocr.models.coordinates import OneHotCoordinates, SinusoidalCoordinates
from attention_ocr.models.ctc_head import CTCHead
from attention_ocr.models.decoder_interface import Decoder
from attention_ocr.models.losses import RecognitionLoss
from attention_ocr.models.recognizer import Recognizer, blank_inputs
from attention_ocr.models.rectifier import Rectifier
from attention_ocr.models.transforms import AffineTransform, ThinPlateSpline
from attention_ocr.settings.config import Config
from attention_ocr.settings.decoder import ATTENTIONS, DECODERS, DecoderConfig
from attention_ocr.settings.model import (
    BACKBONE_ENCODERS,
    COMPACT_ENCODERS,
    ENCODERS,
    SEQUENCE_CELLS,
    ModelConfig,
)
from attention_ocr.settings.plugin_options import typed_options
from attention_ocr.text.charset import Charset


def build_recognizer(config: Config, charset: Charset, precision: str = "float32") -> Recognizer:
    """Build the recogniser that `config.model` describes, including its variables.

    Args:
        config: The settings.
        charset: The charset of the model.
        precision: Compute dtype, `float32`, `bfloat16` or `float16`; variables, logits, softmax
            and losses are always float32.

    Returns:
        A recogniser with random weights that depend only on `config.training.seed`.

    Raises:
        ImportError: If the package of a plugin is not installed.
        ValueError: If a layer refuses its settings, see `make_encoder`, or a name in the settings
            is not a layer of the required kind.
    """
    settings = config.model
    policy = keras.DTypePolicy(precision if precision == "float32" else f"mixed_{precision}")
    keras.utils.set_random_seed(config.training.seed)
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        decoder = None
        if settings.attention_weight > 0:
            decoder = make_decoder(config, charset)
        ctc_head = None
        if settings.ctc_weight > 0:
            ctc_head = CTCHead(charset.vocabulary_size, name="ctc_head")
        encoder = make_encoder(config)
        recognizer = Recognizer(
            encoder=encoder,
            sequence=make_sequence(settings),
            decoder=decoder,
            ctc_head=ctc_head,
            coordinates=make_coordinates(config, encoder.stride[1]),
            rectifier=make_rectifier(settings),
            num_views=config.image.num_views,
            loss=make_recognition_loss(config),
            name="recognizer",
        )
        recognizer(example_inputs(config), training=False)
    finally:
        keras.config.set_dtype_policy(previous)
    return recognizer


def make_encoder(config: Config) -> keras.layers.Layer:
    """Build the encoder of the settings, without its variables.

    Raises:
        ValueError: If a network or layer does not exist, or the image height is not a multiple of
            the vertical stride of the grid.
    """
    settings = config.model
    arguments: dict[str, Any] = {"width": settings.encoder_width}
    if settings.encoder in BACKBONE_ENCODERS:
        arguments = {"backbone": settings.encoder_backbone, "layer": settings.encoder_layer}
        arguments = {name: value for name, value in arguments.items() if value}
    if settings.encoder in COMPACT_ENCODERS:
        arguments["depth"] = settings.encoder_depth
    if settings.encoder == "recursive":
        arguments["iterations"] = settings.encoder_iterations
    chosen = encoder_class(settings.encoder)
    options = typed_options(chosen, "encoder_options", settings.encoder_options, arguments)
    encoder = chosen(**arguments, **options, name="encoder")
    rows = encoder.stride[0]
    if config.image.image_height % rows:
        raise ValueError(
            f"`image_height` must be divisible by {rows} for encoder={settings.encoder}. "
            f"Received: {config.image.image_height}"
        )
    return encoder


def make_sequence(settings: ModelConfig) -> list[keras.layers.Layer]:
    """Build the bidirectional layers over the columns."""
    chosen: type[keras.layers.Layer] = SEQUENCE_CELLS.resolve(settings.sequence_cell)
    arguments = {"units": settings.sequence_units}
    options = typed_options(chosen, "sequence_options", settings.sequence_options, arguments)
    return [
        chosen(**arguments, **options, name=f"sequence_{index}")
        for index in range(settings.sequence_layers)
    ]


def make_rectifier(settings: ModelConfig) -> Rectifier | None:
    """Build the layer that rectifies images, if any."""
    if settings.rectifier == "affine":
        return Rectifier(AffineTransform(), name="rectifier")
    if settings.rectifier == "tps":
        return Rectifier(ThinPlateSpline(settings.rectifier_points), name="rectifier")
    return None


def make_coordinates(config: Config, pixels_of_a_column: int) -> keras.layers.Layer | None:
    """Build the layer that appends coordinates to the grid, if any."""
    if config.model.coordinates == "one_hot":
        num_columns = config.image.max_image_width // pixels_of_a_column
        return OneHotCoordinates(num_columns, name="coordinates")
    if config.model.coordinates == "sinusoidal":
        return SinusoidalCoordinates(name="coordinates")
    return None


def encoder_class(name: str) -> type[keras.layers.Layer]:
    """Return the encoder class of a name in `settings.model.ENCODERS`."""
    found: type[keras.layers.Layer] = ENCODERS.resolve(name)
    return found


def attention_class(name: str) -> type[Attention]:
    """Return the attention class of a name in `settings.decoder.ATTENTIONS`."""
    found: type[Attention] = ATTENTIONS.resolve(name)
    return found


def make_decoder(config: Config, charset: Charset) -> Decoder:
    """Return the decoder of the settings.

    Raises:
        ValueError: If a setting differs from its default and the decoder does not use it, or
            it has no argument of a name in `decoder_options`.
    """
    settings = config.decoder
    chosen: type[Decoder] = DECODERS.resolve(settings.decoder)
    wanted = signature(chosen.__init__).parameters
    _refuse_unused(config, wanted)
    given = decoder_arguments(config, charset)
    arguments = {name: value for name, value in given.items() if name in wanted}
    options = typed_options(
        chosen, "decoder_options", settings.decoder_options, (*given, "attention")
    )
    if "attention" in wanted:
        arguments["attention"] = make_attention(config)
    return chosen(**arguments, **options, name="decoder")


def decoder_arguments(config: Config, charset: Charset) -> dict[str, Any]:
    """Return the arguments available to the constructor of a decoder.

    It may also name `attention`, the layer built by `make_attention`.
    """
    model, settings = config.model, config.decoder
    return {
        "vocabulary_size": charset.vocabulary_size,
        "max_length": model.max_length,
        "units": model.decoder_units,
        "embedding_units": model.embedding_units,
        "cell": settings.decoder_cell,
        "num_layers": settings.decoder_layers,
        "autoregressive": settings.autoregressive,
        "feedback": settings.feedback,
        "cell_clip": settings.cell_clip,
        "samples_feedback": config.training.scheduled_sampling != "none",
        "dropout": model.dropout,
        "seed": config.training.seed,
    }


ARGUMENT_OF_SETTING = {
    "decoder_cell": "cell",
    "decoder_layers": "num_layers",
    "autoregressive": "autoregressive",
    "feedback": "feedback",
    "cell_clip": "cell_clip",
    "attention": "attention",
    "attention_normalization": "attention",
    "attention_options": "attention",
}
"""Decoder arguments of settings that not every decoder uses."""


def _refuse_unused(config: Config, wanted: Collection[str]) -> None:
    settings, default = config.decoder, DecoderConfig()
    for name, argument in ARGUMENT_OF_SETTING.items():
        value = getattr(settings, name)
        if argument not in wanted and value != getattr(default, name):
            raise ValueError(
                f"`{name}` must be left alone for decoder={settings.decoder}, which does not use "
                f"it. Received: {value!r}"
            )
    if "samples_feedback" not in wanted and config.training.scheduled_sampling != "none":
        raise ValueError(
            f"`scheduled_sampling` must be none for decoder={settings.decoder}. "
            f"Received: {config.training.scheduled_sampling!r}"
        )


def make_attention(config: Config) -> Attention:
    """Return the attention of the settings."""
    settings = config.decoder
    chosen = attention_class(settings.attention)
    wanted = signature(chosen.__init__).parameters
    given = attention_arguments(config)
    options = typed_options(chosen, "attention_options", settings.attention_options, given)
    arguments = {name: value for name, value in given.items() if name in wanted}
    return chosen(**arguments, **options, name="attention")


def attention_arguments(config: Config) -> dict[str, Any]:
    """Return the arguments available to the constructor of an attention layer."""
    settings = config.decoder
    return {
        "units": config.model.attention_units,
        "normalization": settings.attention_normalization,
        "heads": settings.attention_heads,
        "temperature": settings.hard_temperature,
        "soft_share": settings.hard_soft_share,
        "location_filters": settings.location_filters,
        "location_kernel": settings.location_kernel,
    }


def example_inputs(config: Config) -> dict[str, tf.Tensor]:
    """Return the smallest batch that the recogniser accepts: one blank image, one step."""
    image = config.image
    return blank_inputs(image.image_height, image.image_channels, image.num_views)


def make_recognition_loss(config: Config) -> RecognitionLoss:
    """Return the loss of the settings, without the L2 penalty."""
    settings = config.training
    return RecognitionLoss(
        attention_weight=config.model.attention_weight,
        ctc_weight=config.model.ctc_weight,
        label_smoothing=settings.label_smoothing,
        reinforce_weight=settings.reinforce_weight,
        entropy_weight=settings.entropy_weight,
        reduction=settings.loss_reduction,
        compilable=settings.jit_compile,
    )

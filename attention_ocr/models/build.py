"""The one map from settings to layers."""

from importlib import import_module
from inspect import signature
from typing import Any

import keras
import tensorflow as tf

from attention_ocr.models.attention.interface import Attention
from attention_ocr.models.coordinates import OneHotCoordinates, SinusoidalCoordinates
from attention_ocr.models.ctc_head import CTCHead
from attention_ocr.models.decoder import AttentionDecoder
from attention_ocr.models.gru import BidirectionalGRU
from attention_ocr.models.losses import RecognitionLoss
from attention_ocr.models.recognizer import Recognizer, blank_inputs
from attention_ocr.models.rectifier import Rectifier
from attention_ocr.models.sequence import BidirectionalLSTM
from attention_ocr.models.transforms import AffineTransform, ThinPlateSpline
from attention_ocr.settings.config import Config
from attention_ocr.settings.decoder import ATTENTIONS
from attention_ocr.settings.model import (
    BACKBONE_ENCODERS,
    COMPACT_ENCODERS,
    ENCODERS,
    ModelConfig,
)
from attention_ocr.text.charset import Charset

SEQUENCE_CELLS: dict[str, type[BidirectionalLSTM | BidirectionalGRU]] = {
    "lstm": BidirectionalLSTM,
    "gru": BidirectionalGRU,
}


def build_recognizer(config: Config, charset: Charset, precision: str = "float32") -> Recognizer:
    """Build the recogniser that `config.model` describes, with its variables made.

    Args:
        config: the settings.
        charset: the characters it reads.
        precision: `float32`, or the type of the computation, `bfloat16` or `float16`; variables,
            logits, softmax and losses stay in float32 all the same.

    Returns:
        A recogniser with random weights that depend on `config.training.seed` alone.

    Raises:
        ValueError: settings that the encoder refuses, see `make_encoder`.
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
            sequence=[
                SEQUENCE_CELLS[settings.sequence_cell](
                    settings.sequence_units, name=f"sequence_{index}"
                )
                for index in range(settings.sequence_layers)
            ],
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
    """Make the encoder of the settings, without its variables.

    Raises:
        ValueError: a network or a layer that there is not, or an image height that is no multiple
            of the pixels of one row of the grid.
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
    encoder = encoder_class(settings.encoder)(**arguments, name="encoder")
    rows = encoder.stride[0]
    if config.image.image_height % rows:
        raise ValueError(
            f"`image_height` must divide by {rows} for encoder={settings.encoder}. "
            f"Received: {config.image.image_height}"
        )
    return encoder


def make_rectifier(settings: ModelConfig) -> Rectifier | None:
    """Make the layer that straightens pictures, if any."""
    if settings.rectifier == "affine":
        return Rectifier(AffineTransform(), name="rectifier")
    if settings.rectifier == "tps":
        return Rectifier(ThinPlateSpline(settings.rectifier_points), name="rectifier")
    return None


def make_coordinates(config: Config, pixels_of_a_column: int) -> keras.layers.Layer | None:
    """Make the layer that appends coordinates to the grid, if any."""
    if config.model.coordinates == "one_hot":
        num_columns = config.image.max_image_width // pixels_of_a_column
        return OneHotCoordinates(num_columns, name="coordinates")
    if config.model.coordinates == "sinusoidal":
        return SinusoidalCoordinates(name="coordinates")
    return None


def encoder_class(name: str) -> type[keras.layers.Layer]:
    """Return the class of the encoder that `settings.model.ENCODERS` calls `name`."""
    found: type[keras.layers.Layer] = _find(ENCODERS[name])
    return found


def attention_class(name: str) -> type[Attention]:
    """Return the class of the attention that `settings.decoder.ATTENTIONS` calls `name`."""
    found: type[Attention] = _find(ATTENTIONS[name])
    return found


def _find(place: str) -> Any:
    module, _, class_name = place.partition(":")
    return getattr(import_module(module), class_name)


def make_decoder(config: Config, charset: Charset) -> AttentionDecoder:
    """Return the attention decoder of the settings."""
    model, settings = config.model, config.decoder
    chosen = attention_class(settings.attention)
    wanted = signature(chosen.__init__).parameters
    arguments = {
        name: value for name, value in attention_arguments(config).items() if name in wanted
    }
    return AttentionDecoder(
        charset.vocabulary_size,
        units=model.decoder_units,
        attention=chosen(**arguments, name="attention"),
        embedding_units=model.embedding_units,
        cell=settings.decoder_cell,
        num_layers=settings.decoder_layers,
        autoregressive=settings.autoregressive,
        feedback=settings.feedback,
        cell_clip=settings.cell_clip,
        samples_feedback=config.training.scheduled_sampling != "none",
        dropout=model.dropout,
        seed=config.training.seed,
        name="decoder",
    )


def attention_arguments(config: Config) -> dict[str, Any]:
    """Return the values among which an attention's constructor takes those that it names."""
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
    """Return the smallest batch the recogniser accepts: one blank image, one step."""
    image = config.image
    return blank_inputs(image.image_height, image.image_channels, image.num_views)


def make_recognition_loss(config: Config) -> RecognitionLoss:
    """Return the loss of the settings, without the penalty on large weights."""
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

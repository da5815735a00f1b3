"""Settings: frozen values, checked when they are made, kept as JSON beside every model.

A field's default is the default of the flag of the same name in `train.py`; field names are
unique over all sections, so that a flag needs no prefix.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attention_ocr.whole_files import whole_file

CONFIG_FILE = "config.json"
FORMAT_VERSION = 1

ENCODERS = ("compact", "vgg")
DECODINGS = ("attention", "ctc")
PRECISIONS = ("auto", "float32", "bfloat16")
STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker")


def _check(condition: bool, expectation: str, received: object) -> None:
    if not condition:
        raise ValueError(f"{expectation} Received: {received!r}")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    _check(value in choices, f"`{name}` must be one of {', '.join(choices)}.", value)


def _check_positive(section: Any, *names: str) -> None:
    for name in names:
        _check(getattr(section, name) > 0, f"`{name}` must be above 0.", getattr(section, name))


def _check_not_negative(section: Any, *names: str) -> None:
    for name in names:
        _check(
            getattr(section, name) >= 0, f"`{name}` must not be negative.", getattr(section, name)
        )


def _check_fraction(section: Any, *names: str) -> None:
    for name in names:
        value = getattr(section, name)
        _check(0.0 <= value < 1.0, f"`{name}` must be at least 0 and below 1.", value)


@dataclasses.dataclass(frozen=True)
class ImageConfig:
    """How a picture becomes the input of the network.

    Args:
        image_height: pixels. Every picture is scaled to this height.
        max_image_width: pixels. A picture that would be wider at `image_height` is shrunk as a
            whole until it fits, and counted.
        image_channels: 1 (gray) or 3 (colour).
    """

    image_height: int = 32
    max_image_width: int = 256
    image_channels: int = 1

    def __post_init__(self) -> None:
        _check_positive(self, "image_height", "max_image_width")
        _check(self.image_height % 16 == 0, "`image_height` must divide by 16.", self.image_height)
        _check(
            self.max_image_width % 16 == 0,
            "`max_image_width` must divide by 16.",
            self.max_image_width,
        )
        _check(
            self.image_channels in (1, 3),
            "`image_channels` must be 1 (gray) or 3 (colour).",
            self.image_channels,
        )


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The recogniser.

    Args:
        encoder: name of the encoder in `models.build.ENCODERS`.
        encoder_width: multiplies the channels of every layer of the encoder.
        sequence_layers: bidirectional LSTM layers over the columns of the grid; 0 keeps the
            grid two-dimensional.
        sequence_units: units of each direction.
        attention_units: width of the space in which queries meet keys.
        decoder_units: units of the decoder's LSTM.
        embedding_units: width of the embedding of the previous character.
        max_length: characters of the longest text the model reads, the end token excluded.
        dropout: fraction of the decoder's output that is dropped in training.
        ctc_weight: weight of the CTC loss beside the attention loss; 0 builds no CTC head.
        attention_weight: weight of the attention loss; 0 trains the CTC head alone.
        decoding: which head reads, `attention` or `ctc`.
    """

    encoder: str = "compact"
    encoder_width: float = 1.0
    sequence_layers: int = 1
    sequence_units: int = 128
    attention_units: int = 128
    decoder_units: int = 256
    embedding_units: int = 64
    max_length: int = 24
    dropout: float = 0.1
    ctc_weight: float = 0.5
    attention_weight: float = 1.0
    decoding: str = "attention"

    def __post_init__(self) -> None:
        _check_choice("encoder", self.encoder, ENCODERS)
        _check_choice("decoding", self.decoding, DECODINGS)
        _check_positive(
            self,
            "encoder_width",
            "sequence_units",
            "attention_units",
            "decoder_units",
            "embedding_units",
            "max_length",
        )
        _check_not_negative(self, "sequence_layers", "ctc_weight", "attention_weight")
        _check_fraction(self, "dropout")
        _check(
            self.decoding != "ctc" or self.ctc_weight > 0,
            "`decoding=ctc` needs a CTC head, that is a `ctc_weight` above 0.",
            self.ctc_weight,
        )
        _check(
            self.decoding != "attention" or self.attention_weight > 0,
            "`decoding=attention` needs an `attention_weight` above 0.",
            self.attention_weight,
        )


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """What is read and in which portions.

    Args:
        train_data: source of the training examples, see `data.sources.parse_source`.
        eval_data: source of the validation examples; empty trains without validation.
        charset: a charset file, `ascii`, or empty to build it from the training labels.
        batch_size: examples of a step, over all devices together.
        eval_batch_size: examples of a batch in evaluation.
        shuffle_buffer: examples among which the next one is drawn.
        bucket_widths: pixels. Ascending upper limits of the image widths of one batch; the
            limit of the image comes on top.
        bucket_lengths: characters. Ascending upper limits of the label lengths of one batch.
        data_workers: parallel calls of the pipeline's stages; 0 lets tf.data choose.
    """

    train_data: str = "synthetic"
    eval_data: str = "synthetic,part=eval,num_examples=1000"
    charset: str = ""
    batch_size: int = 64
    eval_batch_size: int = 64
    shuffle_buffer: int = 4096
    bucket_widths: tuple[int, ...] = (64, 96, 128, 192)
    bucket_lengths: tuple[int, ...] = (6, 10)
    data_workers: int = 2

    def __post_init__(self) -> None:
        _check_positive(self, "batch_size", "eval_batch_size", "shuffle_buffer")
        _check_not_negative(self, "data_workers")
        _check(bool(self.train_data), "`train_data` must name a source.", self.train_data)
        for name in ("bucket_widths", "bucket_lengths"):
            limits = getattr(self, name)
            _check(
                list(limits) == sorted(set(limits)) and all(limit > 0 for limit in limits),
                f"`{name}` must ascend from above 0.",
                limits,
            )


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How the recogniser is trained.

    Args:
        steps: optimiser steps of the whole run.
        learning_rate: peak of the schedule.
        warmup_steps: steps over which the rate rises from 0 to its peak.
        final_learning_rate: fraction of the peak at which the cosine ends.
        weight_decay: AdamW's decoupled decay; biases and normalisation scales are spared.
        clip_norm: largest global norm of the gradient; 0 clips nothing.
        label_smoothing: share of the target's probability spread over the vocabulary.
        average_decay: decay of the averaged weights; 0 averages nothing.
        precision: `bfloat16`, `float32`, or `auto`: bfloat16 where the processor computes in it.
        eval_every: steps between two validations.
        checkpoint_every: steps between two checkpoints.
        summary_every: steps between two scalars in TensorBoard.
        keep_checkpoints: checkpoints kept besides the best weights.
        patience: validations without a better exact match after which the run ends; 0 never
            ends early.
        strategy: how steps are spread over devices, see `training.devices.make_strategy`.
        deterministic: make two runs equal bit for bit, at some cost in speed.
        seed: of the initial weights, the order of the data, and dropout.
    """

    steps: int = 20000
    learning_rate: float = 2e-3
    warmup_steps: int = 500
    final_learning_rate: float = 0.01
    weight_decay: float = 1e-2
    clip_norm: float = 5.0
    label_smoothing: float = 0.0
    average_decay: float = 0.999
    precision: str = "auto"
    eval_every: int = 1000
    checkpoint_every: int = 500
    summary_every: int = 20
    keep_checkpoints: int = 2
    patience: int = 0
    strategy: str = "auto"
    deterministic: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _check_positive(
            self,
            "steps",
            "learning_rate",
            "eval_every",
            "checkpoint_every",
            "summary_every",
            "keep_checkpoints",
        )
        _check_not_negative(self, "warmup_steps", "weight_decay", "clip_norm", "patience", "seed")
        _check_fraction(self, "label_smoothing", "average_decay", "final_learning_rate")
        _check_choice("precision", self.precision, PRECISIONS)
        _check_choice("strategy", self.strategy, STRATEGIES)
        _check(
            self.warmup_steps < self.steps,
            f"`warmup_steps` must be below `steps` ({self.steps}).",
            self.warmup_steps,
        )


@dataclasses.dataclass(frozen=True)
class Config:
    """All settings of a run, one section each."""

    image: ImageConfig = ImageConfig()
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    training: TrainingConfig = TrainingConfig()

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values, with the version of the format."""
        return {"format_version": FORMAT_VERSION} | dataclasses.asdict(self)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Config":
        """Build the settings from flat values, one for each field name.

        Args:
            values: value of each setting by field name; a name that is left out keeps its default.

        Raises:
            ValueError: a name that no section has, or a value that a section refuses.
        """
        remaining = dict(values)
        sections = {}
        for section in dataclasses.fields(cls):
            section_class: Any = type(section.default)
            names = [field.name for field in dataclasses.fields(section_class)]
            chosen = {name: remaining.pop(name) for name in names if name in remaining}
            sections[section.name] = section_class(**chosen)
        if remaining:
            raise ValueError(f"No setting has this name. Received: {', '.join(sorted(remaining))}")
        return cls(**sections)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Config":
        """Build the settings from what `to_dict` returned.

        Raises:
            ValueError: another version of the format, an unknown section or key, or a value of
                the wrong type.
        """
        document = dict(document)
        version = document.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise ValueError(
                f"This release reads settings of format_version {FORMAT_VERSION}; use the release "
                f"that wrote them, or train again. Received: {version!r}"
            )
        sections = {}
        for section in dataclasses.fields(cls):
            values = document.pop(section.name, {})
            if not isinstance(values, Mapping):
                raise ValueError(f"`{section.name}` must hold settings. Received: {values!r}")
            sections[section.name] = _section_from_dict(type(section.default), values)
        if document:
            raise ValueError(f"Unknown key. Received: {', '.join(sorted(document))}")
        return cls(**sections)

    def save(self, directory: Path) -> Path:
        """Write `config.json` into `directory`, whole or not at all."""
        path = Path(directory) / CONFIG_FILE
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, directory: Path) -> "Config":
        """Read `config.json` from `directory`.

        Raises:
            FileNotFoundError: there is none.
            ValueError: it is no JSON, or holds what `from_dict` refuses; the message names it.
        """
        path = Path(directory) / CONFIG_FILE
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(document, dict):
                raise ValueError(f"Expected a JSON object. Received: {document!r}")
            return cls.from_dict(document)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: {error}") from error


def _section_from_dict(section_class: type, values: Mapping[str, Any]) -> Any:
    fields = {field.name: field for field in dataclasses.fields(section_class)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ValueError(f"Unknown key. Received: {', '.join(unknown)}")
    return section_class(
        **{name: _json_value(name, value, fields[name].default) for name, value in values.items()}
    )


def _json_value(name: str, value: Any, default: Any) -> Any:
    """Return a JSON value in the type of the field's default, or refuse it by name."""
    if isinstance(default, tuple) and isinstance(value, list):
        if any(type(entry) is not int for entry in value):
            raise ValueError(f"`{name}` must hold whole numbers. Received: {value!r}")
        return tuple(value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise ValueError(f"`{name}` must be of type {type(default).__name__}. Received: {value!r}")
    return value

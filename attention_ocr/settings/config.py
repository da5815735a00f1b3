"""Settings: frozen dataclasses, validated on construction, saved as JSON with every model.

Each field is a flag of `attention-ocr train` (`cli.settings_flags`); field names are unique over
all sections, so that flags need no prefix.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attention_ocr.io.atomic_write import whole_file
from attention_ocr.io.bounded_read import read_bounded
from attention_ocr.settings.augmentation import AugmentationConfig
from attention_ocr.settings.checks import check
from attention_ocr.settings.data import DataConfig
from attention_ocr.settings.decoder import DecoderConfig
from attention_ocr.settings.decoding import DecodingConfig
from attention_ocr.settings.fields import setting
from attention_ocr.settings.image import ImageConfig
from attention_ocr.settings.model import BACKBONE_ENCODERS, ModelConfig
from attention_ocr.settings.second_looks import SecondLooksConfig
from attention_ocr.settings.training import TrainingConfig

CONFIG_FILE = "config.json"
FORMAT_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Config:
    """All settings of a run, by section."""

    image: ImageConfig = setting(ImageConfig(), "Image")
    model: ModelConfig = setting(ModelConfig(), "Network")
    decoder: DecoderConfig = setting(DecoderConfig(), "Decoder")
    data: DataConfig = setting(DataConfig(), "Data")
    augmentation: AugmentationConfig = setting(AugmentationConfig(), "Augmentation")
    training: TrainingConfig = setting(TrainingConfig(), "Training")
    decoding: DecodingConfig = setting(DecodingConfig(), "Decoding")
    second_looks: SecondLooksConfig = setting(SecondLooksConfig(), "Second looks")

    def __post_init__(self) -> None:
        decoding, model = self.decoding.decoding, self.model
        encoder_weights = self.training.encoder_weights
        check(
            not encoder_weights or model.encoder in BACKBONE_ENCODERS,
            f"`encoder_weights` must be empty for `encoder={model.encoder}`; only "
            f"{' and '.join(BACKBONE_ENCODERS)} take it.",
            encoder_weights,
        )
        check(
            decoding == "attention" or model.ctc_weight > 0,
            f"`decoding={decoding}` needs a CTC head, that is a `ctc_weight` above 0.",
            model.ctc_weight,
        )
        check(
            decoding == "ctc" or model.attention_weight > 0,
            f"`decoding={decoding}` needs an `attention_weight` above 0.",
            model.attention_weight,
        )
        check(
            self.decoder == DecoderConfig() or model.attention_weight > 0,
            "Settings of the decoder need an `attention_weight` above 0.",
            model.attention_weight,
        )
        check(
            self.training.scheduled_sampling == "none"
            or (self.decoder.autoregressive and model.attention_weight > 0),
            "`scheduled_sampling` needs an attention decoder that is `autoregressive`.",
            self.training.scheduled_sampling,
        )
        check(
            self.decoder.attention != "dot"
            or not model.attention_units % self.decoder.attention_heads,
            f"`attention_heads` must divide `attention_units` ({model.attention_units}).",
            self.decoder.attention_heads,
        )
        check(
            self.image.num_views == 1 or not self.second_looks.enabled,
            "Second looks need images of one view.",
            self.image.num_views,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values, with the version of the format."""
        return {"format_version": FORMAT_VERSION} | dataclasses.asdict(self)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Config":
        """Build the settings from flat values, one for each field name.

        Args:
            values: Value of each setting by field name; a missing name keeps its default.

        Raises:
            ValueError: If no section has a name, or a value is refused.
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

    def with_decoding(self, values: Mapping[str, Any]) -> "Config":
        """Return a copy with some decoding settings changed.

        Raises:
            ValueError: If a name is not a decoding setting, or a value is refused.
        """
        names = [field.name for field in dataclasses.fields(DecodingConfig)]
        if unknown := sorted(set(values) - set(names)):
            raise ValueError(f"Expected settings of decoding. Received: {', '.join(unknown)}")
        return dataclasses.replace(self, decoding=dataclasses.replace(self.decoding, **values))

    def with_second_looks(self, values: Mapping[str, Any]) -> "Config":
        """Return a copy with some second-look settings changed.

        Raises:
            ValueError: If a name is not a setting of second looks, or a value is refused.
        """
        names = [field.name for field in dataclasses.fields(SecondLooksConfig)]
        if unknown := sorted(set(values) - set(names)):
            raise ValueError(f"Expected settings of second looks. Received: {', '.join(unknown)}")
        looks = dataclasses.replace(self.second_looks, **values)
        return dataclasses.replace(self, second_looks=looks)

    def for_reading(self) -> "Config":
        """Return a copy without the data and training settings, which inference does not need."""
        return Config(
            image=self.image,
            model=self.model,
            decoder=self.decoder,
            decoding=self.decoding,
            second_looks=self.second_looks,
        )

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Config":
        """Build the settings from the result of `to_dict`.

        Raises:
            ValueError: If the format version differs, a section or key is unknown, or a value has
                the wrong type.
        """
        document = dict(document)
        version = document.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise ValueError(
                f"Expected settings of format_version {FORMAT_VERSION}; use the release that wrote "
                f"them, or train again. Received: {version!r}"
            )
        _move_old_keys(document)
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
        """Write `config.json` into `directory` atomically."""
        path = Path(directory) / CONFIG_FILE
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, directory: Path) -> "Config":
        """Read `config.json` from `directory`.

        Raises:
            FileNotFoundError: If there is none.
            ValueError: If it is not JSON, or `from_dict` refuses it; the message names the file.
        """
        path = Path(directory) / CONFIG_FILE
        try:
            document = json.loads(read_bounded(path))
            if not isinstance(document, dict):
                raise ValueError(f"Expected a JSON object. Received: {document!r:.100}")
            return cls.from_dict(document)
        # Also JSON that is nested too deeply, or a number beyond the range of floats.
        except (ValueError, TypeError, RecursionError, OverflowError) as error:
            raise ValueError(f"{path}: {error}") from error


def _move_old_keys(document: dict[str, Any]) -> None:
    """Move settings of older releases to their current section."""
    model = document.get("model")
    if isinstance(model, Mapping) and "decoding" in model and "decoding" not in document:
        document["model"] = {name: model[name] for name in model if name != "decoding"}
        document["decoding"] = {"decoding": model["decoding"]}


def _section_from_dict(section_class: type, values: Mapping[str, Any]) -> Any:
    fields = {field.name: field for field in dataclasses.fields(section_class)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ValueError(f"Unknown key. Received: {', '.join(unknown)}")
    return section_class(
        **{name: _json_value(name, value, fields[name].default) for name, value in values.items()}
    )


def _json_value(name: str, value: Any, default: Any) -> Any:
    """Convert a JSON value to the type of the field's default, or refuse it by name."""
    if isinstance(default, tuple) and isinstance(value, list):
        return _json_tuple(name, value, isinstance(next(iter(default), 0), float))
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise ValueError(f"`{name}` must be of type {type(default).__name__}. Received: {value!r}")
    return value


def _json_tuple(name: str, values: list[Any], of_floats: bool) -> tuple[Any, ...]:
    kinds, expected = ((int, float), "numbers") if of_floats else ((int,), "whole numbers")
    if any(type(value) not in kinds for value in values):
        raise ValueError(f"`{name}` must hold {expected}. Received: {values!r}")
    return tuple(map(float, values)) if of_floats else tuple(values)

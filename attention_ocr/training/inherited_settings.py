"""Settings that a run takes from the model that it begins with (`init_from`)."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import logging

from attention_ocr.inference.locate import SAVED_MODEL_FILE, WEIGHTS_FILE, find_model
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.settings.model import COMPACT_ENCODERS

BUNDLED = "default"
"""Names the model that comes with the package."""

ARCHITECTURE = ("image", "model", "decoder")
"""The sections that describe the network and what it sees."""

SEARCH = (
    "decoding",
    "beam_width",
    "num_best",
    "search_below",
    "length_normalization",
    "length_alpha",
    "joint_weight",
)
"""Settings of decoding that hold for any charset and any language."""

OF_ENCODER = (
    "encoder_width",
    "encoder_depth",
    "encoder_iterations",
    "encoder_backbone",
    "encoder_layer",
    "encoder_options",
)
OF_ATTENTION = (
    "attention_normalization",
    "attention_heads",
    "hard_temperature",
    "hard_soft_share",
    "location_filters",
    "location_kernel",
    "attention_options",
)


def model_directory(name: str) -> Path:
    """Return the directory of a model whose weights training can begin with.

    Args:
        name: a work directory, an export, a version of one, or `default`: the model that comes
            with the package.

    Raises:
        FileNotFoundError: If there is no model.
        ValueError: If its weights are in none of the files that training can read.
    """
    place = find_model(None if name == BUNDLED else name)
    if not any((place / file).is_file() for file in (WEIGHTS_FILE, SAVED_MODEL_FILE)):
        raise ValueError(
            f"`init_from` must name a work directory or an export with a {SAVED_MODEL_FILE}: "
            f"other formats hold no weights to train on. Received: {name}"
        )
    return place


def inherited_settings(
    init_from: str, given: Mapping[str, Any], work_dir: Path | None = None
) -> dict[str, Any]:
    """Return what a run takes from the model that it begins with, but for what is given.

    Sections `image`, `model` and `decoder`, and how the model is searched (`SEARCH`). Settings that
    hang on one that is given otherwise keep their defaults: the width of the old encoder says
    nothing about another one.

    Args:
        init_from: the model, see `model_directory`; empty begins with none.
        given: settings that were asked for, by field name.
        work_dir: of the run. If a run with this `init_from` has begun there, its own settings
            count: the other model may have changed since, or be gone.

    Returns:
        Values by field name, none of them given.

    Raises:
        FileNotFoundError: If there is no model.
        ValueError: If the settings of the model are damaged, see `Config.load`.
    """
    if not init_from:
        return {}
    old = _config_begun_with(init_from, work_dir)
    values = _architecture(old)
    hanging = _hanging_on(given, values)
    values |= {name: getattr(old.decoding, name) for name in SEARCH}
    if "decoding" in given or _lacks_a_head(old, given):
        hanging |= set(SEARCH)
    values = {
        name: value for name, value in values.items() if name not in given and name not in hanging
    }
    own = _architecture(Config()) | dataclasses.asdict(Config().decoding)
    changed = [f"{name}={value}" for name, value in values.items() if value != own[name]]
    logging.info("settings of %s: %s", init_from, ", ".join(changed) or "all are the defaults")
    return values


def differing_settings(old: Config, new: Config) -> dict[str, tuple[Any, Any]]:
    """Return the settings of the network that differ, each with its old and its new value."""
    before, after = _architecture(old), _architecture(new)
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}


def _config_begun_with(init_from: str, work_dir: Path | None) -> Config:
    if work_dir is not None and (work_dir / CONFIG_FILE).is_file():
        begun = Config.load(work_dir)
        if begun.training.init_from == init_from:
            return begun
    return Config.load(model_directory(init_from))


def _architecture(config: Config) -> dict[str, Any]:
    sections = (dataclasses.asdict(getattr(config, section)) for section in ARCHITECTURE)
    return {name: value for section in sections for name, value in section.items()}


def _hanging_on(given: Mapping[str, Any], old: Mapping[str, Any]) -> set[str]:
    """Return settings that say nothing beside what is given in place of the old values."""
    changed = {name for name, value in given.items() if name in old and old[name] != value}
    hanging: set[str] = set()
    if "encoder" in changed and not {given["encoder"], old["encoder"]} <= set(COMPACT_ENCODERS):
        hanging |= set(OF_ENCODER)
    if "attention" in changed:
        hanging |= set(OF_ATTENTION)
    if "sequence_cell" in changed:
        hanging.add("sequence_options")
    if "decoder" in changed:
        hanging |= {field.name for field in dataclasses.fields(Config().decoder)}
    if "decoder_cell" in changed:
        hanging.add("cell_clip")
    if "autoregressive" in changed:
        hanging.add("feedback")
    if given.get("attention_weight") == 0:
        hanging |= {field.name for field in dataclasses.fields(Config().decoder)}
    return hanging


def _lacks_a_head(old: Config, given: Mapping[str, Any]) -> bool:
    """Tell whether a head that the old model is read by is left out."""
    needed = {
        "attention": ("attention_weight",),
        "ctc": ("ctc_weight",),
        "joint": ("attention_weight", "ctc_weight"),
    }
    return any(given.get(name) == 0 for name in needed[old.decoding.decoding])

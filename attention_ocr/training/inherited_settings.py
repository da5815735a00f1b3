"""Settings that a run inherits from its pretrained model (`init_from`)."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import logging

from attention_ocr.inference.locate import SAVED_MODEL_FILE, WEIGHTS_FILE, find_model
from attention_ocr.settings.config import Config
from attention_ocr.settings.model import COMPACT_ENCODERS
from attention_ocr.training.remote_directory import settings_at

ARCHITECTURE = ("image", "model", "decoder")
"""The sections that describe the network and its input."""

SEARCH = (
    "decoding",
    "beam_width",
    "num_best",
    "search_below",
    "length_normalization",
    "length_alpha",
    "joint_weight",
)
"""Decoding settings independent of charset and language."""

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
    """Return the directory of a pretrained model.

    Args:
        name: A work directory, an export, a version of one, or the name of a bundled model.

    Raises:
        FileNotFoundError: If there is no model.
        ValueError: If it has no weights in a format that training can read.
    """
    place = find_model(name)
    if not any((place / file).is_file() for file in (WEIGHTS_FILE, SAVED_MODEL_FILE)):
        raise ValueError(
            f"`init_from` must name a work directory or an export with a {SAVED_MODEL_FILE}: "
            f"other formats hold no weights to train on. Received: {name}"
        )
    return place


def inherited_settings(
    init_from: str, given: Mapping[str, Any], work_dir: str | os.PathLike[str] | None = None
) -> dict[str, Any]:
    """Return the settings that a run inherits from its pretrained model, except given ones.

    These are the sections `image`, `model` and `decoder`, and the search settings (`SEARCH`).
    Settings that depend on a given one of another value keep their defaults: the width of the old
    encoder says nothing about another one.

    Args:
        init_from: The model, see `model_directory`; empty for none.
        given: Explicitly given settings, by field name.
        work_dir: Work directory of the run. If a run with this `init_from` has started there, its
            own settings are used: the pretrained model may have been changed or deleted since.

    Returns:
        Values by field name, without the given ones.

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
    if old.decoding.decoding == "ctc" and old.decoding.language_model_weight > 0:
        # The search was the language model's, which is not inherited: the best path is as good.
        hanging |= {"beam_width", "num_best", "search_below"}
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


def _config_begun_with(init_from: str, work_dir: str | os.PathLike[str] | None) -> Config:
    if work_dir is not None:
        begun = settings_at(work_dir)
        if begun is not None and begun.training.init_from == init_from:
            return begun
    return Config.load(model_directory(init_from))


def _architecture(config: Config) -> dict[str, Any]:
    sections = (dataclasses.asdict(getattr(config, section)) for section in ARCHITECTURE)
    return {name: value for section in sections for name, value in section.items()}


def _hanging_on(given: Mapping[str, Any], old: Mapping[str, Any]) -> set[str]:
    """Return settings that depend on given ones with another value than the old one."""
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
    """Return whether the new model lacks a head that the old model decodes with."""
    needed = {
        "attention": ("attention_weight",),
        "ctc": ("ctc_weight",),
        "joint": ("attention_weight", "ctc_weight"),
    }
    return any(given.get(name) == 0 for name in needed[old.decoding.decoding])

"""The flags of decoding: `train.py` defines them, `eval.py`, `export.py` and `read` override."""

import argparse
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags

from attention_ocr.settings.decoding import CHOICES, DecodingConfig

FLAGS = flags.FLAGS
# The flags belong to the entry point that asks for them, whose `--help` lists them.
flags.disclaim_key_flags()

FIELDS = dataclasses.fields(DecodingConfig)
DEFINE: dict[type, Callable[..., Any]] = {
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
    bool: flags.DEFINE_boolean,
}
HELP = {
    "decoding": "Which head reads; joint is the attention with a say of CTC.",
    "beam_width": "Texts that the search follows at once; 1 is greedy decoding.",
    "num_best": "Texts that are returned, the best first; at most beam_width.",
    "search_below": "Confidence of the greedy text below which the attention searches.",
    "length_normalization": "Of the scores in a beam: none, mean over the tokens, or Wu's.",
    "length_alpha": "Exponent of Wu's length normalisation.",
    "joint_weight": "Weight of CTC in joint decoding.",
    "lexicon": "A file with a word a line; nothing else is read.",
    "lexicon_ignore_case": "Words of the lexicon are read in capital and small letters alike.",
    "pattern": "A regular expression that every text keeps, such as [A-Z]{2}[0-9]{4}.",
    "allowed_characters": "Nothing but these characters is read.",
    "attention_temperature": "Divides the attention's logits where confidences are computed.",
    "ctc_temperature": "Divides the CTC head's logits where confidences are computed.",
    "language_model": "A file made by `attention-ocr language-model`.",
    "language_model_weight": "Weight of the language model in the scores of a search; 0 for none.",
}


def define_decoding_flags(overriding: bool = False) -> None:
    """Define the flags of an entry point.

    Args:
        overriding: a flag that is left out keeps the setting of the model, instead of the default.
    """
    for field in FIELDS:
        default: Any = None if overriding else field.default
        if field.name in CHOICES:
            flags.DEFINE_enum(field.name, default, list(CHOICES[field.name]), HELP[field.name])
        else:
            DEFINE[type(field.default)](field.name, default, HELP[field.name])


def chosen_in_flags() -> dict[str, Any]:
    """Return the settings that the flags of an entry point give."""
    values = {field.name: FLAGS[field.name].value for field in FIELDS}
    return {name: value for name, value in values.items() if value is not None}


def add_decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the same flags, all overriding, for a command of `attention-ocr`."""
    group = parser.add_argument_group(
        "decoding", "In place of the settings of a work directory; an export keeps its own."
    )
    for field in FIELDS:
        if isinstance(field.default, bool):
            group.add_argument(
                f"--{field.name}", action=argparse.BooleanOptionalAction, help=HELP[field.name]
            )
            continue
        group.add_argument(
            f"--{field.name}",
            type=type(field.default),
            choices=CHOICES.get(field.name),
            metavar=None if field.name in CHOICES else type(field.default).__name__.upper(),
            help=HELP[field.name].replace("%", "%%"),
        )


def chosen_in_arguments(args: argparse.Namespace) -> Mapping[str, Any]:
    """Return the settings that the arguments of a command give."""
    values = {field.name: getattr(args, field.name) for field in FIELDS}
    return {name: value for name, value in values.items() if value is not None}

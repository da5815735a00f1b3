"""`attention-ocr language-model`: train a character language model."""

import argparse
from pathlib import Path
from typing import Any

from attention_ocr.cli.quiet_start import quiet_start

HELP = "train a character language model, for --language_model"
DEFAULTS: dict[str, dict[str, int]] = {
    "ngram": {"order": 5, "min_count": 1, "ignore_case": False},
    "lstm": {"units": 128, "epochs": 8, "batch_size": 128, "seed": 0},
}
"""The options of each kind of model, with their defaults."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "words", type=Path, metavar="WORDS", help="text file, one word or line of text per line"
    )
    parser.add_argument("model", type=Path, metavar="MODEL.npz", help="file to write")
    parser.add_argument(
        "--kind", choices=DEFAULTS, default="ngram", help="kind of model (default: %(default)s)"
    )
    ngram = parser.add_argument_group("options of --kind=ngram")
    _add_number(ngram, "order", "order of the n-gram model")
    _add_number(ngram, "min_count", "minimum occurrences of a context of the n-gram model")
    ngram.add_argument(
        "--ignore_case",
        action="store_true",
        default=None,
        help="lower-case the n-gram model: a third of the size",
    )
    lstm = parser.add_argument_group("options of --kind=lstm")
    _add_number(lstm, "units", "LSTM units")
    _add_number(lstm, "epochs", "LSTM epochs")
    _add_number(lstm, "batch_size", "words per training step of the LSTM")
    _add_number(lstm, "seed", "seed of the LSTM")


def _add_number(group: argparse._ArgumentGroup, name: str, about: str) -> None:
    # The parsed value stays None where the option is not given: see `_options`.
    (default,) = (options[name] for options in DEFAULTS.values() if name in options)
    group.add_argument(f"--{name}", type=int, metavar="N", help=f"{about} (default: {default})")


def run(args: argparse.Namespace) -> int:
    """Train the model and print its size."""
    options = _options(args)
    with quiet_start():
        from attention_ocr.decoding.lexicon import read_words
        from attention_ocr.language_models.files import save_language_model
        from attention_ocr.language_models.lstm import train_lstm
        from attention_ocr.language_models.ngram import train_ngram

    words = read_words(args.words)
    if args.kind == "ngram":
        arrays = train_ngram(words, **options)
        size = f"{options['order']}-gram model with {len(arrays['sizes'])} contexts"
    else:
        arrays = train_lstm(words, **options)
        size = f"LSTM with {options['units']} units"
    save_language_model(arrays, args.model)
    print(f"{args.model}: {size}, {len(arrays['characters'])} characters, {len(words)} words")
    return 0


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the kind of model, with defaults for those that are not given.

    Raises:
        ValueError: If an option of the other kind is given, or a number is not above 0.
    """
    for kind, defaults in DEFAULTS.items():
        given = [f"--{name}" for name in defaults if getattr(args, name) is not None]
        if given and kind != args.kind:
            raise ValueError(
                f"Expected options of --kind={args.kind}. "
                f"Received: {', '.join(given)}, of --kind={kind}"
            )
    options: dict[str, Any] = {
        name: default if getattr(args, name) is None else getattr(args, name)
        for name, default in DEFAULTS[args.kind].items()
    }
    for name, value in options.items():
        if name not in ("seed", "ignore_case") and value < 1:
            raise ValueError(f"`{name}` must be above 0. Received: {value}")
    return options

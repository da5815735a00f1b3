"""`attention-ocr language-model`: train a character language model."""

import argparse
from pathlib import Path

from attention_ocr.cli.quiet_start import quiet_start

HELP = "train a character language model, for --language_model"
KINDS = ("ngram", "lstm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "words", type=Path, metavar="WORDS", help="text file, one word or line of text per line"
    )
    parser.add_argument("model", type=Path, metavar="MODEL.npz", help="file to write")
    parser.add_argument(
        "--kind", choices=KINDS, default="ngram", help="kind of model (default: %(default)s)"
    )
    parser.add_argument(
        "--order",
        type=int,
        default=5,
        metavar="N",
        help="order of the n-gram model (default: %(default)s)",
    )
    parser.add_argument(
        "--min_count",
        type=int,
        default=1,
        metavar="N",
        help="minimum occurrences of a context of the n-gram model (default: %(default)s)",
    )
    parser.add_argument(
        "--ignore_case",
        action="store_true",
        help="lower-case the n-gram model: a third of the size",
    )
    parser.add_argument(
        "--units", type=int, default=128, metavar="N", help="LSTM units (default: %(default)s)"
    )
    parser.add_argument(
        "--epochs", type=int, default=8, metavar="N", help="LSTM epochs (default: %(default)s)"
    )
    parser.add_argument(
        "--batch_size",
        type=int,
        default=128,
        metavar="N",
        help="words per training step of the LSTM (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the LSTM")


def run(args: argparse.Namespace) -> int:
    """Train the model and print its size."""
    for name in ("order", "min_count", "units", "epochs", "batch_size"):
        if getattr(args, name) < 1:
            raise ValueError(f"`{name}` must be above 0. Received: {getattr(args, name)}")
    with quiet_start():
        from attention_ocr.decoding.lexicon import read_words
        from attention_ocr.language_models.files import save_language_model
        from attention_ocr.language_models.lstm import train_lstm
        from attention_ocr.language_models.ngram import train_ngram

    words = read_words(args.words)
    if args.kind == "ngram":
        arrays = train_ngram(words, args.order, args.min_count, args.ignore_case)
        size = f"{args.order}-gram model with {len(arrays['sizes'])} contexts"
    else:
        arrays = train_lstm(words, args.units, args.epochs, args.batch_size, seed=args.seed)
        size = f"LSTM with {args.units} units"
    save_language_model(arrays, args.model)
    print(f"{args.model}: {size}, {len(arrays['characters'])} characters, {len(words)} words")
    return 0

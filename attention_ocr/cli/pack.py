"""`attention-ocr pack`: a compact copy of a model, with quantised weights and a LiteRT file."""

import argparse
from pathlib import Path

from attention_ocr.cli.model_arguments import (
    add_decoding_arguments,
    add_second_looks_arguments,
)
from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.cli.settings_flags import settings_in_arguments

HELP = "write a compact copy of a model for inference: quantised weights and a LiteRT file"
EPILOG = """\
example:
  attention-ocr pack runs/mine mine-small
  attention-ocr read word.png --model=mine-small

The copy is a work directory without checkpoints and events: settings, characters and weights, with
kernels as float16 (with --precision=int8, as int8 with a scale per channel). It also holds the
model as an 8-bit LiteRT file, which is used by default and needs no TensorFlow; TensorFlow and the
weights are used when a lexicon or a similar setting is given. To measure the loss from 8 bits:

  attention-ocr parity mine-small words/labels.tsv --model=mine-small
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    from attention_ocr.io.weight_quantization import PRECISIONS

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "model",
        type=Path,
        metavar="DIR",
        help="work directory of a training run, or default or lines",
    )
    parser.add_argument("out_dir", type=Path, metavar="OUT_DIR", help="folder for the copy")
    parser.add_argument(
        "--precision",
        choices=tuple(PRECISIONS),
        default="half",
        help="precision of the weights (default: %(default)s)",
    )
    parser.add_argument(
        "--weights_only",
        action="store_true",
        help="omit the LiteRT file, which takes a minute to convert",
    )
    add_decoding_arguments(parser)
    add_second_looks_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Write the copy, and print the sizes of its files."""
    if args.out_dir.resolve() == args.model.resolve():
        raise ValueError(f"Expected another directory for the copy. Received: {args.out_dir}")
    with quiet_start():
        from attention_ocr.exporting.packed import pack

        # The converter also logs to standard error.
        paths = pack(
            args.model,
            args.out_dir,
            not args.weights_only,
            args.precision,
            settings_in_arguments(args, "decoding"),
            settings_in_arguments(args, "second_looks"),
        )
    for path in paths:
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0

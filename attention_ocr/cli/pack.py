"""`attention-ocr pack`: a model in fewer bits, to hand on, and what reads it fast."""

import argparse
from pathlib import Path

from attention_ocr.cli.model_arguments import (
    add_decoding_arguments,
    add_second_looks_arguments,
)
from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.cli.settings_flags import settings_in_arguments

HELP = "write what reading needs of a model: weights in fewer bits, and what LiteRT reads fast"
EPILOG = """\
example:
  attention-ocr pack runs/mine mine-small
  attention-ocr read word.png --model=mine-small

The copy has the settings, the characters and the weights, kernels as float16 (with
--precision=int8, as 8 bits with a scale for each channel); it is a work directory like the first,
without checkpoints and events. Beside the weights stands the same model for LiteRT in 8 bits, which
reads by default, without TensorFlow; TensorFlow reads the weights where a lexicon or the like is
asked for. What the 8 bits cost is told by

  attention-ocr parity mine-small words/labels.tsv --model=mine-small
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Args:
        parser: the command's own parser.
    """
    from attention_ocr.io.weight_quantization import PRECISIONS

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "model", type=Path, metavar="DIR", help="work directory of a training, or default"
    )
    parser.add_argument("out_dir", type=Path, metavar="OUT_DIR", help="where the copy goes")
    parser.add_argument(
        "--precision",
        choices=tuple(PRECISIONS),
        default="half",
        help="of the weights (default: %(default)s)",
    )
    parser.add_argument(
        "--weights_only",
        action="store_true",
        help="leave out what LiteRT reads, which takes a minute to make",
    )
    add_decoding_arguments(parser)
    add_second_looks_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Write the copy, and print the sizes of its files.

    Args:
        args: what `add_arguments` declared.

    Returns:
        The exit status, 0.

    Raises:
        OSError: no model is there, or the copy cannot be written.
        ValueError: the model is damaged, or the copy would replace it; or LiteRT cannot hold it,
            and `--weights_only` is not given.
    """
    if args.out_dir.resolve() == args.model.resolve():
        raise ValueError(f"Expected another directory for the copy. Received: {args.out_dir}")
    with quiet_start():
        from attention_ocr.exporting.packed import pack

        # The converter takes notes on standard error too.
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

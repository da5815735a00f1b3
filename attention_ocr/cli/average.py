"""`attention-ocr average`: the mean of the weights of models of one network."""

import argparse
from pathlib import Path

from attention_ocr.cli.quiet_start import quiet_start

HELP = "write the model whose weights are the mean of those of others"
EPILOG = """\
examples:
  attention-ocr average default runs/mine mean
  attention-ocr average runs/a runs/b runs/c mean --shares 2 1 1

A fine-tuned model averaged with the one that it started from often keeps what both can do. All must
have the same network and characters; settings of reading are those of the first. The mean is a
model like any other: evaluate it, pack it, or start training from it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "models",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="work directories of training runs, or default or lines; two or more",
    )
    parser.add_argument("out_dir", type=Path, metavar="OUT_DIR", help="folder for the mean")
    parser.add_argument(
        "--shares",
        nargs="+",
        type=float,
        default=[],
        metavar="X",
        help="share of each model (default: equal)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the mean, and print the size of its weights."""
    with quiet_start():
        from attention_ocr.inference.averaging import average_models
    path = average_models(args.models, args.out_dir, args.shares)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0

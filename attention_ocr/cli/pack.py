"""`attention-ocr pack`: a model in half the space, to hand on."""

import argparse
from pathlib import Path

from attention_ocr.cli.quiet_start import quiet_start

HELP = "write what reading needs of a model, in half precision"
EPILOG = """\
example:
  attention-ocr pack runs/mine mine-small
  attention-ocr read word.png --model=mine-small

The copy has the settings, the characters and the weights, kernels as float16; it is a work
directory like the first, without checkpoints and events. Compare the two by eval.py before you hand
it on.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Args:
        parser: the command's own parser.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("model", type=Path, metavar="DIR", help="work directory of a training")
    parser.add_argument("out_dir", type=Path, metavar="OUT_DIR", help="where the copy goes")


def run(args: argparse.Namespace) -> int:
    """Write the copy, and print its size.

    Args:
        args: what `add_arguments` declared.

    Returns:
        The exit status, 0.

    Raises:
        OSError: no model is there, or the copy cannot be written.
        ValueError: the model is damaged, or the copy would replace it.
    """
    if args.out_dir.resolve() == args.model.resolve():
        raise ValueError(f"Expected another directory for the copy. Received: {args.out_dir}")
    with quiet_start():
        from attention_ocr.work_directory import pack_model

    path = pack_model(args.model, args.out_dir)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0

"""`attention-ocr explain`: which part of an image speaks for each character."""

import argparse
import sys
from pathlib import Path

from attention_ocr.cli.image_names import STDIN, named_images, tell_skipped_of
from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.cli.result_formats import on_one_line
from attention_ocr.io.atomic_write import whole_file

HELP = "draw which part of an image speaks for each character"
EPILOG = """\
examples:
  attention-ocr explain word.png --model=runs/mine --out_dir=why
  attention-ocr explain words/ --model=runs/mine --out_dir=why --method=feedback --arrays
  attention-ocr explain word.png --model=runs/mine --out_dir=why --text=hello

For each image a picture with a row for each character: lit is what speaks for it. What cannot be
read is named on standard error, and the exit status is 1.
"""
# Those of `visualization.explanation.METHODS`, which `--help` need not load TensorFlow for.
METHODS = ("attention", "gradient", "feedback")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Args:
        parser: the command's own parser.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "names", nargs="+", metavar="PATH", help="image, folder of images, or pattern"
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help="work directory of a training, or default: the weights of the package (the default)",
    )
    parser.add_argument(
        "--out_dir", type=Path, metavar="DIR", required=True, help="for the pictures"
    )
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="gradient",
        help="attention: the weights of the head that reads; gradient: pixels that move the "
        "character's logit; feedback: the same after closing the units that do not speak for it "
        "(default: %(default)s)",
    )
    parser.add_argument("--text", help="ask for the characters of this text, not of what is read")
    parser.add_argument(
        "--arrays",
        action="store_true",
        help="write the maps as NumPy files, too",
    )


def run(args: argparse.Namespace) -> int:
    """Draw a picture for each image, and print its path and text.

    Args:
        args: what `add_arguments` declared.

    Returns:
        The exit status: 0, or 1 if an image could not be read.

    Raises:
        OSError: no model is there, or a picture cannot be written.
        ValueError: the model is damaged or cannot be asked that way.
    """
    if STDIN in args.names:
        raise ValueError("Expected images, folders or patterns. Received: -")
    with quiet_start():
        import numpy as np

        from attention_ocr.cli.overlay_folder import OverlayFolder
        from attention_ocr.visualization.explanation import Explainer

        explainer = Explainer(args.model, args.method)
    folder = OverlayFolder(args.out_dir, args.method)
    num_failed = 0
    for image in named_images(args.names, False, False, tell_skipped_of("explain")):
        error = image.error
        if error is None:
            reading = explainer.explain(image.content, args.text)
            error = reading.error
        if error is not None:
            num_failed += 1
            line = on_one_line(f"attention-ocr explain: {image.name}: {error}")
            print(line, file=sys.stderr)
            continue
        picture = folder.write(image.name, image.content, reading)
        if args.arrays:
            with whole_file(picture.with_suffix(".npy")) as temporary, temporary.open("wb") as file:
                np.save(file, reading.attention, allow_pickle=False)
        print("\t".join(map(on_one_line, (image.name, reading.text, str(picture)))))
    return 1 if num_failed else 0

"""`attention-ocr explain`: saliency maps of the characters read in an image."""

import argparse
import sys
from pathlib import Path

from attention_ocr.cli.image_names import STDIN, count_images, named_images, tell_skipped_of
from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.cli.result_formats import on_one_line
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.io.progress import with_progress

HELP = "draw the part of an image that supports each character"
EPILOG = """\
examples:
  attention-ocr explain word.png --model=runs/mine --out_dir=why
  attention-ocr explain words/ --model=runs/mine --out_dir=why --method=feedback --arrays
  attention-ocr explain word.png --model=runs/mine --out_dir=why --text=hello

For each image, draws a row for each character, in which the pixels that support it are bright.
Unreadable images are reported on standard error, and the exit status is 1.
"""
# Equal to `visualization.explanation.METHODS`, so that `--help` does not load TensorFlow.
METHODS = ("attention", "gradient", "feedback")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "names", nargs="+", metavar="PATH", help="image, folder of images, or pattern"
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help="work directory of a training run, or lines (default: the bundled model of words)",
    )
    parser.add_argument(
        "--out_dir", type=Path, metavar="DIR", required=True, help="folder for the drawings"
    )
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="gradient",
        help="attention: the attention weights; gradient: gradient of the character's logit with "
        "respect to the pixels; feedback: the same with unsupportive units switched off "
        "(default: %(default)s)",
    )
    parser.add_argument("--text", help="explain this text instead of the predicted one")
    parser.add_argument(
        "--arrays",
        action="store_true",
        help="also write the maps as NumPy files",
    )


def run(args: argparse.Namespace) -> int:
    """Draw the maps of each image, and print its path and text; 1 if an image is unreadable."""
    if STDIN in args.names:
        raise ValueError("Expected images, folders or patterns. Received: -")
    with quiet_start():
        import numpy as np

        from attention_ocr.cli.overlay_folder import OverlayFolder
        from attention_ocr.visualization.explanation import Explainer

        explainer = Explainer(args.model, args.method)
    folder = OverlayFolder(args.out_dir, args.method)
    num_failed = 0
    images = named_images(args.names, False, False, tell_skipped_of("explain"))
    # Results printed on a terminal show the progress themselves.
    shown = sys.stderr.isatty() and not sys.stdout.isatty()
    total = count_images(args.names, False) if shown else None
    for image in with_progress(images, "explaining", total, shown=shown):
        error = image.error
        if error is None:
            reading = explainer.explain(image.content, args.text)
            error = reading.error
        if error is not None:
            num_failed += 1
            line = on_one_line(f"attention-ocr explain: {image.name}: {error}")
            print(line, file=sys.stderr)
            continue
        drawing = folder.write(image.name, image.content, reading)
        if args.arrays:
            with whole_file(drawing.with_suffix(".npy")) as temporary, temporary.open("wb") as file:
                np.save(file, reading.attention, allow_pickle=False)
        print("\t".join(map(on_one_line, (image.name, reading.text, str(drawing)))))
    return 1 if num_failed else 0

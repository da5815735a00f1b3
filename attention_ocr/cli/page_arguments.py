"""The arguments of `attention-ocr read --detect`."""

import argparse
from pathlib import Path

from attention_ocr.settings.pages import DEFAULT_DETECTOR, DEFAULT_DPI, DETECTORS

PAGE_FORMATS = {"text": ".txt", "jsonl": ".jsonl", "hocr": ".hocr", "alto": ".xml", "page": ".xml"}
"""The output formats of pages, and the suffixes of their files."""

ONE_PAGE_FORMATS = ("alto", "page")
"""The formats of which a file holds one page."""

_DEFAULTS = {"detector": DEFAULT_DETECTOR, "dpi": DEFAULT_DPI, "output_dir": None}


def add_page_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of whole pages."""
    group = parser.add_argument_group(
        "whole pages", "Photos, scans, TIFF and PDF; needs pip install 'attention-ocr[pages]'."
    )
    group.add_argument(
        "--detect", action="store_true", help="find the lines of whole pages, and read them"
    )
    names = ", ".join(DETECTORS)
    group.add_argument(
        "--detector",
        default=DEFAULT_DETECTOR,
        metavar="NAME[,KEY=VALUE...]",
        help=f"what finds the lines: one of {names}, or package.module:Class; layout,folder=DIR "
        "takes them from hOCR, ALTO or PAGE XML files (default: %(default)s)",
    )
    group.add_argument(
        "--dpi",
        type=int,
        default=DEFAULT_DPI,
        metavar="N",
        help="resolution at which pages of a PDF are rendered (default: %(default)s)",
    )
    group.add_argument(
        "--output_dir", type=Path, metavar="DIR", help="folder for the results, a file per page"
    )


def check_no_page_arguments(args: argparse.Namespace) -> None:
    """Refuse arguments of whole pages without --detect.

    Raises:
        ValueError: If one is given; the message names it.
    """
    given = [name for name, default in _DEFAULTS.items() if getattr(args, name) != default]
    if given:
        raise ValueError(f"--{given[0]} goes with --detect. Received: no --detect")
    if args.format in PAGE_FORMATS and args.format not in ("text", "jsonl"):
        raise ValueError(f"--format={args.format} goes with --detect. Received: no --detect")


def check_page_arguments(args: argparse.Namespace) -> None:
    """Refuse arguments that do not go with --detect.

    Raises:
        ValueError: If there is one; the message names it.
    """
    if args.format not in PAGE_FORMATS:
        raise ValueError(
            f"--detect writes --format={', '.join(PAGE_FORMATS)}. Received: {args.format}"
        )
    if args.output is not None and args.output_dir is not None:
        raise ValueError(
            "Expected --output or --output_dir. Received: both, "
            f"{args.output} and {args.output_dir}"
        )
    if args.format in ONE_PAGE_FORMATS and args.output_dir is None:
        raise ValueError(
            f"A file of --format={args.format} holds one page: expected --output_dir=DIR. "
            "Received: none"
        )
    check_dpi(args)


def check_dpi(args: argparse.Namespace) -> None:
    """Refuse a resolution that is not positive.

    Raises:
        ValueError: If it is not.
    """
    if args.dpi < 1:
        raise ValueError(f"--dpi must be above 0. Received: {args.dpi}")

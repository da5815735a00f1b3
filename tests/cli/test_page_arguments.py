"""Arguments of whole pages, and what does not go with them."""

import argparse
from pathlib import Path

import pytest

from attention_ocr.cli.page_arguments import (
    ONE_PAGE_FORMATS,
    PAGE_FORMATS,
    add_page_arguments,
    check_no_page_arguments,
    check_page_arguments,
)
from attention_ocr.settings.pages import DEFAULT_DETECTOR, DEFAULT_DPI


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("--format", default="text")
    parser.add_argument("--output", type=Path)
    add_page_arguments(parser)
    return parser.parse_args(arguments)


def test_defaults_are_those_of_the_settings():
    args = parsed()
    assert (args.detect, args.detector, args.dpi) == (False, DEFAULT_DETECTOR, DEFAULT_DPI)
    assert args.output_dir is None
    check_no_page_arguments(args)
    check_page_arguments(args)


@pytest.mark.parametrize(
    ("argument", "name"),
    [("--detector=layout", "detector"), ("--dpi=150", "dpi"), ("--output_dir=out", "output_dir")],
)
def test_an_argument_of_pages_needs_detect(argument, name):
    with pytest.raises(ValueError, match=f"--{name} goes with --detect. Received: no --detect"):
        check_no_page_arguments(parsed(argument))
    check_page_arguments(parsed("--detect", argument))


@pytest.mark.parametrize("format_name", PAGE_FORMATS)
def test_formats_of_pages_need_detect_unless_crops_have_them(format_name):
    args = parsed(f"--format={format_name}")
    if format_name in ("text", "jsonl"):
        check_no_page_arguments(args)
    else:
        with pytest.raises(ValueError, match=f"--format={format_name} goes with --detect"):
            check_no_page_arguments(args)


@pytest.mark.parametrize("format_name", ["csv", "tsv", "parquet"])
def test_formats_of_crops_do_not_go_with_pages(format_name):
    with pytest.raises(ValueError, match=f"text, jsonl, hocr, alto, page. Received: {format_name}"):
        check_page_arguments(parsed("--detect", f"--format={format_name}"))


@pytest.mark.parametrize("format_name", PAGE_FORMATS)
def test_a_format_of_one_page_needs_a_folder(format_name):
    args = parsed("--detect", f"--format={format_name}")
    if format_name in ONE_PAGE_FORMATS:
        with pytest.raises(ValueError, match="holds one page: expected --output_dir=DIR"):
            check_page_arguments(args)
    else:
        check_page_arguments(args)
    check_page_arguments(parsed("--detect", f"--format={format_name}", "--output_dir=out"))


def test_a_file_and_a_folder_are_not_both_written():
    with pytest.raises(ValueError, match="Received: both, a.txt and out"):
        check_page_arguments(parsed("--detect", "--output=a.txt", "--output_dir=out"))


@pytest.mark.parametrize("dpi", [0, -300])
def test_a_resolution_is_above_0(dpi):
    with pytest.raises(ValueError, match=f"--dpi must be above 0. Received: {dpi}"):
        check_page_arguments(parsed("--detect", f"--dpi={dpi}"))

"""Long files: memory that does not grow with the pages, and a kill in the middle."""

import json
import os
import subprocess
import sys
import time

import pytest
from PIL import Image

from tests.pages.rendered import draw

NUM_PAGES = 500
KILLED_AFTER = 20
MAX_GROWTH = 40 * 2**20
"""Bytes. The pixels of 450 of these pages are 130 MB."""


def write_pdf(path):
    """Write a PDF, each page of which has its number."""
    pages = [
        Image.fromarray(draw([(f"page {number}", 60, 50)], size=(600, 160)))
        for number in range(1, NUM_PAGES + 1)
    ]
    pages[0].save(path, save_all=True, append_images=pages[1:], resolution=72)


def start(pdf, out, measured):
    """Start the command; each page adds its number and the resident bytes to a file."""
    detector = f"--detector=tests.pages.scripted:MeasuringDetector,file={measured}"
    arguments = ["read", pdf, "--detect", detector, "--dpi=72", "--format=jsonl", "-o", out]
    return subprocess.Popen(
        [sys.executable, "-m", "attention_ocr.cli.main", *map(str, arguments)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def measurements(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return [tuple(map(int, line.split())) for line in lines]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_five_hundred_pages_take_the_memory_of_fifty_and_a_kill_loses_none(tmp_path):
    pytest.importorskip("pypdfium2")
    pdf, out, measured = tmp_path / "scan.pdf", tmp_path / "out.jsonl", tmp_path / "memory.txt"
    write_pdf(pdf)
    with start(pdf, out, measured) as process:
        try:
            while len(measurements(measured)) <= KILLED_AFTER:
                assert process.poll() is None
                time.sleep(0.05)
        finally:
            process.kill()
    assert not out.exists()
    before = measurements(measured)
    with start(pdf, out, measured) as process:
        assert process.wait() == 0
    resident = dict(measurements(measured)[len(before) :])
    # The page during which it was killed is the first to be read again, and none is left out.
    last_read = before[-1][0]
    assert min(resident) >= KILLED_AFTER
    assert list(resident) == list(range(min(resident), NUM_PAGES + 1))
    assert min(resident) <= last_read + 1
    assert resident[NUM_PAGES] - resident[50] < MAX_GROWTH
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert [record["number"] for record in records] == list(range(1, NUM_PAGES + 1))
    texts = [record["lines"][0]["text"].replace(" ", "") for record in records]
    num_right = sum(text == f"page{number}" for number, text in enumerate(texts, 1))
    assert num_right > 0.9 * NUM_PAGES

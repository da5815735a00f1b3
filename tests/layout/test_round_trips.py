"""Pages of random lines survive every format that is read back."""

import math

import numpy as np
import pytest

pytest.importorskip("lxml")

from attention_ocr.layout.files import read_layout
from attention_ocr.layout.page import Line, Page, Word, bounding_box, box_polygon
from attention_ocr.layout.writers import PAGE_WRITERS

FORMATS = ("hocr", "alto", "page")
ALPHABET = "abcXYZ0189äßéЖ水あ<>&\"'#;,./\\ـ"
SEEDS = range(15)


def random_text(rng):
    return "".join(rng.choice(list(ALPHABET), rng.integers(1, 9)))


def random_polygon(rng):
    """Return a rotated box in whole pixels, inside of the page."""
    left, top = rng.integers(50, 500, 2)
    width, height = rng.integers(20, 200), rng.integers(8, 40)
    angle = rng.choice([0.0, rng.uniform(-0.3, 0.3)])
    along = np.array([math.cos(angle), math.sin(angle)])
    across = np.array([-along[1], along[0]])
    corners = [np.array([left, top]) + u * width * along + v * height * across
               for u, v in ((0, 0), (1, 0), (1, 1), (0, 1))]  # fmt: skip
    return tuple((float(round(x)), float(round(y))) for x, y in corners)


def random_line(rng, block):
    polygon = random_polygon(rng)
    words = tuple(
        Word(random_text(rng), random_polygon(rng), round(float(rng.random()), 2))
        for _ in range(rng.integers(1, 5))
    )
    text = " ".join(word.text for word in words)
    mean = sum(word.confidence for word in words) / len(words)
    baseline = (polygon[3], polygon[2]) if rng.random() < 0.7 else ()
    return Line(polygon, text, mean, words, block, baseline)


def random_page(seed):
    rng = np.random.default_rng(seed)
    blocks = np.sort(rng.integers(0, 4, rng.integers(1, 9)))
    # Numbered from 0 without gaps, in reading order.
    numbers = np.unique(blocks, return_inverse=True)[1].tolist()
    lines = tuple(random_line(rng, number) for number in numbers)
    return Page(800, 700, lines, f"folder/{random_text(rng).replace(chr(34), '')}.png", 1)


def written_and_read(page, format_name):
    content = PAGE_WRITERS[format_name](page, "attention-ocr 0", "2024-01-02T03:04:05+00:00")
    (found,) = read_layout(content, "scan.hocr" if format_name == "hocr" else "scan.xml")
    return found


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("seed", SEEDS)
def test_texts_outlines_and_blocks_come_back(format_name, seed):
    page = random_page(seed)
    found = written_and_read(page, format_name)
    assert (found.width, found.height, found.path) == (page.width, page.height, page.path)
    assert found.text == page.text
    assert [line.block for line in found.lines] == [line.block for line in page.lines]
    for line, expected in zip(found.lines, page.lines, strict=True):
        assert line.polygon == expected.polygon
        assert [word.text for word in line.words] == [word.text for word in expected.words]
        assert [word.polygon for word in line.words] == [word.polygon for word in expected.words]
        confidences = [word.confidence for word in line.words]
        assert confidences == pytest.approx([word.confidence for word in expected.words])
        assert line.confidence == pytest.approx(expected.confidence, abs=1e-4)


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("seed", SEEDS)
def test_baselines_come_back_in_their_direction(format_name, seed):
    page = random_page(seed)
    for line, expected in zip(written_and_read(page, format_name).lines, page.lines, strict=True):
        assert bool(line.baseline) == bool(expected.baseline)
        if not expected.baseline:
            continue
        (x0, y0), (x1, y1) = line.baseline
        (u0, v0), (u1, v1) = expected.baseline
        assert math.atan2(y1 - y0, x1 - x0) == pytest.approx(math.atan2(v1 - v0, u1 - u0), abs=0.01)
        # The same line, wherever it begins: of hOCR, at the sides of the box.
        slope = (v1 - v0) / (u1 - u0)
        assert y0 == pytest.approx(v0 + slope * (x0 - u0), abs=0.6)


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_read_is_written_the_same(format_name, seed):
    once = written_and_read(random_page(seed), format_name)
    again = written_and_read(once, format_name)
    assert again.text == once.text
    for line, expected in zip(again.lines, once.lines, strict=True):
        assert line.polygon == expected.polygon
        assert line.words == expected.words


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_one_format_is_converted_to_another(source, target):
    page = random_page(99)
    found = written_and_read(written_and_read(page, source), target)
    assert found.text == page.text
    assert [line.polygon for line in found.lines] == [line.polygon for line in page.lines]


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_line_without_words_is_one(format_name):
    page = Page(800, 700, (Line(box_polygon(10, 20, 90, 40), "one line", 0.5),), "a.png")
    (line,) = written_and_read(page, format_name).lines
    assert line.text == "one line"
    assert line.confidence == pytest.approx(0.5)
    assert bounding_box(line.polygon) == (10, 20, 90, 40)


@pytest.mark.parametrize("seed", SEEDS)
def test_json_keeps_everything(seed):
    import json

    page = random_page(seed)
    record = json.loads(PAGE_WRITERS["jsonl"](page, "", ""))
    assert Page.from_record(record) == page


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_cut_anywhere_is_read_or_refused_by_name(format_name, seed):
    content = PAGE_WRITERS[format_name](random_page(seed), "a", "b")
    rng = np.random.default_rng(seed)
    for length in rng.integers(0, len(content), 20):
        message = ""
        try:
            pages = read_layout(content[:length], "cut.xml")
        except ValueError as error:
            pages, message = [], str(error)
        assert pages or "cut.xml" in message

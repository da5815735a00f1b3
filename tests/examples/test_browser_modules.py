"""What the page of examples/browser computes by itself, in Node.js, against Python."""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from attention_ocr.inference.engines.interface import Reading
from attention_ocr.layout.page import Word
from attention_ocr.pages import reading_order
from attention_ocr.pages.character_positions import word_spans
from attention_ocr.pages.line_reader import PlacedLine

SOURCES = Path(__file__).parents[2] / "examples" / "browser"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js")


def run(module: str, call: str, value: object) -> object:
    """Call an exported function of a module of the page."""
    code = (
        f"import * as module from {json.dumps((SOURCES / module).as_uri())};"
        "let text = ''; for await (const part of process.stdin) text += part;"
        f"const value = JSON.parse(text); console.log(JSON.stringify({call}));"
    )
    result = subprocess.run(
        ["node", "--input-type=module", "--eval", code],
        input=json.dumps(value),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


def boxes_of(probabilities: np.ndarray) -> np.ndarray:
    """Return the boxes that the page finds, [n, 4, 2]."""
    height, width = probabilities.shape
    call = f"module.findBoxes(Float32Array.from(value), {width}, {height})"
    return np.array(run("boxes.js", call, probabilities.ravel().tolist())).reshape(-1, 4, 2)


def map_of_lines(*lines: tuple[tuple[int, int], tuple[int, int], float]) -> np.ndarray:
    """Draw lines of text: where each begins and ends, and its probability."""
    probabilities = np.zeros((120, 250), np.float32)
    for begin, end, probability in lines:
        cv2.line(probabilities, begin, end, probability, 6)
    return probabilities


LINES = (
    ((20, 15), (120, 15), 0.9),
    ((150, 20), (230, 30), 0.8),
    ((30, 100), (140, 60), 0.9),
    ((200, 60), (200, 105), 0.7),
)


def test_boxes_are_those_of_rapidocr():
    utils = pytest.importorskip("rapidocr.ch_ppocr_det.utils")
    probabilities = map_of_lines(*LINES)
    postprocess = utils.DBPostProcess(box_thresh=0.5, unclip_ratio=1.6, use_dilation=True)
    expected, _ = postprocess(probabilities[None, None], probabilities.shape)
    found = boxes_of(probabilities)
    assert len(found) == len(expected) == len(LINES)
    for box in found:
        assert np.abs(expected - box).max(axis=(1, 2)).min() <= 2.0


def test_what_is_small_or_hardly_text_has_no_box():
    assert len(boxes_of(map_of_lines(LINES[0], ((150, 80), (230, 80), 0.4)))) == 1
    speck = np.zeros((40, 40), np.float32)
    speck[20, 20:22] = 1.0
    assert len(boxes_of(speck)) == 0


@pytest.mark.parametrize(("num_blank", "num_boxes"), [(1, 1), (3, 2)])
def test_a_gap_of_a_pixel_does_not_part_a_line(num_blank, num_boxes):
    line = np.zeros((40, 60), np.float32)
    line[15:21, 5:55] = 0.9
    line[:, 30 : 30 + num_blank] = 0.0
    assert len(boxes_of(line)) == num_boxes


@pytest.mark.parametrize("seed", range(3))
def test_lines_and_their_order_are_those_of_python(seed):
    chance = np.random.default_rng(seed)
    corners = chance.integers(0, 200, (40, 2)) * [3, 5]
    sizes = chance.integers([20, 8], [200, 16], (40, 2))
    boxes = np.concatenate([corners, corners + sizes], axis=1)
    assert run("order.js", "module.rows(value)", boxes.tolist()) == reading_order.rows(boxes)
    order = run("order.js", "module.readingOrder(value)", boxes.tolist())
    assert order == reading_order.reading_order(boxes)


def test_boxes_of_a_rotated_page_are_deskewed_as_in_python():
    quads = np.array(
        [[[0, 0], [90, 12], [88, 30], [-2, 18]], [[5, 40], [60, 47], [58, 66], [3, 59]]]
    )
    found = run("order.js", "module.uprightBoxes(value)", quads.tolist())
    np.testing.assert_allclose(found, reading_order.upright_boxes(quads), atol=1e-6)


@pytest.mark.parametrize("text", ["two words", " 12.50", "a  b", "one", "c ", " ", ""])
def test_the_confidence_of_a_line_is_that_of_python(text):
    confidences = np.linspace(0.99, 0.4, max(len(text), 1))[: len(text)].tolist()
    attention = np.ones((len(text), 1, 4))
    reading = Reading(text, 0.5, tuple(confidences), attention, (1.0, 1.0))
    words = [Word(word, (), confidence) for word, confidence, *_ in word_spans(reading, 4.0)]
    value = [list(text), confidences]
    found = run("photo.js", "module.confidenceOfWords(...value)", value)
    assert found == pytest.approx(PlacedLine(np.zeros((4, 2)), tuple(words)).confidence)

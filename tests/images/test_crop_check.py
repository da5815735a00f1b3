"""Warnings about images that hold more than one word or line."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from attention_ocr.images.crop_check import looks_like_page, looks_like_several

INKS = {
    "dark on light": ((20, 20, 20), (235, 235, 230)),
    "light on dark": ((250, 250, 250), (20, 50, 120)),
}


def drawn(text: str, size: int = 40, ink: str = "dark on light", pad: int = 8) -> np.ndarray:
    font = ImageFont.load_default(size=size)
    box = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), text, font=font)
    extent = (int(box[2] - box[0]) + 2 * pad, int(box[3] - box[1]) + 2 * pad)
    image = Image.new("RGB", extent, INKS[ink][1])
    place = (pad - box[0], pad - box[1])
    ImageDraw.Draw(image).multiline_text(place, text, fill=INKS[ink][0], font=font)
    compressed = io.BytesIO()
    image.save(compressed, "JPEG", quality=85)
    with Image.open(compressed) as decoded:
        return np.asarray(decoded.convert("RGB"))


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("size", [30, 40, 90])
@pytest.mark.parametrize("text", ["NO EXIT", "KEEP LEFT", "OUR HOME", "NO SMOKING"])
def test_several_words_are_seen(text, size, ink):
    warning = looks_like_several(drawn(text, size, ink), reads_spaces=False)
    assert warning.startswith("looks like several words; the model expects a crop of one word")


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("reads_spaces", [True, False])
@pytest.mark.parametrize("text", ["NO\nEXIT", "Monday\nclosed\nSunday", "one line\nanother line"])
def test_several_lines_are_seen(text, reads_spaces, ink):
    warning = looks_like_several(drawn(text, ink=ink), reads_spaces)
    assert warning.startswith("looks like several lines")
    assert ("one line" if reads_spaces else "one word") in warning


def test_words_far_apart_on_a_page_are_several_lines():
    page = Image.new("RGB", (900, 600), (250, 250, 250))
    for index, text in enumerate(("OPEN", "Monday", "9:30", "CLOSED", "Sunday", "EXIT")):
        page.paste(Image.fromarray(drawn(text)), (60 + 280 * (index % 3), 80 + 260 * (index // 3)))
    assert "several lines" in looks_like_several(np.asarray(page), reads_spaces=False)
    large = np.asarray(page.resize((4500, 3000)))
    assert "several lines" in looks_like_several(large, reads_spaces=False)


WORDS = (
    "PARKING",
    "jiffy",
    "i",
    "|",
    "-",
    "Äpfel",
    "1.234,50",
    "L31.3",
    "a:b",
    "Illinois",
    "WWW",
    "A1",
    "=",
    "%",
)


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("size", [16, 40, 90])
@pytest.mark.parametrize("text", WORDS)
def test_one_word_is_no_cause_for_a_warning(text, size, ink):
    assert looks_like_several(drawn(text, size, ink), reads_spaces=False) is None


def test_a_model_that_knows_the_space_may_be_given_a_line():
    assert looks_like_several(drawn("NO EXIT"), reads_spaces=True) is None
    assert looks_like_several(drawn("NO EXIT"), reads_spaces=False) is not None


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (2, 2), (32, 100), (700, 900)])
@pytest.mark.parametrize("content", ["noise", "black", "white"])
def test_images_without_clear_ink_are_left_alone(shape, content):
    random = np.random.default_rng(0)
    image = {
        "noise": random.integers(0, 256, (*shape, 3), np.uint8),
        "black": np.zeros((*shape, 3), np.uint8),
        "white": np.full((*shape, 3), 255, np.uint8),
    }[content]
    assert looks_like_several(image, reads_spaces=False) is None


def test_a_large_image_that_is_hardly_read_is_taken_for_a_page():
    warning = looks_like_page(1200, 900, 0.2, reads_spaces=False)
    assert warning.startswith("looks like a page or photo; the model expects a crop of one word")
    assert "--detect" in warning
    # A close-up that reads well, a small crop, and a long line.
    assert looks_like_page(1200, 900, 0.9, reads_spaces=False) is None
    assert looks_like_page(60, 90, 0.2, reads_spaces=False) is None
    assert looks_like_page(300, 1900, 0.2, reads_spaces=True) is None


def test_a_warning_names_what_reads_whole_pages():
    assert "--detect" in looks_like_several(drawn("NO EXIT"), reads_spaces=False)

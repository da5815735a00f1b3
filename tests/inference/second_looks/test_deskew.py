import dataclasses
import math

import cv2
import numpy as np
import pytest

import attention_ocr
from attention_ocr.cli.overlay_folder import OverlayFolder
from attention_ocr.images.decode import encode_array
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.second_looks.deskew import MARGIN, SLANTS, deskew, deskewed
from attention_ocr.settings.second_looks import RECOMMENDED
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig

LENGTH, THICKNESS = 160, 40


def slanted(word: np.ndarray, slant: float, background: int = 0) -> np.ndarray:
    """Return the bounding box of a word that falls to the right by so many degrees."""
    height, width = word.shape[:2]
    angle = math.radians(slant)
    cosine, sine = math.cos(angle), abs(math.sin(angle))
    size = math.ceil(width * cosine + height * sine), math.ceil(width * sine + height * cosine)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -slant, 1.0)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return cv2.warpAffine(word, matrix, size, borderValue=(background,) * 3)


@pytest.mark.parametrize("slant", SLANTS)
def test_a_slanted_word_is_cropped_horizontal(slant):
    # Red on the left half and blue on the right one: a turn the wrong way would show.
    word = np.zeros((THICKNESS, LENGTH, 3), np.uint8)
    word[:, : LENGTH // 2, 0] = word[:, LENGTH // 2 :, 2] = 255
    level = deskew(slanted(word, slant), slant)
    assert level.shape[:2] == pytest.approx((MARGIN * THICKNESS, MARGIN * LENGTH), abs=2)
    margins = [round(side * (1 - 1 / MARGIN) / 2) + 3 for side in level.shape[:2]]
    inside = level[margins[0] : -margins[0], margins[1] : -margins[1]]
    middle = inside.shape[1] // 2
    assert (inside[:, : middle - 3, 0] > 200).all()
    assert (inside[:, middle + 3 :, 2] > 200).all()


@pytest.mark.parametrize("size", [(10, 200), (60, 50), (200, 40)], ids=["flat", "square", "tall"])
def test_what_no_word_of_that_slant_fills_is_left(size):
    assert deskew(np.zeros((*size, 3), np.uint8), 10.0) is None


def test_an_image_is_deskewed_from_each_slant_that_fits_it():
    views = deskewed(np.zeros((60, 200, 3), np.uint8))
    assert [view.fields for view in views] == [{"slant": slant} for slant in SLANTS]
    assert deskewed(np.zeros((10, 200, 3), np.uint8)) == []


def test_the_package_reads_more_slanted_words_so():
    renderer = Renderer(
        SynthesisConfig(
            kinds=("words",), min_length=6, difficulty=0.3, fonts="bundled", part="eval"
        )
    )
    words = [renderer.render(index) for index in range(60)]
    images = [
        slanted(image, (-1) ** index * 34, int(image[0, 0].mean()))
        for index, (image, _) in enumerate(words)
    ]
    once = dataclasses.replace(RECOMMENDED, deskew_below=0.0)
    right = [
        sum(
            reading.text == text
            for reading, (_, text) in zip(
                attention_ocr.load(second_looks=looks).read(images), words, strict=True
            )
        )
        for looks in (once, RECOMMENDED)
    ]
    assert right[1] > right[0]


def test_a_slanted_word_is_drawn_deskewed(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (60, 200, 3), np.uint8)
    attention = np.ones((2, 1, 5), np.float32)
    reading = Reading("ab", 1.0, (1.0, 1.0), attention, (1.0, 1.0))
    folder = OverlayFolder(tmp_path)
    drawn = folder.write(
        "slanted.png", encode_array(image), dataclasses.replace(reading, slant=6.0)
    )
    straight = folder.write("straight.png", encode_array(deskew(image, 6.0)), reading)
    assert drawn.read_bytes() == straight.read_bytes()

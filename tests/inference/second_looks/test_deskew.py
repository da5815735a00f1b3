import dataclasses
import math

import cv2
import numpy as np
import pytest

import attention_ocr
from attention_ocr.cli.overlay_folder import OverlayFolder
from attention_ocr.images.decode import encode_array
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.second_looks import deskew as deskew_module
from attention_ocr.inference.second_looks.baseline import Baselines
from attention_ocr.inference.second_looks.deskew import (
    MARGIN,
    arc_of,
    deskew,
    deskewed,
    unbend,
    unshear,
)
from attention_ocr.settings.second_looks import RECOMMENDED
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from benchmarks.distortions import bend, recede

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


@pytest.mark.parametrize("slant", [-30.0, -10.0, 10.0, 30.0])
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


@pytest.fixture
def halves():
    """A word that is red on its left half and blue on its right one."""
    word = np.zeros((THICKNESS, LENGTH, 3), np.uint8)
    word[:, : LENGTH // 2, 0] = word[:, LENGTH // 2 :, 2] = 255
    return word


def check_halves(level: np.ndarray) -> None:
    """Check that an image shows that word and at most a small margin."""
    margins = [round(side * (1 - 1 / MARGIN) / 2) + 4 for side in level.shape[:2]]
    inside = level[margins[0] : -margins[0], margins[1] : -margins[1]]
    middle = inside.shape[1] // 2
    assert (inside[:, : middle - 6, 0] > 150).all()
    assert (inside[:, middle + 6 :, 2] > 150).all()


@pytest.mark.parametrize("slope", [-25.0, 25.0])
def test_a_word_with_upright_letters_is_sheared_horizontal(halves, slope):
    level = unshear(recede(halves, slope, 1.0, 1.0), slope)
    assert level.shape[:2] == pytest.approx((MARGIN * THICKNESS, LENGTH), abs=3)
    check_halves(level)


@pytest.mark.parametrize("degrees", [-120.0, -60.0, 60.0, 120.0])
def test_a_word_along_an_arc_is_straightened(halves, degrees):
    bent = bend(halves, degrees)
    level = unbend(bent, degrees)
    assert level.shape[:2] == pytest.approx((THICKNESS, LENGTH), rel=0.1)
    check_halves(level)


@pytest.mark.parametrize("degrees", [-120.0, -60.0, 60.0, 120.0])
def test_an_arc_is_known_by_how_far_it_falls(halves, degrees):
    bent = bend(halves, degrees)
    outer = LENGTH / math.radians(abs(degrees)) + THICKNESS / 2
    fall = math.copysign(outer * (1 - math.cos(math.radians(degrees) / 2)), degrees)
    assert arc_of(fall / bent.shape[0], bent.shape[:2]) == pytest.approx(degrees, abs=2)
    assert arc_of(0.0, bent.shape[:2]) == 0.0


def test_what_is_straightened_must_fill_the_image():
    assert unshear(np.zeros((40, 200, 3), np.uint8), 20.0) is None
    for size, arc in [
        ((60, 50), 60.0),
        ((30, 200), 120.0),
        ((100, 120), 120.0),
        ((100, 200), 180.0),
    ]:
        assert unbend(np.zeros((*size, 3), np.uint8), arc) is None


def test_an_image_is_straightened_along_each_baseline_that_it_may_have(monkeypatch):
    found = Baselines((20.0, -10.0), 0.3)
    monkeypatch.setattr(deskew_module, "find_baselines", lambda _: found)
    views = deskewed(np.zeros((100, 180, 3), np.uint8))
    arc = arc_of(0.3, (100, 180))
    assert [view.fields for view in views] == [
        {"slant": 20.0},
        {"shear": 20.0},
        {"slant": -10.0},
        {"arc": arc},
    ]
    monkeypatch.setattr(deskew_module, "find_baselines", lambda _: Baselines())
    assert deskewed(np.zeros((100, 180, 3), np.uint8)) == []


@pytest.mark.parametrize(
    ("difficulty", "distort"),
    [
        (0.3, lambda image, sign: slanted(image, 34 * sign, int(image[0, 0].mean()))),
        (0.3, lambda image, sign: recede(image, 27 * sign, 0.7, 1.0)),
        (0.6, lambda image, sign: bend(image, 160 * sign)),
    ],
    ids=["rotated", "receding", "bent"],
)
def test_the_package_reads_more_slanted_words_so(difficulty, distort):
    config = SynthesisConfig(
        kinds=("words",), min_length=6, difficulty=difficulty, fonts="bundled", part="eval"
    )
    words = list(Renderer(config).generate(0, 60))
    images = [distort(image, (-1) ** index) for index, (image, _) in enumerate(words)]
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
    assert right[1] > right[0] + 1


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

import itertools

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from attention_ocr.pages.words import set_upright, split_words
from attention_ocr.synthesis.font_files import bundled_files
from tests.pages.rendered import draw


def line_of(text: str, size: int = 32) -> np.ndarray:
    image = draw([(text, 10, 8)], size=(900, 54), text_size=size)
    columns = np.flatnonzero((image < 128).any(axis=(0, 2)))
    return image[:, : columns[-1] + 10]


@pytest.mark.parametrize(
    "text", ["word", "two words", "a few more words in here", "1,234.50 EUR", "x", "illicit will"]
)
@pytest.mark.parametrize("is_light", [False, True])
def test_a_line_is_split_between_its_words(text, is_light):
    image = line_of(text)
    spans = split_words([255 - image if is_light else image])[0]
    assert len(spans) == len(text.split())
    assert all(begin < end for begin, end in spans)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


def test_an_empty_line_is_one_part():
    assert split_words([np.full((30, 90, 3), 255, np.uint8)]) == [[(0.0, 1.0)]]


def test_a_narrow_and_a_low_image_are_split_without_error():
    for shape in ((2, 40, 3), (40, 2, 3), (2, 2, 3)):
        assert split_words([np.zeros(shape, np.uint8)])[0]


def test_a_short_line_is_split_like_the_others_of_its_page():
    assert len(split_words([line_of("minimum")])[0]) > 1
    texts = ("minimum", "a few more words in here", "and some further words")
    assert [len(spans) for spans in split_words([line_of(text) for text in texts])] == [1, 6, 4]


def slanted(image: np.ndarray) -> np.ndarray:
    """Shear a line as italics are."""
    height, width = image.shape[:2]
    shear = np.array([[1, -0.25, 0.25 * height], [0, 1, 0]], np.float32)
    return cv2.warpAffine(image, shear, (width + 14, height), borderValue=(255, 255, 255))


def test_italics_are_set_upright_and_other_lines_stay():
    line = line_of("million willing lilies fell till all")
    assert set_upright(line) is line
    upright = set_upright(slanted(line))
    assert len(split_words([upright])[0]) == 6
    # Stems of letters are vertical: columns are full of ink or empty.
    full = (upright < 128).all(axis=2).sum(axis=0).max()
    assert full > 1.2 * (slanted(line) < 128).all(axis=2).sum(axis=0).max()


def test_letters_that_reach_over_the_gap_between_words_leave_it_a_gap():
    lines = ("fine plug gala horn prejudicing", "Locate fancies handicapped fruit")
    (path,) = [path for path in bundled_files() if path.stem == "SourceSerifPro-It"]
    face = ImageFont.truetype(str(path), 24)
    images = []
    for text in lines:
        image = Image.new("RGB", (int(face.getlength(text)) + 16, 38), "white")
        ImageDraw.Draw(image).text((8, 2), text, fill="black", font=face)
        images.append(set_upright(np.asarray(image)))
    assert [len(spans) for spans in split_words(images)] == [5, 4]


def test_marks_above_the_letters_stay_with_their_word():
    line = line_of('the "quick" fox')
    first, second, third = split_words([line])[0]
    columns = np.flatnonzero((line < 128).any(axis=(0, 2))) / line.shape[1]
    assert first[0] <= columns[0]
    assert third[1] >= columns[-1]
    assert not ((columns > first[1]) & (columns < second[0])).any()
    assert not ((columns > second[1]) & (columns < third[0])).any()

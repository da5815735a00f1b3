import itertools

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from attention_ocr.pages.words import set_upright, split_words, visible_gaps
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


def bars(*spans: tuple[int, int], width: int = 200) -> np.ndarray:
    """Draw a line of black bars at these columns, 24 pixels high."""
    image = np.full((48, width, 3), 255, np.uint8)
    for begin, end in spans:
        image[12:36, begin:end] = 0
    return image


def test_gaps_are_measured_relative_to_the_line_and_to_its_text():
    found = visible_gaps(bars((20, 40), (46, 60), (100, 120)))
    np.testing.assert_allclose(found.begins, [40 / 200, 60 / 200])
    np.testing.assert_allclose(found.ends, [46 / 200, 100 / 200])
    np.testing.assert_allclose(found.sizes, [6 / 24, 40 / 24])
    assert found.height == 24 / 200


@pytest.mark.parametrize("factor", [2, 3])
def test_gaps_do_not_depend_on_the_resolution(factor):
    line = bars((20, 40), (46, 60), (100, 120))
    enlarged = line.repeat(factor, axis=0).repeat(factor, axis=1)
    for expected, found in zip(visible_gaps(line), visible_gaps(enlarged), strict=True):
        np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.mark.parametrize("line", [bars(), bars((30, 60))])
def test_a_line_of_one_part_or_none_has_no_gaps(line):
    found = visible_gaps(line)
    assert found.begins.size == found.ends.size == found.sizes.size == 0


def test_parts_of_words_are_in_order_and_hold_all_ink():
    random = np.random.default_rng(2)
    for _ in range(10):
        edges = np.sort(random.choice(np.arange(5, 195), 10, replace=False))
        line = bars(*zip(edges[::2], edges[1::2], strict=True))
        spans = split_words([line])[0]
        assert all(0.0 <= begin < end <= 1.0 for begin, end in spans)
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
        inked = np.flatnonzero((line < 128).any(axis=(0, 2))) + 0.5
        inside = [any(200 * begin <= x <= 200 * end for begin, end in spans) for x in inked]
        assert all(inside)

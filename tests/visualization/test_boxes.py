"""Boxes of characters, in the pixels of the image file."""

import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import attention_ocr
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.visualization.boxes import as_read, character_boxes


def reading(columns: list[int], num_columns: int = 10, **values: object) -> Reading:
    """Return a reading whose characters were read at these columns of the second row of two."""
    attention = np.zeros((len(columns), 2, num_columns), np.float32)
    for index, column in enumerate(columns):
        attention[index, 1, column] = 1.0
    text = "abcdefgh"[: len(columns)]
    plain = Reading(text, 0.9, (0.9,) * len(columns), attention, (1.0, 1.0))
    return dataclasses.replace(plain, **values)


def test_neighbours_share_a_boundary_and_rows_are_those_of_the_attention():
    first, second, third = character_boxes(reading([1, 3, 5]), (40, 100))
    assert first == (5.0, 20.0, 25.0, 40.0)
    assert second == (25.0, 20.0, 45.0, 40.0)
    assert third == (45.0, 20.0, 65.0, 40.0)


def test_the_padding_of_the_attention_is_not_in_the_image():
    # The content fills half of the width: a cell is a fifth of it. A lone character gets two.
    (box,) = character_boxes(reading([2], attention_extent=(1.0, 0.5)), (40, 100))
    assert box == (30.0, 20.0, 70.0, 40.0)


def test_no_box_leaves_the_image_and_none_is_empty():
    boxes = character_boxes(reading([0, 0, 9, 4]), (3, 4000))
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= 4000
        assert 0 <= top < bottom <= 3
    assert character_boxes(reading([]), (3, 4)) == []


def test_boxes_of_a_rotated_image_are_those_of_the_file():
    turned = reading([1, 3], quarter_turns=1)
    height, width = 100, 40
    left, top, right, bottom = character_boxes(turned, (height, width))[0]
    marked = np.zeros((height, width, 3), np.uint8)
    marked[int(top) : int(bottom), int(left) : int(right)] = 255
    seen = as_read(marked, turned)[..., 0]
    assert seen.shape == (width, height)
    rows, columns = np.nonzero(seen)
    assert (columns.min(), columns.max() + 1) == (5, 25)
    assert (rows.min(), rows.max() + 1) == (20, 40)


@pytest.mark.parametrize(
    "values", [{"margin": 0.25}, {"slant": 10.0}, {"shear": -8.0}, {"arc": 60.0}]
)
def test_boxes_of_other_views_are_those_of_the_file(values):
    looked = reading([2, 5, 8], **values)
    image = np.zeros((60, 200, 3), np.uint8)
    left, top, right, bottom = map(int, character_boxes(looked, image.shape[:2])[1])
    image[top:bottom, left:right] = 255
    seen = as_read(image, looked)[..., 0]
    place = np.array([(5.5 / 10) * seen.shape[1], 0.75 * seen.shape[0]])
    rows, columns = np.nonzero(seen > 127)
    assert columns.min() < place[0] < columns.max()
    assert rows.min() < place[1] < rows.max()


def test_the_model_of_the_package_reads_each_character_in_its_box():
    word, size = "HOUSE", 40
    font = ImageFont.load_default(size=size)
    image = Image.new("RGB", (round(font.getlength(word)) + 20, 60), "white")
    ImageDraw.Draw(image).text((10, 30), word, fill="black", font=font, anchor="lm")
    (read,) = attention_ocr.load().read(image)
    assert read.text.upper() == word
    boxes = character_boxes(read, (image.height, image.width))
    for index, box in enumerate(boxes):
        middle = 10 + font.getlength(word[:index]) + font.getlength(word[index]) / 2
        assert box.left < middle < box.right
        assert box.right - box.left < 2.5 * size
        assert box.top < 30 < box.bottom

import dataclasses
import math

import numpy as np
import pytest

from attention_ocr.inference.second_looks.vote import View, vote, without_excess_pixels
from attention_ocr.settings.image import ImageConfig
from tests.inference.scripted import reading_of

IMAGE = ImageConfig(image_height=32, max_image_width=256)


def test_the_text_with_most_votes_is_kept_with_its_most_confident_reading():
    readings = [
        reading_of("own", 0.6),
        dataclasses.replace(reading_of("other", 0.2), width_factor=1.6),
        dataclasses.replace(reading_of("other", 0.5), slant=10.0),
    ]
    kept = vote(readings)
    assert (kept.text, kept.slant) == ("other", 10.0)
    assert kept.confidence == pytest.approx(math.sqrt((0.2 + 0.5) / 3 * 0.5))


def test_views_that_disagree_lower_the_confidence_and_views_that_agree_keep_it():
    differ = vote([reading_of("a", 0.8), reading_of("b", 0.7)])
    assert differ.confidence == pytest.approx(math.sqrt(0.4 * 0.8))
    agree = vote([reading_of("a", 0.8), reading_of("a", 0.7)])
    assert agree.confidence == pytest.approx(math.sqrt(0.75 * 0.8))


def test_a_tie_goes_to_the_first_reading():
    assert vote([reading_of("a", 0.5), reading_of("b", 0.5)]).text == "a"
    nothing = vote([reading_of("", 0.0), reading_of("b", 0.0)])
    assert (nothing.text, nothing.confidence) == ("", 0.0)


def test_a_vote_of_one_changes_nothing():
    reading = dataclasses.replace(reading_of("a", 0.3), alternatives=(("a", 0.3), ("b", 0.1)))
    kept = vote([reading])
    assert (kept.confidence, kept.alternatives) == (0.3, (("a", 0.3), ("b", 0.1)))


def test_alternatives_keep_their_proportion_to_the_best_text():
    reading = dataclasses.replace(reading_of("a", 0.4), alternatives=(("a", 0.4), ("b", 0.2)))
    kept = vote([reading, *[reading_of("c", 0.1)] * 3])
    assert kept.confidence == pytest.approx(0.2)
    assert kept.alternatives == (("a", pytest.approx(0.2)), ("b", pytest.approx(0.1)))


def test_a_view_tells_how_the_image_was_changed():
    view = View(np.zeros((2, 2, 3), np.uint8), {"width_factor": 1.6})
    reading = view.describe(reading_of("a", 0.4))
    assert (reading.text, reading.width_factor, reading.slant) == ("a", 1.6, 0.0)


@pytest.mark.parametrize("size", [(32, 100), (100, 32), (128, 1000), (16, 16)])
def test_an_image_that_is_not_large_keeps_its_pixels(size):
    image = np.zeros((*size, 3), np.uint8)
    assert without_excess_pixels(image, IMAGE) is image


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1280, 2560), (128, 256)), ((65535, 255), (1024, 4)), ((1, 40000), (1, 1024))],
)
def test_a_large_image_keeps_what_its_views_can_need(size, expected):
    small = without_excess_pixels(np.full((*size, 3), 7, np.uint8), IMAGE)
    assert small.shape == (*expected, 3)
    assert (small == 7).all()

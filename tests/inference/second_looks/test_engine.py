import dataclasses
import math

import numpy as np
import pytest

from attention_ocr.images.image import LazyImage
from attention_ocr.inference.second_looks import deskew
from attention_ocr.inference.second_looks.baseline import Baselines
from attention_ocr.inference.second_looks.engine import SecondLooksEngine
from attention_ocr.settings.config import Config
from attention_ocr.settings.second_looks import RECOMMENDED, SecondLooksConfig
from tests.inference.scripted import ScriptedEngine

WORD = LazyImage.from_array(np.zeros((32, 96, 3), np.uint8))
TALL = LazyImage.from_array(np.zeros((96, 32, 3), np.uint8))
NARROW = LazyImage.from_array(np.zeros((48, 24, 3), np.uint8))
WIDE = LazyImage.from_array(np.zeros((32, 250, 3), np.uint8))
WIDTHS = SecondLooksConfig(widths_below=0.9, widths=(1.5, 1.25))


def read(answers, files, settings=RECOMMENDED):
    engine = ScriptedEngine(answers)
    readings = SecondLooksEngine(engine, settings).read(files)
    assert len(engine.sizes) == len(answers)
    return readings, engine


def test_what_is_read_with_confidence_is_read_once():
    (reading,), engine = read([("sure", 0.9)], [WORD])
    assert (reading.text, reading.confidence) == ("sure", 0.9)
    assert engine.calls == [1]


def test_two_widths_that_agree_are_enough():
    (reading,), engine = read([("word", 0.6), ("word", 0.8)], [WORD], WIDTHS)
    assert (reading.text, reading.width_factor) == ("word", 1.5)
    assert reading.confidence == pytest.approx(math.sqrt(0.7 * 0.8))
    assert engine.sizes == [(32, 96), (32, 144)]


def test_widths_that_disagree_are_put_to_the_vote():
    (reading,), engine = read([("word", 0.6), ("ward", 0.5), ("ward", 0.4)], [WORD], WIDTHS)
    assert (reading.text, reading.width_factor) == ("ward", 1.5)
    assert reading.confidence == pytest.approx(math.sqrt(0.3 * 0.5))
    assert engine.sizes == [(32, 96), (32, 144), (32, 120)]


@pytest.fixture
def slanted(monkeypatch):
    monkeypatch.setattr(deskew, "find_baselines", lambda _: Baselines((10.0,)))


@pytest.mark.usefixtures("slanted")
def test_straightened_views_vote_together_with_the_widths():
    settings = dataclasses.replace(RECOMMENDED, rotate_180_below=0.0)
    answers = [("a", 0.4), ("b", 0.4), ("c", 0.3), ("c", 0.35), ("a", 0.3)]
    (reading,), engine = read(answers, [WORD], settings)
    # a: 0.4 + 0.3, b: 0.4, c: 0.3 + 0.35, of five.
    assert (reading.text, reading.slant, reading.width_factor) == ("a", 0.0, 1.0)
    assert reading.confidence == pytest.approx(math.sqrt(0.14 * 0.4))
    assert engine.calls == [1, 1, 3]


@pytest.mark.usefixtures("slanted")
def test_a_reading_says_how_its_view_was_straightened():
    settings = SecondLooksConfig(deskew_below=0.5)
    (reading,), _ = read([("own", 0.3), ("b", 0.2), ("b", 0.45)], [WORD], settings)
    assert (reading.text, reading.slant, reading.shear) == ("b", 0.0, 10.0)
    assert reading.confidence == pytest.approx(math.sqrt(0.65 / 3 * 0.45))


def test_a_limit_is_that_of_its_own_look():
    settings = dataclasses.replace(RECOMMENDED, deskew_below=0.3, rotate_180_below=0.0)
    _, engine = read([("a", 0.4), ("b", 0.4), ("c", 0.3)], [WORD], settings)
    assert engine.calls == [1, 1, 1]


def test_a_tall_image_is_rotated_and_then_looked_at_in_the_best_orientation():
    answers = [("?", 0.1), ("??", 0.2), ("lone", 0.65), ("line", 0.8), ("line", 0.6)]
    (reading,), engine = read(answers, [TALL])
    assert (reading.text, reading.quarter_turns, reading.width_factor) == ("line", 3, 0.75)
    assert engine.sizes == [(96, 32), (32, 96), (32, 96), (32, 72), (32, 125)]
    assert engine.calls == [1, 2, 1, 1]


def test_a_dash_in_a_rotated_image_is_not_believed():
    settings = SecondLooksConfig(rotate_tall_below=0.9)
    (reading,), _ = read([("I", 0.5), ("-", 0.8), ("-", 0.85)], [TALL], settings)
    assert (reading.text, reading.quarter_turns) == ("I", 0)


def test_what_is_read_with_confidence_upside_down_is_upside_down():
    settings = SecondLooksConfig(rotate_180_below=0.3)
    (reading,), _ = read([("?!", 0.1), ("word", 0.95)], [WORD], settings)
    assert (reading.text, reading.confidence, reading.quarter_turns) == ("word", 0.95, 2)
    for other in (("word", 0.7), ("x", 0.95)):
        (reading,), _ = read([("?!", 0.1), other], [WORD], settings)
        assert (reading.text, reading.confidence, reading.quarter_turns) == ("?!", 0.1, 0)


def test_a_narrow_image_is_read_with_margins_too():
    settings = dataclasses.replace(WIDTHS, rotate_tall_below=0.0)
    answers = [("l", 0.5), ("1", 0.3), ("1", 0.3), ("I", 0.7)]
    (reading,), engine = read(answers, [NARROW], settings)
    assert (reading.text, reading.margin) == ("I", 0.25)
    assert engine.sizes[-1] == (48, 48)


def test_an_image_as_wide_as_the_network_takes_is_not_widened():
    (reading,), engine = read([("word", 0.6)], [WIDE], WIDTHS)
    assert (reading.text, reading.confidence) == ("word", 0.6)
    assert engine.calls == [1]


def test_views_of_all_images_are_read_together():
    answers = [
        *[("a", 0.5), ("sure", 0.95), ("b", 0.6), ("c", 0.7)],
        *[("a", 0.7), ("x", 0.5), ("c", 0.7)],
        *[("b", 0.2)],
    ]
    readings, engine = read(answers, [WORD] * 4, WIDTHS)
    assert [reading.text for reading in readings] == ["a", "sure", "b", "c"]
    assert engine.calls == [4, 3, 1]


def test_what_cannot_be_read_keeps_its_error():
    engine = ScriptedEngine([("", 0.0, "unreadable image"), ("", 0.0, "of another kind")])
    readings = SecondLooksEngine(engine, RECOMMENDED).read([LazyImage(b"no image"), WORD])
    assert [reading.error for reading in readings] == ["unreadable image", "of another kind"]
    assert engine.calls == [2]


def test_the_settings_that_apply_are_those_of_the_reader():
    engine = SecondLooksEngine(ScriptedEngine([]), WIDTHS)
    assert engine.config == Config(second_looks=WIDTHS)

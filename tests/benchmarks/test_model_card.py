import numpy as np
import pytest

from benchmarks import model_card
from benchmarks.model_card import Reading, Word


def word(text: str, height: int = 32, data: str = "signs") -> Word:
    return Word(np.full((height, 60, 3), 255, np.uint8), data, text)


READINGS = [
    Reading(word("Hotel"), "HOTEL", 0.9),
    Reading(word("Bar", height=12), "Ear", 0.8),
    Reading(word("Restaurant", data="menus"), "Restaurant", 1.0),
]


def test_each_group_has_the_readings_that_belong_to_it():
    rows = {row["images"]: row for row in model_card.describe_groups(READINGS)}
    numbers = {name: row["number"] for name, row in rows.items()}
    assert numbers == {
        "signs": 2,
        "menus": 1,
        "all": 3,
        "1 to 3 characters": 1,
        "4 to 6 characters": 1,
        "10 to 99 characters": 1,
        "1 to 15 pixels high": 1,
        "32 to 63 pixels high": 2,
    }
    assert rows["signs"]["match %"] == 50.0
    assert rows["signs"]["strict %"] == 0.0
    assert rows["menus"]["ECE %"] == pytest.approx(0.0)


def test_a_rotated_word_is_whole():
    image = np.zeros((20, 60, 3), np.uint8)
    image[:, :, 0] = 200
    upright = model_card.turn(Word(image, "signs", "a"), 90)
    assert upright.image.shape == (60, 20, 3)
    assert upright.text == "a"
    assert (upright.image[:, :, 0] == 200).all()


def test_the_most_confident_errors_come_first(monkeypatch):
    drawn = []
    monkeypatch.setattr(model_card, "draw_contact_sheet", lambda images, _: drawn.extend(images))
    wrong = [Reading(word("a"), "b", 0.3), Reading(word("c"), "d", 0.7), *READINGS]
    model_card.draw_worst(wrong, 2)
    assert [caption for _, caption in drawn] == ["Bar > Ear (0.80)", "c > d (0.70)"]
    with pytest.raises(ValueError, match="Expected errors to draw"):
        model_card.draw_worst(READINGS[::2], 2)


def test_images_without_a_text_have_none():
    words = model_card.textless_words()
    assert len(words) == model_card.NUM_TEXTLESS
    assert {word.text for word in words} == {""}

import dataclasses

import numpy as np

from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.reader import Reader
from attention_ocr.pages.page_reader import PageReader
from attention_ocr.pages.read_spaces import drop_false_spaces
from attention_ocr.settings.config import Config, ImageConfig
from attention_ocr.text.charset import Charset
from tests.pages.rendered import draw, font
from tests.pages.scripted import BandDetector

TEXT = "many words on one line"
LEFT, MARGIN, SIZE = 10, 10, 32
NUM_COLUMNS = 400


def line_and_reading(text: str, confidence: float, drawn: str = TEXT) -> tuple[np.ndarray, Reading]:
    """Draw a line, read as `text`: the same with more spaces, each with this confidence."""
    face = font(SIZE)
    width = int(face.getlength(drawn)) + LEFT + MARGIN
    image = draw([(drawn, LEFT, 8)], size=(width, 54), text_size=SIZE)
    attention = np.zeros((len(text), 1, NUM_COLUMNS), np.float32)
    place, confidences = 0, []
    for index, character in enumerate(text):
        is_drawn = character == drawn[place]
        begin, end = (face.getlength(drawn[:stop]) for stop in (place, place + is_drawn))
        attention[index, 0, int((LEFT + (begin + end) / 2) / width * NUM_COLUMNS)] = 1.0
        confidences.append(1.0 if is_drawn else confidence)
        place += is_drawn
    return image, Reading(text, 0.9, tuple(confidences), attention, (1.0, 1.0))


def dropped(*lines: tuple[np.ndarray, Reading]) -> list[str]:
    images, readings = zip(*lines, strict=True)
    return [reading.text for reading in drop_false_spaces(readings, images)]


def test_a_space_within_a_word_is_dropped_unless_its_confidence_is_high():
    for wrong in ("many wor ds on one line", "ma ny words on one li ne"):
        assert dropped(line_and_reading(wrong, 0.95)) == [TEXT]
        assert dropped(line_and_reading(wrong, 0.99)) == [wrong]


def test_spaces_at_visible_gaps_stay_at_any_confidence():
    image, reading = line_and_reading(TEXT, 1.0)
    unsure = dataclasses.replace(reading, character_confidences=(0.4,) * len(TEXT))
    assert drop_false_spaces([unsure], [image]) == [unsure]


def test_the_usual_gap_is_that_of_the_page():
    word = line_and_reading("wor ds", 0.9, drawn="words")
    assert dropped(word) == ["wor ds"]
    assert dropped(word, line_and_reading(TEXT, 1.0)) == ["words", TEXT]


def test_a_line_keeps_its_narrow_spaces_on_a_page_of_justified_text():
    image, reading = line_and_reading(TEXT, 1.0)
    unsure = dataclasses.replace(reading, character_confidences=(0.9,) * len(TEXT))
    wide = TEXT.replace(" ", "  ")
    lines = [line_and_reading(wide, 1.0, drawn=wide)] * 3
    assert dropped((image, unsure), *lines) == [TEXT, wide, wide, wide]


def test_attention_and_confidences_follow_the_characters():
    image, reading = line_and_reading("many wor ds on one line", 0.5)
    (found,) = drop_false_spaces([reading], [image])
    assert found.character_confidences == (1.0,) * len(TEXT)
    np.testing.assert_array_equal(found.attention, line_and_reading(TEXT, 1.0)[1].attention)


def test_without_an_attention_or_a_space_a_line_stays_as_it_is():
    image, reading = line_and_reading("many wor ds on one line", 0.5)
    blind = dataclasses.replace(reading, attention=np.zeros((0, 0, 0), np.float32))
    empty = Reading("", 0.0, (), np.zeros((0, 1, 9), np.float32), (1.0, 1.0))
    assert drop_false_spaces([blind, empty], [image, image]) == [blind, empty]
    assert drop_false_spaces([], []) == []


class LineEngine:
    """Reads `TEXT` with a space within a word."""

    config = Config(image=ImageConfig(max_image_width=1024))
    charset = Charset(tuple(sorted(set(TEXT))))

    def read(self, images):
        return [line_and_reading("many wor ds on one line", 0.9)[1] for _ in images]


def test_the_words_of_a_page_are_without_these_spaces():
    page = draw([(TEXT, 60, 40)])
    (line,) = PageReader(Reader(LineEngine()), BandDetector()).read(page).lines
    assert [word.text for word in line.words] == TEXT.split()

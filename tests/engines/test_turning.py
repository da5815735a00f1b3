import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from PIL import Image

import attention_ocr
from attention_ocr.charset import Charset
from attention_ocr.cli.overlay_folder import OverlayFolder
from attention_ocr.config import Config
from attention_ocr.engines.interface import Reading
from attention_ocr.engines.turning import TurningEngine
from attention_ocr.reading.reader import encode_image
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from tests.image_files import encode

# Black but for a white corner at the top left; a turn moves the corner.
TALL = np.zeros((40, 20, 3), np.uint8)
TALL[:10, :10] = 255


@dataclass
class CornerEngine:
    """Says in which corner the picture is white, and is as sure as it was told for each."""

    confidences: dict[str, float]
    config = Config()
    charset = Charset("abc")

    def __post_init__(self):
        self.seen = []

    def read(self, files):
        return [self._read(file) for file in files]

    def _read(self, file):
        picture = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
        self.seen.append(picture.shape[:2])
        rows, columns = ("top", "bottom"), ("left", "right")
        place = f"{rows[int(picture[2, :].max() < 128)]} {columns[int(picture[:, 2].max() < 128)]}"
        return Reading(place, self.confidences.get(place, 0.0), (), np.zeros((0, 1, 1)), (1.0, 1.0))


@pytest.mark.parametrize(
    ("surest", "quarter_turns"), [("top left", 0), ("bottom left", 1), ("top right", 3)]
)
def test_a_tall_picture_is_read_as_it_is_read_surest(surest, quarter_turns):
    engine = CornerEngine({surest: 0.8})
    (reading,) = TurningEngine(engine).read([encode_image(TALL)])
    assert (reading.text, reading.confidence) == (surest, 0.8)
    assert reading.quarter_turns == quarter_turns
    assert engine.seen == [(40, 20), (20, 40), (20, 40)]


def test_a_tall_picture_that_is_read_surely_is_not_turned():
    engine = CornerEngine({"top left": 0.9, "bottom left": 0.95})
    (reading,) = TurningEngine(engine).read([encode_image(TALL)])
    assert (reading.text, reading.quarter_turns) == ("top left", 0)
    assert engine.seen == [(40, 20)]


def test_other_pictures_are_read_once():
    engine = CornerEngine({})
    files = [encode_image(TALL[:30]), encode_image(TALL[:, :, 0].T.copy())]
    assert [reading.quarter_turns for reading in TurningEngine(engine).read(files)] == [0, 0]
    assert len(engine.seen) == 2


def test_a_picture_is_tall_as_it_is_shown():
    exif = Image.Exif()
    exif[0x0112] = 6
    shown_tall = encode(np.ascontiguousarray(np.rot90(TALL)), "PNG", exif=exif)
    shown_wide = encode(TALL, "PNG", exif=exif)
    engine = CornerEngine({})
    TurningEngine(engine).read([shown_tall])
    assert len(engine.seen) == 3
    TurningEngine(engine).read([shown_wide])
    assert len(engine.seen) == 4


def test_a_huge_picture_is_reduced_before_it_is_turned():
    engine = CornerEngine({})
    TurningEngine(engine).read([encode(Image.new("L", (255, 65535), 200), "GIF")])
    assert engine.seen == [(16383, 63), (63, 16383), (63, 16383)]


class FailingEngine(CornerEngine):
    """Cannot read what is given as it is, and reads anything in what is turned."""

    def _read(self, file):
        reading = super()._read(file)
        return reading if self.seen[1:] else dataclasses.replace(reading, error="unreadable image")


def test_an_error_stays_an_error():
    engine = FailingEngine({"top left": 0.1, "bottom left": 0.8})
    (reading,) = TurningEngine(engine).read([encode_image(TALL)])
    assert reading.error == "unreadable image"
    assert len(engine.seen) == 1


def test_what_cannot_be_decoded_is_left_to_the_engine():
    reader = attention_ocr.load(turn_tall=True)
    cut = encode_image(TALL)[:60]
    unreadable, upright = reader.read([cut, np.full((32, 60), 255, np.uint8)])
    assert unreadable.error
    assert upright.error is None


@pytest.mark.parametrize("quarter_turns", [1, 3])
def test_the_package_reads_words_that_stand_on_end(quarter_turns):
    renderer = Renderer(
        SynthesisConfig(
            kinds=("words",), min_length=6, difficulty=0.0, fonts="bundled", part="eval"
        )
    )
    words = [renderer.render(index) for index in range(12)]
    # Turned the other way, so that the reader's turn undoes it.
    turned = [np.ascontiguousarray(np.rot90(image, -quarter_turns)) for image, _ in words]
    readings = attention_ocr.load().read(turned)
    right = [
        reading.text == text and reading.quarter_turns == quarter_turns
        for reading, (_, text) in zip(readings, words, strict=True)
    ]
    assert np.mean(right) >= 0.8
    assert {
        reading.quarter_turns for reading in attention_ocr.load(turn_tall=False).read(turned)
    } == {0}


def test_a_turned_word_is_drawn_upright(tmp_path):
    attention = np.ones((2, 1, 5), np.float32)
    reading = Reading("ab", 1.0, (1.0, 1.0), attention, (1.0, 1.0), quarter_turns=3)
    folder = OverlayFolder(tmp_path)
    turned = folder.write("turned.png", encode_image(TALL), reading)
    upright = folder.write(
        "upright.png",
        encode_image(np.ascontiguousarray(np.rot90(TALL, 3))),
        dataclasses.replace(reading, quarter_turns=0),
    )
    assert turned.read_bytes() == upright.read_bytes()

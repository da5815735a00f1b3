import dataclasses

import numpy as np
import pytest
from PIL import Image

import attention_ocr
from attention_ocr.cli.overlay_folder import OverlayFolder
from attention_ocr.images.decode import encode_array
from attention_ocr.images.image import LazyImage
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.second_looks.engine import SecondLooksEngine
from attention_ocr.inference.second_looks.rotate import (
    is_tall,
    is_upside_down,
    most_upright,
    rotated,
)
from attention_ocr.settings.second_looks import SecondLooksConfig
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from tests.image_files import encode
from tests.inference.scripted import ScriptedEngine, reading_of

# Black but for a white corner at the top left; a rotation moves the corner.
TALL = np.zeros((40, 20, 3), np.uint8)
TALL[:10, :10] = 255


@pytest.fixture(scope="module")
def words():
    """Words: images uint8 [h, w, 3] and their texts."""
    renderer = Renderer(
        SynthesisConfig(
            kinds=("words",), min_length=6, difficulty=0.0, fonts="bundled", part="eval"
        )
    )
    return [renderer.render(index) for index in range(12)]


@pytest.mark.parametrize(
    ("quarter_turns", "shape", "corner"),
    [(1, (20, 40), (-1, 0)), (2, (40, 20), (-1, -1)), (3, (20, 40), (0, -1))],
)
def test_an_image_is_rotated_anticlockwise(quarter_turns, shape, corner):
    view = rotated(TALL, quarter_turns)
    assert view.image.shape[:2] == shape
    assert (view.image[corner] == 255).all()
    assert view.fields == {"quarter_turns": quarter_turns}


def test_an_image_is_tall_from_one_and_a_half_times_its_width_on():
    assert is_tall(TALL)
    assert not is_tall(TALL[:30])
    assert not is_tall(TALL[:, :, 0].T)


def test_the_most_confident_orientation_is_upright():
    own, down, up = reading_of("ab", 0.4), reading_of("cd", 0.6), reading_of("e", 0.9)
    assert most_upright(own, [down, up]) is down
    assert most_upright(reading_of("f", 0.7), [down, up]).text == "f"


def test_upside_down_takes_confidence_and_two_characters():
    assert is_upside_down(reading_of("ab", 0.8))
    assert not is_upside_down(reading_of("ab", 0.7))
    assert not is_upside_down(reading_of("6", 0.99))


def test_an_image_is_tall_as_it_is_shown():
    exif = Image.Exif()
    exif[0x0112] = 6
    shown_tall = encode(np.ascontiguousarray(np.rot90(TALL)), "PNG", exif=exif)
    shown_wide = encode(TALL, "PNG", exif=exif)
    looks = SecondLooksConfig(rotate_tall_below=0.9)
    engine = ScriptedEngine([("ab", 0.2), ("ab", 0.4), ("cd", 0.6)])
    (reading,) = SecondLooksEngine(engine, looks).read([LazyImage(shown_tall)])
    assert (reading.text, reading.quarter_turns) == ("cd", 3)
    engine = ScriptedEngine([("ab", 0.2)])
    (reading,) = SecondLooksEngine(engine, looks).read([LazyImage(shown_wide)])
    assert (reading.text, engine.calls) == ("ab", [1])


def test_a_huge_image_is_reduced_before_it_is_rotated():
    engine = ScriptedEngine([("a", 0.2), ("a", 0.2), ("a", 0.2)])
    huge = encode(Image.new("L", (255, 65535), 200), "GIF")
    SecondLooksEngine(engine, SecondLooksConfig(rotate_tall_below=0.9)).read([LazyImage(huge)])
    assert engine.sizes == [(16383, 63), (4, 1024), (4, 1024)]


def test_what_cannot_be_decoded_is_left_to_the_engine():
    reader = attention_ocr.load(rotate_tall=True)
    cut = encode_array(TALL)[:60]
    unreadable, upright = reader.read([cut, np.full((32, 60), 255, np.uint8)])
    assert unreadable.error
    assert upright.error is None


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_the_package_reads_rotated_words(words, quarter_turns):
    # Rotated the other way, so that the reader's rotation undoes it.
    images = [np.ascontiguousarray(np.rot90(image, -quarter_turns)) for image, _ in words]
    readings = attention_ocr.load().read(images)
    right = [
        reading.text == text and reading.quarter_turns == quarter_turns
        for reading, (_, text) in zip(readings, words, strict=True)
    ]
    assert np.mean(right) >= 0.8
    once = attention_ocr.load(second_looks=False).read(images)
    assert {reading.quarter_turns for reading in once} == {0}


@pytest.mark.parametrize("quarter_turns", [2, 3])
def test_a_rotated_word_is_drawn_upright(tmp_path, quarter_turns):
    attention = np.ones((2, 1, 5), np.float32)
    reading = Reading("ab", 1.0, (1.0, 1.0), attention, (1.0, 1.0), quarter_turns=quarter_turns)
    folder = OverlayFolder(tmp_path)
    rotated_overlay = folder.write("rotated.png", encode_array(TALL), reading)
    upright = folder.write(
        "upright.png",
        encode_array(np.ascontiguousarray(np.rot90(TALL, quarter_turns))),
        dataclasses.replace(reading, quarter_turns=0),
    )
    assert rotated_overlay.read_bytes() == upright.read_bytes()


def test_a_word_with_margins_is_drawn_with_them(tmp_path):
    attention = np.ones((1, 1, 5), np.float32)
    reading = Reading("I", 1.0, (1.0,), attention, (1.0, 1.0), margin=0.25)
    folder = OverlayFolder(tmp_path)
    drawn = folder.write("narrow.png", encode_array(TALL), reading)
    padded = np.pad(TALL, ((0, 0), (10, 10), (0, 0)), "edge")
    wide = folder.write("wide.png", encode_array(padded), dataclasses.replace(reading, margin=0.0))
    assert drawn.read_bytes() == wide.read_bytes()

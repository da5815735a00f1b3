from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attention_ocr.synthesis import font_packages
from attention_ocr.synthesis.contact_sheet import draw_contact_sheet
from attention_ocr.synthesis.fonts import find_faces
from attention_ocr.visualization import glyphs
from attention_ocr.visualization.glyphs import draw_line
from attention_ocr.visualization.overlay import attention_strip, caption


@pytest.fixture
def fonts_of_the_machine(monkeypatch):
    """Return a function that sets the font files of a test."""

    def set_files(*files: Path) -> None:
        monkeypatch.setattr(glyphs, "list_font_files", lambda _: files)
        forget()

    def forget() -> None:
        glyphs._font_files.cache_clear()
        glyphs._font_file.cache_clear()

    yield set_files
    forget()


def test_a_line_is_black_on_white_and_as_high_as_its_font():
    for size in (11, 24):
        line = draw_line("Agp", size)
        assert line.dtype == np.uint8
        assert line.shape[0] == round(1.4 * size)
        assert line.shape[2] == 3
        assert line.min() < 64
        # Nothing is cut off above or below.
        assert (line[[0, -1]] == 255).all()


def test_a_longer_text_is_wider():
    assert draw_line("four words are here", 16).shape[1] > 2 * draw_line("words", 16).shape[1]


def test_an_empty_line_can_be_drawn():
    assert draw_line("", 16).shape[1] >= 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("中", "U+4E2D"),
        ("a中b", "aU+4E2Db"),
        ("\U0001f600", "U+1F600"),
        (" ", "U+0020"),
        ("\u00a0", "U+00A0"),
        ("\N{COMBINING ACUTE ACCENT}", "U+0301"),
        ("\t", "U+0009"),
        ("\ufdd0", "U+FDD0"),
    ],
)
def test_a_character_that_no_font_has_is_written_as_its_code_point(
    text, shown, fonts_of_the_machine
):
    fonts_of_the_machine()
    np.testing.assert_array_equal(draw_line(text, 16), draw_line(shown, 16))


def test_a_warning_names_the_package_for_a_script_without_a_font(
    fonts_of_the_machine, monkeypatch, caplog
):
    fonts_of_the_machine()
    monkeypatch.setattr(font_packages, "_warned", set())
    image = np.zeros((20, 60, 3), np.uint8)
    for _ in range(2):
        attention_strip(image, "東京", np.ones((2, 1, 3)), (1.0, 1.0))
        caption(image, "abc \x1b")
        draw_contact_sheet([(image, "京a")], find_faces("bundled"))
    notes = [record.getMessage() for record in caplog.records if record.name == "absl"]
    assert len(notes) == 1
    assert "apt-get install fonts-noto-cjk" in notes[0]


def test_a_space_between_words_is_a_space():
    together, apart = draw_line("ab", 20), draw_line("a b", 20)
    assert 2 < apart.shape[1] - together.shape[1] < 12


def test_another_script_is_drawn_in_a_font_that_has_it():
    # Roboto, which comes with the package, has Cyrillic and Greek; Pillow's own font has not.
    for character in "жЩΩλ":
        assert glyphs._font_file(character) not in (None, glyphs._PILLOWS_OWN)
        assert (draw_line(character, 24) < 128).any()
    assert glyphs._font_file("a") == glyphs._PILLOWS_OWN


def test_a_file_that_is_no_font_is_skipped(tmp_path, fonts_of_the_machine):
    broken = tmp_path / "Broken-Regular.ttf"
    broken.write_bytes(b"no font")
    fonts_of_the_machine(broken)
    assert glyphs._font_file("中") is None
    assert glyphs._font_file("a") == glyphs._PILLOWS_OWN


def test_the_drawing_can_be_saved_as_an_image(tmp_path):
    Image.fromarray(draw_line("word", 16)).save(tmp_path / "word.png")

import string
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.TupleVariation import TupleVariation

from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typeface_choice import FaceChooser
from attention_ocr.synthesis.typefaces import (
    first_missing,
    inspect_file,
    letter_shapes,
    measure_legibility,
    to_ranges,
    visible_characters,
)
from attention_ocr.synthesis.typesetting import draw_ink, open_font

BAR = [(100, 0, 200, 700)]
STEP = [(100, 0, 200, 700), (200, 0, 500, 100)]
TEE = [(250, 0, 350, 700), (100, 600, 500, 700)]
DASH = [(100, 300, 500, 400)]
BOX = [(100, 0, 500, 700)]


def break_glyphs(path, characters):
    """Let the glyphs of characters consist of themselves."""
    font = TTFont(path, recalcBBoxes=False)
    for name in map(font.getBestCmap().get, map(ord, characters)):
        pen = TTGlyphPen(font["glyf"].glyphs)
        pen.addComponent(name, (1, 0, 0, 1, 0, 0))
        glyph = font["glyf"].glyphs[name] = pen.glyph()
        glyph.xMin = glyph.yMin = glyph.xMax = glyph.yMax = 0
    font.save(path)


def test_runs_of_code_points_are_joined():
    assert to_ranges([]) == ()
    assert to_ranges([65, 66, 67, 97, 99, 100]) == (65, 67, 97, 97, 99, 100)


@pytest.mark.parametrize("ranges", [(), (65, 67, 97, 97, 99, 100), (98, 98)])
def test_covered_characters_are_those_of_the_runs(ranges):
    points = {
        point
        for first, last in zip(ranges[::2], ranges[1::2], strict=True)
        for point in range(first, last + 1)
    }
    covered = Face("font.ttf", ranges=ranges).covered(map(chr, range(60, 110)))
    assert covered == {chr(point) for point in points}


def test_a_private_character_that_a_face_has_is_not_taken_for_missing():
    assert first_missing([65, 0x10FFFD, 0x10FFFC]) == chr(0x10FFFB)
    assert first_missing([], 0xF8FF) == chr(0xF8FF)


def test_a_font_file_tells_names_coverage_and_proportions(make_font):
    path = make_font("Plain", {"I": BAR, "L": STEP, "T": TEE, "H": [*BAR, (400, 0, 500, 700)]})
    (face,) = inspect_file(path)
    assert (face.family, face.style, face.path) == ("Plain", "Regular", str(path))
    assert face.covered(string.ascii_letters) == set("HILT")
    assert face.cap_height == pytest.approx(0.7, abs=0.04)


def test_characters_without_ink_or_drawn_as_missing_are_not_covered(make_font):
    glyphs = {"I": BAR, "L": STEP, "T": TEE, "B": [], "X": BOX, " ": []}
    path = make_font("Gaps", glyphs, missing=BOX)
    (face,) = inspect_file(path)
    assert face.covered("ILTBX ") == set("ILT ")


def test_characters_above_latin_are_looked_at_when_asked(make_font):
    glyphs = {"I": BAR, "L": STEP, "T": TEE, "Ω": BOX, "Ж": [], "я": TEE}
    path = make_font("Greek", glyphs, missing=BOX)
    (face,) = inspect_file(path)
    assert face.covered("ΩЖя") == set("ΩЖя")
    assert visible_characters(open_font(face, 20), "ΩЖя", chr(0xF8FF)).keys() == {"я"}


def test_a_character_whose_glyph_is_broken_is_not_covered(make_font):
    path = make_font("Broken", {"I": BAR, "L": STEP, "T": TEE, "é": BOX, "ć": BOX, "я": TEE})
    break_glyphs(path, "éć")
    (face,) = inspect_file(path)
    assert face.covered("ILTéćя") == set("ILTćя")
    chooser = FaceChooser([face], "ILTćя", 0.0, 32, 0)
    assert chooser.shows(face, frozenset("ILTя"))
    assert not chooser.shows(face, frozenset("ć"))


def test_a_face_whose_glyphs_are_all_alike_is_not_usable(make_font):
    path = make_font("Alike", dict.fromkeys(string.ascii_uppercase, DASH))
    assert inspect_file(path) == ()


@pytest.mark.parametrize(("space", "count"), [([], 1), (BOX, 0)], ids=["blank", "ink"])
def test_a_face_whose_space_leaves_ink_is_not_usable(make_font, space, count):
    path = make_font("Frames", {"I": BAR, "L": STEP, "T": TEE, "H": BOX, " ": space})
    assert len(inspect_file(path)) == count


def test_a_face_of_symbols_in_the_place_of_letters_is_not_usable(make_font, plain_face):
    rng = np.random.default_rng(0)
    symbols = {}
    for character in string.ascii_letters + string.digits:
        left, bottom = rng.integers(0, 300, 2).tolist()
        width, height = rng.integers(50, 400, 2).tolist()
        symbols[character] = [(left, bottom, left + width, bottom + height), *DASH]
    path = make_font("Symbols", symbols)
    references = letter_shapes(open_font(plain_face, 32))[None]
    assert inspect_file(path, references) == ()
    assert len(inspect_file(path)) == 1
    assert len(inspect_file(Path(plain_face.path), references)) == 1


def test_small_capitals_are_not_taken_for_lower_case_letters(faces):
    small_capitals = next(face for face in faces if face.family == "Amatic SC")
    assert small_capitals.covered(string.ascii_letters + "ÄäÉé7") == set(
        string.ascii_uppercase + "ÄÉ7"
    )


def test_letters_that_are_dots_or_have_no_width_are_not_covered(make_font):
    dot = [(100, 0, 150, 50)]
    glyphs = {"I": BAR, "L": STEP, "T": TEE, "H": BOX, "A": dot, ".": dot, "W": [(0, 0, 1800, 700)]}
    (face,) = inspect_file(make_font("Dots", glyphs))
    assert face.covered("ILTHAW.") == set("ILTH.")


def test_characters_and_spaces_with_absurd_advances_are_not_covered(make_font):
    glyphs = {"I": BAR, "L": STEP, "T": TEE, "H": BOX, " ": []}
    advances = {"L": 5000, " ": 60_000}
    (face,) = inspect_file(make_font("Torn", glyphs, advances=advances))
    assert face.covered("ILTH ") == set("ITH")
    (face,) = inspect_file(make_font("Tight", glyphs, advances={" ": 0}))
    assert face.covered("ILTH ") == set("ILTH")


@pytest.mark.parametrize(("height_of_a", "kept"), [(700, string.ascii_uppercase), (300, "")])
def test_a_case_that_cannot_be_seen_is_not_covered(make_font, height_of_a, kept):
    rng = np.random.default_rng(1)
    glyphs = {"7": TEE, "1": BAR}
    for lower in string.ascii_lowercase:
        left, middle = rng.integers(0, 400, 2).tolist()
        top = height_of_a if lower == "a" else 700
        boxes = [(left, 0, left + 100, top), (50, middle, 550, middle + 120)]
        glyphs[lower] = glyphs[lower.upper()] = boxes
    (face,) = inspect_file(make_font("Unicase", glyphs))
    assert face.covered(string.ascii_letters + "71") == set(kept + "71")


def test_true_lower_case_stays(faces):
    others = [face for face in faces if face.family != "Amatic SC"]
    assert len(others) > 40
    for face in others:
        assert face.covered(string.ascii_letters) == set(string.ascii_letters), face


@pytest.mark.parametrize("content", [b"", b"no font at all", b"ttcf" + bytes(8), b"\0\1\0\0" * 9])
def test_a_broken_file_has_no_faces(tmp_path, content):
    path = tmp_path / "broken.ttf"
    path.write_bytes(content)
    assert inspect_file(path) == ()


def test_a_font_cut_short_has_no_faces(tmp_path, plain_face):
    whole = Path(plain_face.path).read_bytes()
    for share in (0.1, 0.5, 0.9):
        path = tmp_path / "short.ttf"
        path.write_bytes(whole[: int(share * len(whole))])
        assert inspect_file(path) == ()


def test_a_variable_font_gives_some_of_its_named_weights(make_font, tmp_path):
    path = make_font("Varied", {"I": BAR, "L": STEP, "T": TEE})
    with TTFont(path) as tables:
        builder = FontBuilder(font=tables)
        weights = list(range(100, 1000, 100))
        names = [{"stylename": f"W{weight}", "location": {"wght": weight}} for weight in weights]
        builder.setupFvar([("wght", 100, 100, 900, "Weight")], names)
        # The right edge of the bar moves by 300; four more points are the glyph's metrics.
        wider = TupleVariation(
            {"wght": (0, 1, 1)}, [(0, 0), (0, 0), (300, 0), (300, 0)] + [(0, 0)] * 4
        )
        builder.setupGvar({"u00049": [wider]})
        tables.save(tmp_path / "Variable.ttf")
    faces = inspect_file(tmp_path / "Variable.ttf")
    assert [face.style for face in faces] == ["W100", "W400", "W700"]
    assert [face.axes for face in faces] == [(100.0,), (400.0,), (700.0,)]
    widths = [draw_ink(open_font(face, 100), "I")[0].shape[1] for face in faces]
    assert widths == pytest.approx([10, 10 + 30 * 3 / 8, 10 + 30 * 6 / 8], abs=2)


def test_letters_are_recognised_only_in_order(plain_face):
    shapes = letter_shapes(open_font(plain_face, 32))
    assert shapes.shape == (62, 256)
    np.testing.assert_allclose(np.linalg.norm(shapes, axis=1), 1, rtol=1e-4)
    everything = np.ones(62, bool)
    assert measure_legibility(shapes, shapes[None], everything) == 1
    assert measure_legibility(np.roll(shapes, 7, axis=0), shapes[None], everything) < 0.3


def test_plain_faces_are_more_legible_than_small_capitals(faces, plain_face):
    small_capitals = next(face for face in faces if face.family == "Amatic SC")
    assert plain_face.legibility > 0.95 > small_capitals.legibility

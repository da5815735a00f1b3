import pickle
from collections import Counter

import numpy as np
import pytest

from attention_ocr.synthesis.looks import LOOKS
from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typeface_choice import FaceChooser
from attention_ocr.synthesis.typefaces import inspect_file


def made_up_face(name, characters, legibility=1.0, cap_height=0.7):
    points = sorted(map(ord, characters))
    ranges = tuple(point for point in points for _ in range(2))
    return Face(name, family=name, ranges=ranges, legibility=legibility, cap_height=cap_height)


def choose_many(chooser, text, num_choices=3000):
    rng = np.random.default_rng(0)
    return Counter(chooser.choose(rng, 7 * index, text)[0].path for index in range(num_choices))


def test_a_face_is_chosen_only_for_texts_it_shows():
    faces = [made_up_face("all", "abAB"), made_up_face("lower", "ab"), made_up_face("upper", "AB")]
    chooser = FaceChooser(faces, "abAB", 0.5, 32, 0)
    assert set(choose_many(chooser, "ab")) == {"all", "lower"}
    assert set(choose_many(chooser, "BA")) == {"all", "upper"}
    assert set(choose_many(chooser, "Ab")) == {"all"}


def test_a_rare_face_is_found_for_a_text_no_other_shows():
    faces = [made_up_face(f"plain {number}", "abc") for number in range(300)]
    rare = made_up_face("rare", "abcé", legibility=0.3)
    chooser = FaceChooser([*faces, rare], "abcé", 0.0, 32, 0)
    assert set(choose_many(chooser, "é", 5)) == {"rare"}


def test_no_face_for_a_mixture_that_no_face_has():
    faces = [made_up_face("plain", "ab"), made_up_face("accented", "éü")]
    chooser = FaceChooser(faces, "abéü", 0.5, 32, 0)
    assert chooser.choose(np.random.default_rng(0), 0, "aü") is None


def test_a_character_that_no_face_has_is_named():
    with pytest.raises(ValueError, match="2 faces, none of which has 'é€'"):
        FaceChooser([made_up_face("a", "ab"), made_up_face("b", "b")], "ab€é", 0.5, 32, 0)


def test_decorative_faces_come_more_often_when_hard():
    faces = [made_up_face("plain", "ab"), made_up_face("odd", "ab", legibility=0.6)]
    shares = []
    for difficulty in (0.0, 0.5, 1.0):
        chosen = choose_many(FaceChooser(faces, "ab", difficulty, 32, 0), "ab")
        shares.append(chosen["odd"] / chosen.total())
    assert shares == sorted(shares)
    assert shares[0] < 0.12
    assert shares[2] > 0.15


def test_sizes_give_capitals_of_about_three_quarters_of_the_height():
    tall, small = (
        made_up_face("tall", "ab", cap_height=1.0),
        made_up_face("small", "ab", cap_height=0.5),
    )
    chooser = FaceChooser([tall, small], "ab", 1.0, 40, 0)
    rng = np.random.default_rng(0)
    heights = [
        size * face.cap_height
        for face, size in (chooser.choose(rng, 300 * index, "a") for index in range(300))
    ]
    assert 23 < min(heights) < 26
    assert 28 < max(heights) < 31


def test_neighbouring_images_share_few_faces_and_distant_ones_do_not():
    faces = [made_up_face(f"{number}", "ab") for number in range(500)]
    chooser = FaceChooser(faces, "ab", 0.5, 32, 0)
    rng = np.random.default_rng(0)
    near = {chooser.choose(rng, index, "ab")[0].path for index in range(256)}
    far = {chooser.choose(rng, 256 * index, "ab")[0].path for index in range(256)}
    assert 20 < len(near) <= 32
    assert len(far) > 150


def test_choices_do_not_depend_on_earlier_ones():
    faces = [made_up_face(f"{number}", "ab") for number in range(500)]
    used = FaceChooser(faces, "ab", 0.5, 32, 3)
    for index in range(0, 20_000, 100):
        used.choose(np.random.default_rng(0), index, "ab")
    fresh = pickle.loads(pickle.dumps(FaceChooser(faces, "ab", 0.5, 32, 3)))
    other_seed = FaceChooser(faces, "ab", 0.5, 32, 4)
    choices = [
        [chooser.choose(np.random.default_rng(1), index, "ab") for index in range(0, 5000, 99)]
        for chooser in (used, fresh, other_seed)
    ]
    assert choices[0] == choices[1] != choices[2]


def test_characters_above_latin_without_ink_are_not_shown(make_font):
    bar, tee = [(100, 0, 200, 700)], [(250, 0, 350, 700), (100, 600, 500, 700)]
    box = [(100, 0, 500, 700)]
    glyphs = {"I": bar, "T": tee, "Ж": [], "я": tee, "ш": box}
    faces = inspect_file(make_font("Cyrillic", glyphs, missing=box))
    chooser = FaceChooser(faces, "ITЖяш", 0.5, 32, 0)
    assert chooser.shows(faces[0], frozenset("ITя"))
    assert not chooser.shows(faces[0], frozenset("Ж"))
    assert not chooser.shows(faces[0], frozenset("ш"))


def test_ligatures_are_those_that_a_face_draws(make_font):
    bar, blank = [(200, 0, 300, 700)], []
    glyphs = {"f": bar, "i": bar, "l": [*bar, (300, 0, 600, 100)], "H": [(0, 0, 100, 700), *bar]}
    path = make_font("Book", {**glyphs, "\ufb01": [*bar, (400, 0, 500, 700)], "\ufb02": blank})
    (face,) = inspect_file(path)
    chooser = FaceChooser([face], "fil", 0.5, 32, 0)
    assert chooser.set_ligatures(face, "fil, flif, il") == "\ufb01l, flif, il"
    assert chooser.set_ligatures(face, "iffi") == "if\ufb01"


def test_the_longest_ligature_is_set(make_font):
    bar = [(200, 0, 300, 700)]
    shapes = [[*bar, (300, 0, 400, height)] for height in (100, 300, 500, 700)]
    path = make_font("Book", dict(zip(["f", "i", "\ufb01", "\ufb03"], shapes, strict=True)))
    (face,) = inspect_file(path)
    assert FaceChooser([face], "fi", 0.5, 32, 0).set_ligatures(face, "office fi") == (
        "o\ufb03ce \ufb01"
    )


def test_signs_are_in_bold_faces_more_often_and_hardly_in_light_ones():
    styles = {"Sans Bold": 0, "Sans Regular": 0, "Sans Light": 0}
    faces = [made_up_face(name, "ab") for name in styles]
    chosen = choose_many(FaceChooser(faces, "ab", 0.9, 32, 0, LOOKS["signs"]), "ab")
    shares = [chosen[name] / chosen.total() for name in styles]
    assert shares == pytest.approx([25 / 31, 5 / 31, 1 / 31], abs=0.05)

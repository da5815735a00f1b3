import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from attention_ocr.synthesis import painting
from attention_ocr.synthesis.colors import luma
from attention_ocr.synthesis.kinds import KINDS as KINDS_OF_TEXT
from attention_ocr.synthesis.looks import LOOKS, SURFACES, Look, parse_looks
from attention_ocr.synthesis.painters import PAINTERS
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.scene_colors import PALETTES, draw_captcha_palette
from attention_ocr.synthesis.settings import SynthesisConfig, parse_options
from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typeface_choice import FaceChooser
from tests.synthesis.rendered import digest

SCENES = [name for name, look in LOOKS.items() if look.surface]
KINDS = ("words", "codes", "meters", "runs")


@pytest.fixture
def make(faces):
    return lambda **settings: Renderer(
        SynthesisConfig(fonts="bundled", **({"kinds": KINDS} | settings)), faces
    )


def test_every_surface_has_a_look_and_a_painter():
    assert {look.surface for look in LOOKS.values()} == {"", *SURFACES}
    assert PAINTERS.keys() == set(SURFACES)


@pytest.mark.parametrize("look", SCENES)
def test_images_of_a_look_depend_on_seed_and_index_alone(make, look):
    renderer = make(look=look, seed=2, difficulty=0.9)
    examples = [renderer.render(index) for index in range(24)]
    for image, text in examples:
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert min(image.shape[:2]) >= 6
        assert text
        assert np.ptp(image) > 10
    copy = pickle.loads(pickle.dumps(renderer))
    assert digest(copy.render(index) for index in range(24)) == digest(examples)
    assert digest(make(look=look, seed=3, difficulty=0.9).generate(0, 24)) != digest(examples)


@pytest.mark.parametrize("look", SCENES)
def test_images_of_a_look_without_a_text_have_an_empty_label(make, look):
    written = list(make(look=look).generate(0, 6))
    blank = list(make(look=look, textless=1.0).generate(0, 6))
    assert [text for _, text in blank] == [""] * 6
    assert digest(blank) != digest(written)


@pytest.mark.parametrize("look", ["plates", "led", "wheels", "neon"])
def test_at_difficulty_0_text_stands_out_from_its_ground(make, look):
    for image, _ in make(look=look, difficulty=0.0, min_length=2).generate(0, 20):
        assert np.ptp(image.astype(float) @ (0.299, 0.587, 0.114)) > 20


def test_looks_are_mixed_by_their_names(make, monkeypatch):
    seen = []
    real = painting.PAINTERS["plate"], painting.PAINTERS["lamps"]
    for surface, painter in zip(("plate", "lamps"), real, strict=True):
        monkeypatch.setitem(
            painting.PAINTERS,
            surface,
            lambda *args, surface=surface, painter=painter: seen.append(surface) or painter(*args),
        )
    list(make(look="plates+plates+led", difficulty=0.5).generate(0, 90))
    assert 1.2 * seen.count("lamps") < seen.count("plate") < 3.5 * seen.count("lamps")


def test_names_of_looks_are_joined_by_plus():
    assert parse_looks("plates+led") == ("plates", "led")
    assert parse_options({"look": "tags+tags+any"}).look == "tags+tags+any"
    with pytest.raises(ValueError, match="look among any, .* Received: look='velvet'"):
        parse_looks("plates+velvet")


def test_codes_on_plates_have_no_space_in_their_label(make):
    for _, text in make(look="plates", kinds=("plates",), min_length=6).generate(0, 40):
        assert " " not in text


def test_strongly_damaged_images_are_a_share_of_those_of_a_look(make, monkeypatch):
    damaged = []
    monkeypatch.setattr(painting, "damage", lambda _, image, *rest: damaged.append(rest) or image)
    list(make(look="scenes", difficulty=1.0).generate(0, 200))
    assert 40 < len(damaged) < 100


def test_faces_of_a_look_come_more_often_by_their_names():
    base = Look(1, 0, (0, 0), True, 0, 0, 0, 0, 0, 0, faces="din", favor=30, shunned="italic")
    faces = [
        Face(f"{name}.ttf", family=name, style=style, ranges=(65, 90))
        for name, style in (("DIN", ""), ("Plain", ""), ("Other", "Italic"))
    ]
    chooser = FaceChooser(faces, "ABC", 0.5, 32, 0, base)
    assert np.diff(chooser._cumulative, prepend=0) == pytest.approx(np.array([30, 1, 0.05]) / 31.05)


@pytest.mark.parametrize("draw", [*PALETTES.values(), draw_captcha_palette])
def test_text_and_ground_of_things_differ_in_brightness(draw):
    for seed in range(200):
        palette = draw(np.random.default_rng(seed), 0.8)
        for color in (palette.text, palette.ground):
            assert all(0 <= channel <= 255 for channel in color)
        assert palette.contrast > 20
        other = palette.draw_ground(np.random.default_rng(seed), 1.0)
        assert abs(luma(other) - luma(palette.text)) >= min(palette.gap, palette.contrast) - 2


def test_the_mixture_of_the_documentation_can_be_rendered(faces):
    page = (Path(__file__).parents[2] / "docs" / "rendering.md").read_text(encoding="utf-8")
    sources = re.findall(r"^    synthetic,(.*?);?$", page, re.MULTILINE)
    assert len(sources) == 7
    weights = []
    for source in sources:
        options = dict(option.split("=") for option in source.split(","))
        weights.append(float(options.pop("weight")))
        config = parse_options(options | {"words_file": "", "fonts": "bundled"})
        image, _ = Renderer(config, faces).render(0)
        assert image.size
    assert sum(weights) == pytest.approx(1)


def test_the_documentation_names_every_kind_and_look():
    page = (Path(__file__).parents[2] / "docs" / "rendering.md").read_text(encoding="utf-8")
    for name in (*KINDS_OF_TEXT, *LOOKS):
        assert f"`{name}`" in page, name

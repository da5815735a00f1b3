"""Painters of every surface: what they may and may not do to an image."""

import dataclasses

import cv2
import numpy as np
import pytest

from attention_ocr.synthesis.effects import Strokes, measure_strokes
from attention_ocr.synthesis.looks import LOOKS
from attention_ocr.synthesis.painters import PAINTERS, Scene
from attention_ocr.synthesis.scene_colors import PALETTES, draw_captcha_palette

SIZE = (48, 120)
SEEDS = range(12)


def masks():
    """Return ink, second texts and frame that do not touch."""
    ink, secondary, frame = (np.zeros(SIZE, np.uint8) for _ in range(3))
    for left in range(24, 96, 18):
        ink[12:36, left : left + 6] = 255
    secondary[40:43, 30:90] = 255
    cv2.rectangle(frame, (3, 3), (SIZE[1] - 4, SIZE[0] - 4), 255, 1)
    return ink, secondary, frame


def scene_for(surface, rng, difficulty=0.0, **values):
    ink, secondary, frame = masks()
    palette = PALETTES.get(surface, lambda rng, _: draw_captcha_palette(rng, 0.0))(rng, 1.0)
    strokes = measure_strokes(ink)
    scene = Scene(ink, secondary, frame, 24, strokes, palette, difficulty, LOOKS["signs"])
    return dataclasses.replace(scene, **values)


def blank(scene):
    image = np.empty((*SIZE, 3), np.uint8)
    image[:] = np.array(scene.palette.ground) + 0.5
    return image


@pytest.mark.parametrize("surface", PAINTERS)
@pytest.mark.parametrize("difficulty", [0.0, 1.0])
def test_an_image_keeps_its_size_and_the_inputs_stay(surface, difficulty):
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        scene = scene_for(surface, rng, difficulty)
        image = blank(scene)
        before = [part.copy() for part in (image, scene.ink, scene.secondary, scene.frame)]
        painted = PAINTERS[surface](rng, image, scene)
        assert painted.shape == image.shape
        assert painted.dtype == np.uint8
        after = (image, scene.ink, scene.secondary, scene.frame)
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("surface", PAINTERS)
def test_the_same_generator_paints_the_same(surface):
    def painted(seed):
        rng = np.random.default_rng(seed)
        scene = scene_for(surface, rng, 1.0)
        return PAINTERS[surface](rng, blank(scene), scene)

    np.testing.assert_array_equal(painted(3), painted(3))
    assert any((painted(3) != painted(seed)).any() for seed in SEEDS if seed != 3)


@pytest.mark.parametrize("surface", PAINTERS)
def test_letters_differ_from_what_is_around_them(surface):
    differences = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        scene = scene_for(surface, rng)
        gray = PAINTERS[surface](rng, blank(scene), scene).mean(axis=2)
        inside = scene.ink > 0
        # A ring around the letters, without the frame and the second text.
        around = (cv2.dilate(scene.ink, np.ones((5, 5), np.uint8)) > 0) & ~inside
        # Embossed letters differ by their edges.
        spread = max(gray[inside].std(), gray[around].std())
        differences.append(max(abs(gray[inside].mean() - gray[around].mean()), spread))
    assert np.median(differences) > 20.0
    assert min(differences) > 4.0


@pytest.mark.parametrize("surface", ["paint", "paper", "tag"])
def test_easy_letters_have_exactly_their_colour(surface):
    rng = np.random.default_rng(5)
    scene = scene_for(surface, rng)
    painted = PAINTERS[surface](rng, blank(scene), scene)
    core = cv2.erode(scene.ink, np.ones((3, 3), np.uint8)) > 0
    colour = (np.array(scene.palette.text) + 0.5).astype(np.uint8)
    assert np.abs(painted[core].astype(int) - colour).max() <= 1


def test_lamps_shine_beyond_their_edges_and_dark_segments_do_not():
    rng = np.random.default_rng(0)
    glowing = [scene_for("neon", rng, secondary=np.zeros(SIZE, np.uint8),
                         frame=np.zeros(SIZE, np.uint8)) for _ in range(4)]  # fmt: skip
    for scene in glowing:
        image = blank(scene)
        painted = PAINTERS["lamps"](rng, image, scene).astype(int)
        around = (cv2.dilate(scene.ink, np.ones((3, 3), np.uint8)) > 0) & (scene.ink == 0)
        assert (painted[around].sum(axis=1) >= image[around].astype(int).sum(axis=1)).all()
        assert painted[around].sum() > image[around].astype(int).sum()


def test_an_outline_surrounds_the_letters():
    rng = np.random.default_rng(1)
    nothing = np.zeros(SIZE, np.uint8)
    scene = scene_for("paint", rng, outline=2, secondary=nothing, frame=nothing)
    image = blank(scene)
    # A ground that no outline has.
    image[:] = (1, 254, 1)
    painted = PAINTERS["paint"](rng, image, scene)
    beside = (cv2.dilate(scene.ink, np.ones((3, 3), np.uint8)) > 0) & (scene.ink == 0)
    assert (painted[beside] != image[beside]).any(axis=1).all()


@pytest.mark.parametrize("surface", PAINTERS)
def test_without_ink_there_is_an_image_all_the_same(surface):
    nothing = np.zeros(SIZE, np.uint8)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        scene = scene_for(surface, rng, 1.0, ink=nothing, secondary=nothing, frame=nothing)
        scene = dataclasses.replace(scene, strokes=Strokes(1.0, 0.5))
        assert PAINTERS[surface](rng, blank(scene), scene).shape == (*SIZE, 3)

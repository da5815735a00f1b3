import numpy as np
import pytest

from attention_ocr.synthesis.surfaces import (
    draw_metal,
    emboss,
    extrude,
    glow,
    roll,
    shade_by,
    sprinkle,
    strike_through,
    wear,
)


@pytest.fixture
def gray():
    return np.full((20, 30, 3), 128, np.uint8)


@pytest.fixture
def square():
    mask = np.zeros((20, 30), np.uint8)
    mask[6:14, 10:20] = 255
    return mask


def rng():
    return np.random.default_rng(0)


def test_relief_brightens_the_side_away_from_the_light_and_darkens_the_other(gray, square):
    lit = emboss(gray, square, 0.0, 80.0, 1.0)[..., 0].astype(int)
    assert lit[10, 9:11].max() > 150
    assert lit[10, 19:21].min() < 106
    assert lit[10, 15] == lit[0, 0] == 128
    sunk = emboss(gray, square, 0.0, -80.0, 1.0)[..., 0].astype(int)
    assert sunk[10, 9:11].min() < 106


@pytest.mark.parametrize("softness", [0.5, 1.0, 2.0])
def test_the_depth_of_a_relief_does_not_depend_on_how_soft_it_is(gray, square, softness):
    wide = np.zeros_like(square)
    wide[:, 15:] = 255
    lit = emboss(gray, wide, 0.0, 80.0, softness)[..., 0].astype(int)
    assert 128 + 30 < lit.max() < 128 + 90


def test_light_glows_around_a_mask_in_its_colour(gray, square):
    for reach in (1.0, 4.0):
        lit = glow(np.zeros_like(gray), square, (200.0, 100.0, 0.0), reach, 1.0)
        assert lit[10, 8, 0] > 5
        assert lit[..., 2].max() == 0
        assert lit[..., 0].max() > 1.8 * lit[..., 1].max() > 0


def test_sides_of_solid_letters_lie_where_their_backs_are(square):
    solid = extrude(square, 4, 2)
    assert (solid >= square).all()
    assert solid[15, 22] == 255
    assert solid[5, 9] == 0
    assert solid[17, 10] == 0
    np.testing.assert_array_equal(extrude(square, 0, 0), square)


def test_worn_ink_pales_and_none_is_added():
    mask = np.full((30, 90), 200, np.uint8)
    mask[:, 40:] = 0
    worn = wear(rng(), mask, 0.5)
    assert (worn <= mask).all()
    assert 0.3 * mask.sum() < worn.sum() < 0.95 * mask.sum()
    assert worn[:, :40].min() >= 60


def test_a_rolled_image_is_darker_at_its_edge(gray):
    rolled = roll(gray, 0.5, 0.5)
    assert rolled[0].max() < 0.7 * 128
    assert rolled[10].min() > 0.9 * 128


def test_pieces_of_metal_differ_and_are_gray_on_average(gray):
    pieces = [draw_metal(np.random.default_rng(seed), (20, 30)) for seed in range(12)]
    assert len({piece.tobytes() for piece in pieces}) == 12
    assert 90 < np.mean(pieces) < 166
    flat = np.full((20, 30), 128, np.uint8)
    np.testing.assert_array_equal(shade_by(gray, flat, 60.0), gray)
    assert np.ptp(shade_by(gray, pieces[0], 60.0)) > 20


def test_lines_and_specks_cover_a_little_of_an_image(gray):
    for seed in range(20):
        struck = strike_through(np.random.default_rng(seed), gray, (0.0, 0.0, 0.0), 4.0)
        assert 0 < (struck != gray).any(axis=2).mean() < 0.5
    specks = (sprinkle(rng(), gray, (0.0, 0.0, 0.0), 0.05) != gray).any(axis=2).mean()
    assert 0.01 < specks < 0.25
    assert (gray == 128).all()

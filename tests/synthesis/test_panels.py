"""Panels behind texts: edges, corners, bands and bolts stay clear of the text."""

import numpy as np
import pytest

from attention_ocr.synthesis.panels import draw_panel, furnish_plate

SHAPE = (60, 160)


def panel_of(seed, height=24, clear=12, shape=SHAPE):
    rng = np.random.default_rng(seed)
    frame, panel = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    draw_panel(rng, frame, panel, height, clear)
    return frame, panel


@pytest.mark.parametrize("seed", range(30))
def test_the_text_is_on_the_panel_and_clear_of_its_edge(seed):
    clear = 12
    frame, panel = panel_of(seed, clear=clear)
    inner = (slice(clear, -clear), slice(clear, -clear))
    assert (panel[inner] == 255).all()
    assert (frame[inner] == 0).all()


@pytest.mark.parametrize("seed", range(30))
def test_an_edge_is_inside_the_panel(seed):
    frame, panel = panel_of(seed)
    assert (frame[panel == 0] == 0).all()


def test_most_panels_have_an_edge_and_many_have_round_corners():
    panels = [panel_of(seed) for seed in range(80)]
    assert 40 <= sum(frame.any() for frame, _ in panels) <= 65
    # The corner of a round panel is empty.
    assert 25 <= sum(panel[1, 1] == 0 for _, panel in panels) <= 70


@pytest.mark.parametrize("shape", [(3, 3), (1, 40), (8, 200)])
def test_a_panel_too_small_for_corners_is_a_whole_box(shape):
    for seed in range(10):
        _, panel = panel_of(seed, height=24, clear=0, shape=shape)
        assert panel.any()


@pytest.mark.parametrize("band", [0, 9])
def test_a_band_is_as_wide_as_asked_and_only_on_the_plate(band):
    frame, panel = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 255, np.uint8)
    panel[:4] = 0
    furnish_plate(np.random.default_rng(0), frame, panel, (12, 0), band, 24)
    assert (frame[4:, :band] == 255).all()
    assert (frame[:4] == 0).all()
    assert (frame[:, band:] == 0).all()


def test_bolts_are_two_above_the_text_and_only_where_there_is_room():
    found = []
    for seed in range(40):
        frame, panel = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 255, np.uint8)
        furnish_plate(np.random.default_rng(seed), frame, panel, (12, 16), 0, 24)
        # Nothing reaches into the text.
        assert (frame[16:] == 0).all()
        if frame.any():
            columns = np.flatnonzero(frame.any(axis=0))
            assert columns[0] + columns[-1] == pytest.approx(SHAPE[1], abs=1)
            found.append(seed)
    assert 8 <= len(found) <= 24
    frame = np.zeros(SHAPE, np.uint8)
    for seed in found:
        furnish_plate(np.random.default_rng(seed), frame, panel, (12, 5), 0, 24)
    assert not frame.any()

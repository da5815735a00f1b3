import dataclasses

import numpy as np
import pytest

from attention_ocr.synthesis.layout import MAX_CAPTION, lay_out, part_groups, shrink_caption
from attention_ocr.synthesis.looks import LOOKS
from attention_ocr.synthesis.typesetting import Typesetter

SCENES = [name for name, look in LOOKS.items() if look.surface]


def layouts(face, look, text="HA47", others=("Maine", "Nord"), difficulty=0.9, count=12, **changes):
    look = dataclasses.replace(LOOKS[look], **changes)
    for seed in range(count):
        yield lay_out(
            np.random.default_rng(seed),
            Typesetter(),
            face,
            30,
            text,
            others,
            difficulty,
            32,
            look,
        )


def inside(mask, box):
    left, top, width, height = box
    return mask[max(0, top) : top + height, max(0, left) : left + width]


@pytest.mark.parametrize("look", SCENES)
@pytest.mark.parametrize("text", ["HA47", "0.5", "s", "gy,"])
def test_the_box_holds_all_of_the_text(plain_face, look, text):
    for difficulty in (0.0, 1.0):
        for layout in layouts(plain_face, look, text, difficulty=difficulty, count=6):
            assert layout.ink.max() > 60
            assert inside(layout.ink, layout.box).sum() == layout.ink.sum()
            shapes = {mask.shape for mask in (layout.captions, layout.frame, layout.panel)}
            assert shapes == {layout.ink.shape}


@pytest.mark.parametrize("look", ["scenes", "plates", "tags", "punched"])
def test_a_panel_lies_under_the_whole_text(plain_face, look):
    for layout in layouts(plain_face, look, framed=1.0):
        assert layout.has_panel
        assert (layout.panel[layout.ink > 128] > 128).all()
        assert not ((layout.frame > 128) & (layout.ink > 128)).any()
    assert not any(layout.panel.any() for layout in layouts(plain_face, look, framed=0.0))


def test_second_texts_keep_off_the_text_and_are_smaller(plain_face):
    still = {"grouped": 0.0, "emblems": 0.0, "steepest": 0.0, "tilt": 0.0}
    for layout in layouts(plain_face, "plates", captioned=1.0, count=30, **still):
        assert layout.captions.any()
        assert not ((layout.captions > 128) & (layout.ink > 128)).any()
        rows = np.nonzero(layout.ink.max(axis=1))[0]
        middle = (rows[0] + rows[-1]) // 2
        runs = np.diff(np.concatenate([[0], (layout.captions.max(axis=1) > 128), [0]]).astype(int))
        heights = np.nonzero(runs < 0)[0] - np.nonzero(runs > 0)[0]
        # With gaps, the dot of an i for instance, they come in several pieces.
        assert heights.max() <= (rows[-1] - rows[0] + 1) * MAX_CAPTION + 2, middle


@pytest.mark.parametrize("shape", [(30, 90), (9, 4), (200, 20), (1, 1)])
def test_a_second_text_is_little_more_than_half_as_high_at_most(shape):
    mask = np.full(shape, 255, np.uint8)
    for seed in range(30):
        caption = shrink_caption(np.random.default_rng(seed), mask, 24)
        assert 4 <= caption.shape[0] <= 24 / 1.7


def test_texts_of_the_same_size_are_cut_off(plain_face):
    whole = Typesetter().set_text(plain_face, 30, "Maine")[0].sum()
    for layout in layouts(
        plain_face,
        "scenes",
        others=("Maine",),
        neighbored=1.0,
        framed=0.0,
        captioned=0.0,
        steepest=0.0,
        rotated=0.0,
        bent=0.0,
        rippled=0.0,
        difficulty=1.0,
    ):
        assert layout.captions.sum() < whole
        assert not ((layout.captions > 128) & (layout.ink > 128)).any()


def test_stacked_letters_make_a_column(plain_face):
    for layout in layouts(plain_face, "stacked", "COLUMN", steepest=0.0, rotated=0.0, shear=0.0):
        assert layout.box[3] > 2 * layout.box[2]


def test_letters_and_digits_of_a_code_are_separated(plain_face):
    assert part_groups("AB12CDE") == "AB 12 CDE"
    assert part_groups("AB-12") == "AB-12"
    assert part_groups("") == ""
    widths = [
        np.median(
            [
                layout.box[2]
                for layout in layouts(
                    plain_face, "plates", "AB12CD", difficulty=0.0, framed=0.0, grouped=grouped
                )
            ]
        )
        for grouped in (0.0, 1.0)
    ]
    assert widths[1] > widths[0] + 5


def test_scattered_letters_stand_at_different_heights(plain_face):
    even, uneven = (
        np.median(
            [
                layout.box[3]
                for layout in layouts(
                    plain_face,
                    "captchas",
                    "HHHHH",
                    difficulty=1.0,
                    scattered=share,
                    rippled=0.0,
                    steepest=0.0,
                    tilt=0.0,
                    shear=0.0,
                )
            ]
        )
        for share in (0.0, 1.0)
    )
    assert uneven > 1.15 * even


@pytest.mark.parametrize("look", SCENES)
def test_a_layout_depends_on_its_seed_alone(plain_face, look):
    first, second = (list(layouts(plain_face, look, count=4)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.ink, other.ink)
        np.testing.assert_array_equal(one.captions, other.captions)
        assert one.box == other.box
    assert len({layout.ink.tobytes() for layout in first}) > 1


class FaintTypesetter(Typesetter):
    """Sets texts with strokes as faint as those of dotted faces."""

    def set_text(self, *arguments):
        ink, baseline = super().set_text(*arguments)
        return ink // 4, baseline


@pytest.mark.parametrize("look", ["punched", "led"])
def test_faint_strokes_are_not_lost_where_text_is_made_of_dots(plain_face, look):
    typesetter = FaintTypesetter()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        layout = lay_out(rng, typesetter, plain_face, 32, "Rk53", [], 1.0, 32, LOOKS[look])
        assert layout.ink.any(), seed

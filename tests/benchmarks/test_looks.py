"""What `benchmarks.looks` measures, on images whose looks are known."""

import cv2
import numpy as np
import pytest

from benchmarks import looks
from benchmarks.looks import COLUMNS, look_of, measure_looks, read_images
from tests import tiny


def bar(ink=(0, 0, 0), ground=(255, 255, 255), height=32, width=96) -> np.ndarray:
    """Return an image with an upright bar, a quarter of the width and half of the height."""
    image = np.full((height, width, 3), ground, np.uint8)
    image[height // 4 : -height // 4, width // 4 : width // 2] = ink
    return image


def look(image: np.ndarray, text: str = "ab") -> dict[str, float]:
    measured = look_of(image, text)
    assert measured is not None
    return dict(zip(COLUMNS, measured, strict=True))


def test_black_on_white_has_the_whole_contrast_and_no_colour():
    measured = look(bar())
    assert measured["contrast"] == pytest.approx(255.0, abs=0.1)
    assert measured["saturation %"] == 0.0
    assert measured["text %"] == pytest.approx(100 / 8, abs=0.1)
    assert measured["luma"] == pytest.approx(255 * 7 / 8, abs=0.5)


@pytest.mark.parametrize("swapped", [False, True])
def test_the_text_is_what_touches_the_border_less(swapped):
    colors = [(0, 0, 0), (255, 255, 255)]
    ink, ground = reversed(colors) if swapped else colors
    assert look(bar(ink, ground))["text %"] == pytest.approx(12.5, abs=0.1)


def test_the_luma_and_saturation_are_those_of_the_colours():
    red = look(bar((255, 0, 0), (255, 0, 0)))
    assert red["luma"] == pytest.approx(0.299 * 255, abs=0.1)
    assert red["saturation %"] == pytest.approx(100.0)
    # Without two colours there is a contrast all the same, which others are divided by.
    assert red["contrast"] == looks.MIN_CONTRAST


def test_sharp_edges_are_sharper_than_blurred_ones():
    # An edge in every fourth column: of the steps, more than the two percent that count.
    sharp = bar(width=96)
    sharp[:, ::4] = 0
    soft = cv2.GaussianBlur(sharp, (0, 0), 4.0)
    assert look(sharp)["sharpness %"] == pytest.approx(100.0, abs=1.0)
    assert look(soft)["sharpness %"] < 30.0


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_the_height_of_the_file_does_not_matter(factor):
    large = np.kron(bar(), np.ones((factor, factor, 1), np.uint8))
    measured, expected = look(large), look(bar())
    assert measured == pytest.approx(expected, rel=0.02)


def test_the_width_counts_by_character_and_height():
    assert look(bar(), "abc")["width a character"] == pytest.approx(1.0)
    assert look(bar(), "abcdef")["width a character"] == pytest.approx(0.5)


@pytest.mark.parametrize(("height", "width", "text"), [(33, 32, "a"), (32, 64, "")])
def test_high_images_and_those_without_text_are_left_out(height, width, text):
    assert look_of(np.zeros((height, width, 3), np.uint8), text) is None


def test_medians_are_over_the_images_that_are_measured():
    tones = (200, 100, 0, 40)
    images = [(bar((tone,) * 3), "ab") for tone in tones] + [(np.zeros((9, 3, 3), np.uint8), "l")]
    measured = measure_looks(images)
    assert measured["number"] == 4
    assert measured["contrast"] == pytest.approx((155 + 215) / 2, abs=0.5)


def test_a_set_without_a_measurable_image_is_refused():
    with pytest.raises(ValueError, match="not higher than wide. Received: none"):
        measure_looks([(np.zeros((9, 3, 3), np.uint8), "l")])


def test_training_images_are_spread_over_the_file(tmp_path):
    labels = tiny.write_label_file(tmp_path, list("abcdefghij"))
    assert "".join(text for _, text in read_images(labels, 99)) == "abcdfghi"
    assert "".join(text for _, text in read_images(labels, 4)) == "acfh"
    image, _ = next(iter(read_images(labels, 1)))
    assert image.shape[2] == 3


def test_a_file_that_is_no_image_is_named(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["a", "b"])
    (broken,) = [row for row in labels.read_text("utf-8").splitlines() if row.endswith("\ta")]
    path = tmp_path / broken.partition("\t")[0]
    path.write_bytes(b"no image")
    with pytest.raises(ValueError, match=f"Expected an image. Received: .*{path.name}"):
        list(read_images(labels, 2))

"""Crops of quadrilaterals: corners in reading direction, perspective undone."""

import math

import cv2
import numpy as np
import pytest

from attention_ocr.images.rectify import (
    MAX_SIDE,
    MIN_SIDE,
    interpolate,
    quadrilateral,
    rectify,
    size_of,
)

BOX = np.float32([[10, 20], [70, 20], [70, 40], [10, 40]])


def rotated(points, degrees, center=(100.0, 100.0)):
    """Rotate points clockwise as seen on the screen."""
    angle = math.radians(degrees)
    matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return ((np.asarray(points) - center) @ matrix.T + center).astype(np.float32)


def outline(quad):
    """Return an outline of six points in the rectangle of a quadrilateral, touching its corners."""
    return [quad[0], (quad[0] + quad[1]) / 2, *quad[1:], (quad[2] + quad[3]) / 2]


def test_four_points_without_a_baseline_are_kept_in_their_order():
    odd = [(5.0, 5.0), (1.0, 2.0), (9.0, 1.0), (8.0, 8.0)]
    np.testing.assert_array_equal(quadrilateral(odd), np.float32(odd))


@pytest.mark.parametrize("degrees", [0, 20, 90, 135, 180, -90, -15])
def test_a_baseline_says_where_the_text_begins(degrees):
    quad = rotated(BOX, degrees)
    baseline = [quad[3], quad[2]]
    found = quadrilateral(outline(quad), baseline)
    np.testing.assert_allclose(found, quad, atol=0.05)
    # Four points are turned as well where there is a baseline.
    np.testing.assert_allclose(quadrilateral(np.roll(quad, 1, axis=0), baseline), quad, atol=0.05)


@pytest.mark.parametrize("degrees", [-40, -10, 0, 10, 40])
def test_without_a_baseline_text_runs_to_the_right(degrees):
    quad = rotated(BOX, degrees)
    np.testing.assert_allclose(quadrilateral(outline(quad)), quad, atol=0.05)


def test_a_baseline_of_one_point_says_nothing():
    np.testing.assert_allclose(quadrilateral(outline(BOX), [(10.0, 40.0)]), BOX, atol=0.05)


@pytest.mark.parametrize("degrees", [0, 33, 90])
def test_the_size_is_along_and_across_the_text(degrees):
    assert size_of(rotated(BOX, degrees)) == pytest.approx((60.0, 20.0), abs=1e-3)


def test_the_longer_of_two_opposite_sides_counts():
    trapezium = np.float32([[0, 0], [30, 0], [40, 20], [0, 10]])
    width, height = size_of(trapezium)
    assert width == pytest.approx(math.hypot(40, 10))
    assert height == pytest.approx(math.hypot(10, 20))


def page():
    """Return a page with another colour in each quarter of `BOX`, on gray."""
    image = np.full((120, 160, 3), 128, np.uint8)
    image[20:30, 10:40] = (255, 0, 0)
    image[20:30, 40:70] = (0, 255, 0)
    image[30:40, 10:40] = (0, 0, 255)
    image[30:40, 40:70] = (255, 255, 0)
    return image


def test_an_upright_box_is_its_content():
    crop = rectify(page(), BOX)
    assert crop.shape == (20, 60, 3)
    np.testing.assert_array_equal(crop, page()[20:40, 10:70])


@pytest.mark.parametrize("turns", range(4))
def test_text_in_any_direction_is_upright_in_its_crop(turns):
    crop = rectify(page(), np.roll(BOX, -turns, axis=0))
    np.testing.assert_array_equal(crop, np.rot90(page()[20:40, 10:70], turns))


def test_perspective_is_undone():
    seen = np.float32([[20, 15], [140, 30], [130, 80], [25, 60]])
    transform = cv2.getPerspectiveTransform(BOX, seen)
    photo = cv2.warpPerspective(page(), transform, (160, 120), flags=cv2.INTER_CUBIC)
    crop = rectify(photo, seen)
    height, width = crop.shape[:2]
    quarters = {
        (0.25, 0.25): (255, 0, 0),
        (0.25, 0.75): (0, 255, 0),
        (0.75, 0.25): (0, 0, 255),
        (0.75, 0.75): (255, 255, 0),
    }
    for (share_y, share_x), color in quarters.items():
        found = crop[int(share_y * height), int(share_x * width)].astype(int)
        assert np.abs(found - color).max() < 30


def test_beyond_the_image_its_border_is_repeated():
    crop = rectify(page(), BOX + np.float32([100, 0]))
    # Columns from 160 on are outside.
    assert (crop[:, -8:] == 128).all()


def test_what_is_outside_of_an_outline_is_painted_over():
    image = np.full((60, 100, 3), 200, np.uint8)
    image[20:40, 60:90] = 0
    # The outline leaves out the right half, where a neighbour is.
    polygon = [(10, 20), (30, 20), (50, 20), (50, 40), (30, 40), (10, 40)]
    quad = np.float32([[10, 20], [90, 20], [90, 40], [10, 40]])
    painted = rectify(image, quad, polygon)
    assert (painted[:, 45:] == 200).all()
    assert (rectify(image, quad)[5:15, 55:75] == 0).all()
    # Four corners have nothing outside.
    np.testing.assert_array_equal(rectify(image, quad, quad), rectify(image, quad))


@pytest.mark.parametrize(
    ("quad", "shape"),
    [
        (np.float32([[5, 5], [5, 5], [5, 5], [5, 5]]), (MIN_SIDE, MIN_SIDE)),
        (np.float32([[0, 0], [30, 0], [30, 0.5], [0, 0.5]]), (MIN_SIDE, 30)),
        (np.float32([[0, 0], [10 * MAX_SIDE, 0], [10 * MAX_SIDE, 9], [0, 9]]), (9, MAX_SIDE)),
    ],
)
def test_sides_of_a_crop_are_limited(quad, shape):
    assert rectify(page(), quad).shape[:2] == shape


@pytest.mark.parametrize("degrees", [0, 25, 180])
def test_parts_of_a_quadrilateral_join(degrees):
    quad = rotated(BOX, degrees)
    first, second = interpolate(quad, 0.0, 0.3), interpolate(quad, 0.3, 1.0)
    np.testing.assert_allclose(first[[0, 3]], quad[[0, 3]], atol=1e-4)
    np.testing.assert_allclose(first[[1, 2]], second[[0, 3]], atol=1e-4)
    np.testing.assert_allclose(second[[1, 2]], quad[[1, 2]], atol=1e-4)
    assert size_of(first)[0] == pytest.approx(18.0, abs=1e-3)

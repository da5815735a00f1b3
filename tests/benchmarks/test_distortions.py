import numpy as np
import pytest

from benchmarks.distortions import bend, recede, turn

RED, BLUE = (200, 0, 0), (0, 0, 200)


@pytest.fixture
def halves():
    """An image with a red left half and a blue right half, and a white line along its middle."""
    image = np.zeros((20, 60, 3), np.uint8)
    image[:, :30], image[:, 30:] = RED, BLUE
    image[9:11] = 255
    return image


def line_of(image: np.ndarray) -> np.ndarray:
    """Return the row of the white line in each column."""
    return image.min(axis=2).argmax(axis=0)


def test_a_rotated_image_is_whole(halves):
    upright = turn(halves, 90)
    assert upright.shape == (60, 20, 3)
    assert (upright[:25, :8] == BLUE).all()
    assert (upright[35:, :8] == RED).all()


@pytest.mark.parametrize("degrees", [-30, 0, 15, 90, 180])
def test_a_rotated_image_keeps_its_ink_inside_a_larger_canvas(degrees):
    image = np.full((20, 60, 3), 255, np.uint8)
    image[8:12, 20:40] = 0
    rotated = turn(image, degrees)
    height, width = rotated.shape[:2]
    radians = np.deg2rad(degrees)
    assert width == round(60 * abs(np.cos(radians)) + 20 * abs(np.sin(radians)))
    assert height == round(60 * abs(np.sin(radians)) + 20 * abs(np.cos(radians)))
    assert (255.0 - rotated).sum() == pytest.approx((255.0 - image).sum(), rel=0.05)


@pytest.mark.parametrize("slope", [-20, 20])
def test_a_receding_image_falls_and_shrinks_to_the_right(halves, slope):
    seen = recede(halves, slope, 0.5, 0.5)
    assert seen.shape[1] == 30
    fall = np.tan(np.radians(slope)) * 30
    line = line_of(seen)
    assert line[-2] - line[1] == pytest.approx(fall, abs=2.5)
    assert (seen[line[3] - 7, 2] == RED).all()
    assert seen[line[-3] + 4, -3] == pytest.approx(BLUE, abs=60)


@pytest.mark.parametrize("degrees", [-80, 60, 110])
def test_a_bent_image_runs_along_an_arc(halves, degrees):
    bent = bend(halves, degrees)
    angle = np.radians(abs(degrees))
    radius = max(60 / angle, 20 / 6 + 10)
    line = line_of(bent)
    lowest = radius * (1 - np.cos(angle / 2))
    edge = round((radius + 10) * np.sin(angle / 2) - radius * np.sin(angle / 2)) + 1
    fall = line[edge] - line[len(line) // 2]
    assert fall == pytest.approx(np.sign(degrees) * lowest, abs=3)
    assert bent[line[len(line) // 4] + 3, len(line) // 4] == pytest.approx(RED, abs=60)

import numpy as np
import pytest

from attention_ocr.inference.second_looks.widths import MARGIN, add_margin, widened, with_margins
from attention_ocr.settings.image import ImageConfig

IMAGE = ImageConfig(image_height=32, max_image_width=256)


def test_an_image_is_widened_by_each_factor_and_keeps_its_height():
    # Black on the left half and white on the right one: their share stays.
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, 20:] = 255
    views = widened(image, (1.5, 0.75), IMAGE)
    assert [view.image.shape for view in views] == [(20, 60, 3), (20, 30, 3)]
    assert [dict(view.fields) for view in views] == [{"width_factor": 1.5}, {"width_factor": 0.75}]
    for view in views:
        assert view.image.mean() == pytest.approx(image.mean(), abs=3)


@pytest.mark.parametrize(("width", "factors"), [(160, [1.6, 1.3]), (190, [1.3]), (257, [])])
def test_what_would_not_fit_the_network_any_more_is_left_out(width, factors):
    views = widened(np.zeros((32, width, 3), np.uint8), (1.6, 1.3), IMAGE)
    assert [view.fields["width_factor"] for view in views] == factors


def test_a_narrow_image_gets_margins_in_the_colours_of_its_edges():
    image = np.zeros((40, 10, 3), np.uint8)
    image[:, 0] = (1, 2, 3)
    image[:, -1] = (4, 5, 6)
    (view,) = with_margins(image)
    assert view.image.shape == (40, 30, 3)
    assert (view.image[:, :10] == (1, 2, 3)).all()
    assert (view.image[:, 20:] == (4, 5, 6)).all()
    np.testing.assert_array_equal(view.image[:, 10:20], image)
    assert view.fields == {"margin": MARGIN}
    np.testing.assert_array_equal(add_margin(image, MARGIN), view.image)


def test_other_images_get_no_margins():
    assert with_margins(np.zeros((40, 24, 3), np.uint8)) == []

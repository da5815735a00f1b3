import numpy as np
import pytest

from attention_ocr.synthesis.contact_sheet import draw_contact_sheet


def gray(height, width, value):
    return np.full((height, width, 3), value, np.uint8)


def test_images_stand_in_rows_above_their_texts(plain_face):
    examples = [(gray(24, 60, value), f"text {value}") for value in (10, 40, 70, 100, 130)]
    sheet = draw_contact_sheet(examples, [plain_face], num_columns=3)
    assert sheet.dtype == np.uint8
    height, width, _ = sheet.shape
    for place, value in enumerate((10, 40, 70, 100, 130)):
        row, column = divmod(place, 3)
        assert sheet[row * height // 2 + 20, column * width // 3 + 30].tolist() == [value] * 3
        caption = sheet[row * height // 2 + 53 : (row + 1) * height // 2, column * width // 3 :]
        assert caption[:, : width // 4].min() < 100
    assert (sheet[height // 2 + 8 :, 2 * width // 3 + 8 :] == 255).all()


def test_large_and_long_images_fit_their_place(plain_face):
    examples = [(gray(900, 30, 0), "tall"), (gray(9, 900, 0), "long"), (gray(1, 1, 0), "dot")]
    sheet = draw_contact_sheet(examples, [plain_face], num_columns=1)
    assert sheet.shape[1] < 240
    assert sheet.shape[0] < 240


def test_a_text_without_a_face_is_written_by_its_code_points(plain_face):
    with_face, without_face = (
        draw_contact_sheet([(gray(9, 9, 255), text)], [plain_face]) for text in ("a", "中")
    )
    assert (without_face < 128).sum() > 3 * (with_face < 128).sum() > 0


def test_a_sheet_of_nothing_is_refused(plain_face):
    with pytest.raises(ValueError, match="Received: none"):
        draw_contact_sheet([], [plain_face])

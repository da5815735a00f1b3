"""Crops of pages: which image a layout file belongs to, and what is cut out of it."""

import cv2
import numpy as np
import pytest

from attention_ocr.data.readers import crops
from attention_ocr.data.readers.crops import CropReader, LabelledCrop, cut, find_page_image
from attention_ocr.layout.page import box_polygon


@pytest.fixture(autouse=True)
def _no_cached_pages():
    crops._page.cache_clear()
    yield
    crops._page.cache_clear()


@pytest.fixture
def page(tmp_path):
    """A gray page with a red box at 20, 10 to 60, 30."""
    image = np.full((80, 100, 3), 128, np.uint8)
    image[10:30, 20:60] = (0, 0, 255)
    path = tmp_path / "scan.png"
    cv2.imwrite(str(path), image)
    return path


def crop_of(page, polygon, **values):
    return LabelledCrop("key", "text", str(page), 1, polygon, **values)


def test_a_crop_is_what_its_outline_holds(page):
    found, _ = cut(crop_of(page, box_polygon(20, 10, 60, 30)))
    assert found.shape == (20, 40, 3)
    assert (found[1:-1, 1:-1] == (255, 0, 0)).all()


def test_an_outline_is_scaled_from_the_size_that_it_was_drawn_for(page):
    found, _ = cut(crop_of(page, box_polygon(40, 20, 120, 60), size=(200, 160)))
    assert found.shape == (20, 40, 3)
    assert (found[1:-1, 1:-1] == (255, 0, 0)).all()


def test_a_baseline_rotates_the_crop(page):
    outline = [(20, 10), (40, 10), (60, 10), (60, 30), (40, 30), (20, 30)]
    upside_down, _ = cut(crop_of(page, outline, baseline=((60.0, 10.0), (20.0, 10.0))))
    assert upside_down.shape == (20, 40, 3)
    from_below, _ = cut(crop_of(page, outline, baseline=((20.0, 30.0), (20.0, 10.0))))
    assert from_below.shape == (40, 20, 3)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "cannot be opened: No such file or directory"), (b"no image", "unreadable image: ")],
)
def test_a_crop_of_an_unreadable_page_has_no_pixels_and_a_reason(tmp_path, content, expected):
    path = tmp_path / "page.png"
    if content is not None:
        path.write_bytes(content)
    reader = CropReader([crop_of(path, box_polygon(0, 0, 9, 9))])
    row = {name: value.numpy() for name, value in reader.row(np.int64(0)).items()}
    assert row["image"].shape == (0, 0, 3)
    assert row["reason"].decode().startswith(expected)


def test_a_page_is_decoded_once_for_its_lines(page, monkeypatch):
    opened = []
    open_document = crops.open_document
    monkeypatch.setattr(
        crops, "open_document", lambda path: (opened.append(path), open_document(path))[1]
    )
    for top in (0, 10, 20):
        cut(crop_of(page, box_polygon(0, top, 50, top + 10)))
    assert opened == [str(page)]


def test_a_reader_has_keys_texts_and_rows_by_index(page):
    reader = CropReader(
        [
            LabelledCrop(f"scan#1.{index}", text, str(page), 1, box_polygon(20, 10, right, 30))
            for index, (text, right) in enumerate([("ab", 60), ("Ж", 40)])
        ]
    )
    assert len(reader) == 2
    assert [reader.key(index) for index in range(2)] == ["scan#1.0", "scan#1.1"]
    assert [reader.text(index) for index in range(2)] == ["ab", "Ж"]
    row = {name: value.numpy() for name, value in reader.row(np.int64(1)).items()}
    assert (row["key"], row["text"].decode()) == (b"scan#1.1", "Ж")
    assert row["image"].shape == (20, 20, 3)
    assert row["reason"] == b""


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize(
    ("layout", "named", "files", "expected"),
    [
        pytest.param("a.xml", "b.png", ["b.png", "a.png"], ("b.png", 1), id="named"),
        pytest.param("a.xml", None, ["a.jpg"], ("a.jpg", 1), id="of the same name"),
        pytest.param("a.png.xml", None, ["a.png"], ("a.png", 1), id="with both suffixes"),
        pytest.param("p/a.xml", "a.png", ["a.png"], ("a.png", 1), id="in the folder above"),
        pytest.param("a.xml", "C:\\\\scans\\\\b.png", ["b.png"], ("b.png", 1), id="of Windows"),
        pytest.param("a.xml", "x/y/b.png", ["b.png"], ("b.png", 1), id="in a folder elsewhere"),
        pytest.param("a.pdf-0012.xml", None, ["a.pdf"], ("a.pdf", 12), id="page of a PDF"),
        pytest.param("a-0003.xml", None, ["a.tif"], ("a.tif", 3), id="page of a TIFF"),
        pytest.param("a-0003.xml", None, ["a-0003.png"], ("a-0003.png", 1), id="digits"),
        pytest.param("a-0003.xml", "a-0003.png", ["a.tif", "a-0003.png"], ("a-0003.png", 1),
                     id="digits of the name"),
        pytest.param("a.pdf-2-0012.xml", "a.pdf", ["a.pdf"], ("a.pdf", 12), id="of a second PDF"),
        pytest.param(f"{'文' * 66}-0012.xml", f"{'文' * 79}.pdf", [f"{'文' * 79}.pdf"],
                     (f"{'文' * 79}.pdf", 12), id="page of a PDF of a long name"),
        pytest.param(f"{'文' * 66}-2-0012.xml", f"{'文' * 79}.pdf", [f"{'文' * 79}.pdf"],
                     (f"{'文' * 79}.pdf", 12), id="page of a second PDF of a long name"),
        pytest.param("a-12.xml", None, ["a.tif"], None, id="too few digits"),
        pytest.param("a.xml", "b.txt", ["b.txt"], None, id="no image"),
        pytest.param("a.xml", None, ["b.png"], None, id="of another name"),
    ],
)  # fmt: skip
def test_the_image_of_a_layout_file_is_found(tmp_path, layout, named, files, expected):
    touch(tmp_path, layout, *files)
    found = find_page_image(tmp_path / layout, named)
    assert found == (None if expected is None else (tmp_path / expected[0], expected[1]))


def test_an_absolute_path_goes_first(tmp_path):
    touch(tmp_path, "a/b.png", "c/scan.xml", "c/b.png")
    found = find_page_image(tmp_path / "c/scan.xml", str(tmp_path / "a/b.png"))
    assert found == (tmp_path / "a/b.png", 1)
    (tmp_path / "a/b.png").unlink()
    assert find_page_image(tmp_path / "c/scan.xml", str(tmp_path / "a/b.png")) == (
        tmp_path / "c/b.png",
        1,
    )

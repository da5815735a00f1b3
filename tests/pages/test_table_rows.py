import numpy as np
import pytest

from attention_ocr.layout.files import read_layout
from attention_ocr.layout.writers import PAGE_WRITERS
from attention_ocr.pages.page_reader import PageReader
from attention_ocr.pages.table_rows import table_rows
from tests.pages.rendered import draw
from tests.pages.scripted import CellDetector

RECEIPT = (("Whole milk", "2.25"), ("Brown bread", "12.80"), ("Apples", "3.45"), ("Sum", "18.50"))
COLUMNS = (
    ("The quick brown fox", "Then the seven wizards"),
    ("went over the lazy dog", "watched them from hills"),
    ("while all of 7 others", "and went back home again"),
)


def grid(rows, lefts=(60, 420), right=None, top=60):
    """Place the texts of rows at the left sides of columns; the last column ends at `right`."""
    placed = []
    for index, row in enumerate(rows):
        for text, left in zip(row, lefts, strict=True):
            is_last = right is not None and left == lefts[-1]
            x = right - 16 * len(text) if is_last else left
            placed.append((text, x, top + 60 * index))
    return placed


def boxes_of(placed):
    return np.array([(x, y, x + 14 * len(text), y + 30) for text, x, y in placed], float)


def grouped(placed):
    texts = [text for text, _, _ in placed]
    rows = table_rows(boxes_of(placed), texts)
    return [" | ".join(texts[cell] for cell in row) for row in rows]


@pytest.fixture(scope="module")
def pages():
    return PageReader(detector=CellDetector())


def test_the_rows_of_a_receipt_are_read_together_and_its_other_lines_alone(pages):
    placed = [("The Corner Shop", 60, 10), *grid(RECEIPT, right=640, top=70), ("Thanks", 60, 320)]
    read = pages.read(draw(placed))
    assert read.text.split("\n") == ["The Corner Shop", *map(" ".join, RECEIPT), "Thanks"]
    # The words of a row are where they were.
    last = read.lines[1].words[-1]
    assert last.text == "2.25"
    assert 550 < last.polygon[0][0] < 600
    assert read.lines[1].polygon[0][0] < 70


def test_columns_of_text_that_are_aligned_line_by_line_are_read_down(pages):
    read = pages.read(draw(grid(COLUMNS), size=(820, 300)))
    first, second = zip(*COLUMNS, strict=True)
    assert read.text.split("\n") == [*first, *second]


@pytest.mark.parametrize("format_name", ["hocr", "alto", "page"])
def test_written_layouts_keep_the_rows(pages, format_name):
    pytest.importorskip("lxml")
    read = pages.read(draw(grid(RECEIPT, right=640)))
    content = PAGE_WRITERS[format_name](read, "attention-ocr", "2026-01-01T00:00:00")
    (found,) = read_layout(content, "receipt.xml")
    assert [line.text for line in found.lines] == list(map(" ".join, RECEIPT))
    assert len({line.block for line in found.lines}) == 1


def test_the_detector_of_photos_leaves_a_slanted_receipt_in_rows():
    pytest.importorskip("rapidocr")
    from PIL import Image

    image = Image.fromarray(draw(grid(RECEIPT, right=640), size=(720, 360)))
    slanted = np.asarray(image.rotate(3, expand=True, fillcolor="white"))
    assert PageReader().read(slanted).text.split("\n") == list(map(" ".join, RECEIPT))


def test_short_columns_of_text_beside_values_belong_to_the_table():
    rows = (("Anna", "Berg", "41"), ("Carl", "Dahl", "7"), ("Eva", "Falk", "63"))
    assert grouped(grid(rows, (60, 240, 420))) == list(map(" | ".join, rows))


def test_columns_of_text_beside_a_table_do_not_belong_to_it():
    text = "a line of a column of text that is set beside the table"
    placed = grid([(text, *row) for row in RECEIPT], (60, 900, 1200))
    assert sorted(grouped(placed)) == sorted([text] * 4 + [" | ".join(row) for row in RECEIPT])


def test_labels_and_what_is_beside_them_are_rows():
    rows = (("Name:", "Anna Berg"), ("Street:", "Lindenweg"), ("Remarks:", "none"))
    assert grouped(grid(rows)) == list(map(" | ".join, rows))


def test_the_second_line_of_a_cell_and_missing_cells_stay_alone():
    placed = [*grid(RECEIPT[:2], right=640), ("with seeds", 60, 160), ("a bag", 60, 200)]
    placed += grid(RECEIPT[2:], right=640, top=260)
    assert sorted(grouped(placed)) == sorted([*map(" | ".join, RECEIPT), "with seeds", "a bag"])


def test_an_index_in_columns_and_a_single_pair_are_no_table():
    index = (("apple, 12", "mango, 43"), ("banana, 7", "orange, 101"), ("cherry, 88", "plum, 9"))
    assert all(" | " not in row for row in grouped(grid(index)))
    assert all(" | " not in row for row in grouped(grid(RECEIPT[:1])))
    assert table_rows(np.zeros((0, 4)), []) == []

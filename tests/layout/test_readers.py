"""What other programs write into hOCR, ALTO and PAGE XML, and what is wrong with some of it."""

import doctest

import pytest

pytest.importorskip("lxml")

from attention_ocr.layout import page as page_module
from attention_ocr.layout import xml_text
from attention_ocr.layout.files import read_layout
from attention_ocr.layout.page import Line, Page, Word, box_polygon
from attention_ocr.layout.writers import PAGE_WRITERS

SQUARE = box_polygon(1.0, 2.0, 9.0, 8.0)


@pytest.mark.parametrize(("module", "count"), [(page_module, 2), (xml_text, 1)])
def test_the_examples_of_the_docstrings_hold(module, count):
    assert doctest.testmod(module) == (0, count)


def hocr(line: str, page_title: str = "bbox 0 0 90 80") -> list[Page]:
    content = f"<html><body><div class='ocr_page' title='{page_title}'>{line}</div></body></html>"
    return read_layout(content.encode(), "a.hocr")


def hocr_line(title: str, content: str = "word") -> Line:
    return hocr(f"<span class='ocr_line' title='{title}'>{content}</span>")[0].lines[0]


@pytest.mark.parametrize("kind", ["ocr_line", "ocr_header", "ocrx_line", "big ocr_caption last"])
def test_every_class_of_lines_in_hocr_is_read(kind):
    (page,) = hocr(f"<p><span class='{kind}' title='bbox 1 2 9 8'>a\n  <b>b</b></span></p>")
    assert (page.text, page.lines[0].polygon) == ("a b", SQUARE)


def test_html_may_leave_tags_open_and_hold_comments():
    content = b"<body><div class=ocr_page title='bbox 0 0 9 9'><p><!-- <b> -->"
    content += b"<span class=ocr_line title='bbox 1 2 9 8'>one<br>two</div>"
    assert read_layout(content, "a.html")[0].text == "onetwo"


def test_lines_of_one_parent_are_a_block():
    line = "<span class='ocr_line' title='bbox 1 2 9 8'>x</span>"
    (page,) = hocr(f"<p>{line}{line}</p><p>{line}</p>")
    assert [found.block for found in page.lines] == [0, 0, 1]


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("bbox 0 0 90 80", None),
        ('image "a; b.png"; bbox 0 0 90 80', "a; b.png"),
        ('image "a; bbox 1 2 3 4.png"; bbox 0 0 90 80', "a; bbox 1 2 3 4.png"),
        ("image scan.png; bbox 0 0 90 80", "scan.png"),
        ('image 5".png; bbox 0 0 90 80', '5".png'),
    ],
)
def test_the_image_of_an_hocr_page_may_be_quoted_plain_or_missing(title, path):
    (page,) = hocr("", title)
    assert (page.path, page.width, page.height) == (path, 90, 80)


@pytest.mark.parametrize(
    ("written", "confidence"),
    [
        ("x_wconf 75", 0.75),
        ("x_wconf 75 80", 0.75),
        ("x_wconf", 0.0),
        ("x_size 3", 0.0),
        ("x_wconf 250", 1.0),
        ("x_wconf -5", 0.0),
    ],
)
def test_confidences_of_hocr_are_percents_within_their_range(written, confidence):
    word = f"<span class='ocrx_word' title='bbox 1 2 9 8; {written}'>x</span>"
    line = hocr_line("bbox 1 2 9 8", word)
    assert line.words == (Word("x", SQUARE, confidence),)
    assert line.confidence == confidence


def test_an_outline_in_hocr_goes_before_the_box():
    assert hocr_line("bbox 0 0 9 9; poly 1 2 9 2 5 8").polygon == ((1, 2), (9, 2), (5, 8))
    # Of two points or a lone coordinate there is no outline.
    assert hocr_line("bbox 1 2 9 8; poly 1 2 9 2").polygon == SQUARE
    assert hocr_line("bbox 1 2 9 8; poly 1 2 9 2 5 8 3").polygon == SQUARE


def test_a_baseline_of_hocr_that_is_a_curve_is_left_out():
    assert hocr_line("bbox 1 2 9 8; baseline 0.5 -1").baseline == ((1, 7), (9, 11))
    assert hocr_line("bbox 1 2 9 8; baseline 0.1 0.2 -1").baseline == ()


def alto(line: str, head: str = "", page: str = 'WIDTH="90" HEIGHT="80"') -> Page:
    content = f"<alto xmlns='x'>{head}<Layout><Page {page}><PrintSpace><TextBlock>{line}"
    content += "</TextBlock></PrintSpace></Page></Layout></alto>"
    return read_layout(content.encode(), "a.xml")[0]


PLACE = 'HPOS="1" VPOS="2" WIDTH="8" HEIGHT="6"'


@pytest.mark.parametrize(
    ("unit", "width"),
    [("pixel", 90), ("mm10", 106), ("inch1200", 22), ("furlong", 90), (" pixel\n", 90)],
)
def test_the_units_of_alto_become_pixels(unit, width):
    page = alto("", f"<Description><MeasurementUnit>{unit}</MeasurementUnit></Description>")
    assert page.width == width


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ('<String CONTENT="a"/><SP/><String CONTENT="b"/>', "a b"),
        ('<String CONTENT="a"/><String CONTENT="b"/>', "a b"),
        ('<String CONTENT="a"/><HYP/>', "a-"),
        ('<SP/><String CONTENT="a"/><SP/>', "a"),
        ("<String/>", ""),
        ("", ""),
    ],
)
def test_the_words_of_alto_have_one_space_between_them(parts, text):
    assert alto(f"<TextLine {PLACE}>{parts}</TextLine>").text == text


def test_a_line_of_alto_has_the_mean_confidence_of_its_words():
    strings = f'<String CONTENT="a" WC="0.5" {PLACE}/><String CONTENT="b" WC="1" {PLACE}/>'
    (line,) = alto(f"<TextLine {PLACE}>{strings}</TextLine>").lines
    assert line.confidence == 0.75
    assert line.words == (Word("a", SQUARE, 0.5), Word("b", SQUARE, 1.0))


def test_an_outline_of_alto_goes_before_the_box_if_it_has_an_area():
    for points in ("1,2 9,2 5,8", "1 2 9 2 5 8"):
        shape = f'<Shape><Polygon POINTS="{points}"/></Shape>'
        (line,) = alto(f"<TextLine {PLACE}>{shape}</TextLine>").lines
        assert line.polygon == ((1, 2), (9, 2), (5, 8))
    (line,) = alto(f'<TextLine {PLACE}><Shape><Polygon POINTS="1,2"/></Shape></TextLine>').lines
    assert line.polygon == SQUARE


def test_pages_of_alto_are_numbered_and_name_their_file():
    content = b"<alto><Description><sourceImageInformation><fileName> a.tif </fileName>"
    content += b"</sourceImageInformation></Description><Layout><Page/><Page/></Layout></alto>"
    pages = read_layout(content, "a.xml")
    assert [(page.path, page.number, page.width) for page in pages] == [
        ("a.tif", 1, 0),
        ("a.tif", 2, 0),
    ]


def page_xml(line: str) -> Page:
    content = f"<PcGts><Page imageWidth='90'><TextRegion>{line}</TextRegion></Page></PcGts>"
    return read_layout(content.encode(), "a.xml")[0]


COORDS = '<Coords points="1,2 9,2 9,8 1,8"/>'


def test_a_line_of_page_xml_without_text_has_that_of_its_words():
    word = "<Word>{}<TextEquiv conf='0.5'><Unicode>{}</Unicode></TextEquiv></Word>"
    words = word.format(COORDS, "two") + word.format(COORDS, "words")
    (line,) = page_xml(f"<TextLine>{COORDS}{words}</TextLine>").lines
    assert line.text == "two words"
    assert line.words == (Word("two", SQUARE, 0.5), Word("words", SQUARE, 0.5))


@pytest.mark.parametrize(
    ("equivalents", "text", "confidence"),
    [
        ("", "", 0.0),
        ("<TextEquiv/>", "", 0.0),
        ("<TextEquiv><Unicode/></TextEquiv>", "", 0.0),
        ("<TextEquiv conf='0.25'><Unicode>a</Unicode></TextEquiv>", "a", 0.25),
    ],
)
def test_a_line_of_page_xml_may_have_no_text(equivalents, text, confidence):
    (line,) = page_xml(f"<TextLine>{COORDS}{equivalents}</TextLine>").lines
    assert (line.text, line.confidence) == (text, confidence)


def test_cells_of_tables_are_regions_and_those_without_a_place_follow():
    line = f"<TextLine>{COORDS}<TextEquiv><Unicode>{{}}</Unicode></TextEquiv></TextLine>"
    content = f"""<PcGts><Page><ReadingOrder><OrderedGroup><RegionRefIndexed regionRef="b"/>
    </OrderedGroup></ReadingOrder><TableRegion id="t"><TableCell id="a">{line.format("last")}
    </TableCell></TableRegion><TextRegion id="b">{line.format("first")}
    </TextRegion></Page></PcGts>"""
    assert read_layout(content.encode(), "a.xml")[0].text == "first\nlast"


@pytest.mark.parametrize("value", ["inf", "-inf", "1e8", "nan", "", "1,5", "0x10"])
def test_a_coordinate_that_is_no_number_of_pixels_is_named_with_its_line(value):
    with pytest.raises(ValueError, match=f"a.xml, line 1: expected a number .*Received: '{value}'"):
        alto(f'<TextLine HPOS="{value}"/>')


def test_pages_of_page_xml_have_no_negative_pixels():
    outside = Page(9, 9, (Line(box_polygon(-3.0, -2.4, 5.0, 5.6), "x"),))
    (page,) = read_layout(PAGE_WRITERS["page"](outside, "a", "b"), "a.xml")
    assert page.lines[0].polygon == box_polygon(0.0, 0.0, 5.0, 6.0)


def test_text_and_json_of_a_page_have_a_line_feed_for_each_line_alone():
    page = Page(9, 9, (Line(SQUARE, "a\nb\x1b"), Line(SQUARE, "c")), "a.png", 2)
    assert PAGE_WRITERS["text"](page, "", "") == b"a\\nb\\x1b\nc\n"
    line = PAGE_WRITERS["jsonl"](page, "", "")
    assert line.count(b"\n") == 1
    assert b'"text": "c"' in line or b'"text":"c"' in line


def test_a_page_is_named_by_its_file_and_number():
    assert Page(1, 1, path="scan.pdf", number=3).name == "scan.pdf#3"
    assert Page(1, 1).name == "page#1"


def test_a_record_that_is_not_of_a_page_is_refused():
    with pytest.raises(TypeError):
        Page.from_record({"width": 1, "height": 1, "colour": "red"})


HOCR_WORDS = (
    "<div class='ocr_page' title='bbox 0 0 90 80'><span class='ocr_line' title='bbox 1 2 9 8'>"
    "<span class='ocrx_word' title='bbox 1 2 4 8'>zwölf</span>\n"
    "<span class='ocrx_word' title='bbox 5 2 9 8'>東京</span></span></div>"
)


@pytest.mark.parametrize("name", ["a.hocr", "a.html", "a.HTM", "a.xml"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="UTF-8"?>\n'])
def test_hocr_is_read_as_html_and_as_xhtml_with_or_without_a_byte_order_mark(
    name, mark, declaration
):
    content = f"{mark}{declaration}<html xmlns='http://www.w3.org/1999/xhtml'><body>{HOCR_WORDS}"
    (page,) = read_layout(f"{content}</body></html>".encode(), name)
    assert page.text == "zwölf 東京"
    assert [word.polygon[0] for word in page.lines[0].words] == [(1.0, 2.0), (5.0, 2.0)]


def test_pages_of_hocr_are_numbered_in_their_order():
    content = f"<html><body>{HOCR_WORDS}<div class='ocr_page' title='bbox 0 0 9 9'></div>"
    first, second = read_layout(f"{content}{HOCR_WORDS}</body></html>".encode(), "a.hocr")[:2]
    assert (first.number, len(first.lines), second.number, second.lines) == (1, 1, 2, ())


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("", "expected `bbox left top right bottom` in the title. Received: ''"),
        ("bbox 1 2 3", "Received: 'bbox 1 2 3'"),
        ("bbox 1 2 3 4 5", "Received: 'bbox 1 2 3 4 5'"),
        ("bbox 1 2 3 x", "expected a number of pixels. Received: 'x'"),
        ("bbox 1 2 9 8; baseline a 1", "expected a number of pixels. Received: 'a'"),
        ("bbox 1 2 9 8; textangle up", "expected a number of pixels. Received: 'up'"),
        ("bbox 1 2 9 8; poly 1 2 3 4 5 nan", "expected a number of pixels. Received: 'nan'"),
    ],
)
def test_a_line_of_hocr_without_a_place_is_named(title, reason):
    with pytest.raises(ValueError, match=f"^a.hocr, line 1: .*{reason}"):
        hocr_line(title)


@pytest.mark.parametrize("angle", [0, 90, 180, 270, -90])
def test_the_angle_of_a_line_of_hocr_is_that_of_its_baseline(angle):
    (x0, y0), (x1, y1) = hocr_line(f"bbox 0 0 100 20; textangle {angle}").baseline
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((50, 10))
    # Angles of hOCR run anticlockwise, and y points down.
    direction = {0: (100, 0), 90: (0, -100), 180: (-100, 0), 270: (0, 100), -90: (0, 100)}
    assert (x1 - x0, y1 - y0) == pytest.approx(direction[angle])


def test_of_several_readings_in_page_xml_that_of_the_lowest_index_counts():
    equivalents = "".join(
        f"<TextEquiv index='{index}' conf='{index / 10}'><Unicode>{text}</Unicode></TextEquiv>"
        for index, text in ((2, "third"), (0, "first"), (1, "second"))
    )
    (line,) = page_xml(f"<TextLine>{COORDS}{equivalents}</TextLine>").lines
    assert (line.text, line.confidence) == ("first", 0.0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("<TextLine/>", "expected a TextLine with Coords .*Received: 0 and 0 points"),
        ("<TextLine><Coords points='1,2 3,4'/></TextLine>", "Received: 2 and 0 points"),
        ("<TextLine><Baseline points='1,2'/></TextLine>", "Received: 0 and 1 points"),
        (
            "<TextLine><Coords points='1 2 3'/></TextLine>",
            "expected points `x,y x,y`. Rec.*'1 2 3'",
        ),
        (
            "<TextLine><Coords><Point x='1'/></Coords></TextLine>",
            "a number of pixels. Received: ''",
        ),
        (
            f"<TextLine>{COORDS}<TextEquiv conf='high'/></TextLine>",
            "a number of pixels. Received: 'high'",
        ),
    ],
)
def test_a_damaged_line_of_page_xml_is_named(line, reason):
    with pytest.raises(ValueError, match=f"^a.xml, line 1: .*{reason}"):
        page_xml(line)

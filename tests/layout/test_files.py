import dataclasses

import pytest

pytest.importorskip("lxml")

from attention_ocr.layout.files import read_layout
from attention_ocr.layout.page import Line, Page, Word, box_polygon
from attention_ocr.layout.writers import PAGE_WRITERS

SLANTED = ((10.0, 20.0), (110.0, 26.0), (109.0, 46.0), (9.0, 40.0))
PAGE = Page(
    300,
    400,
    (
        Line(
            SLANTED,
            "two <words>",
            0.75,
            (Word("two", box_polygon(10.0, 20.0, 40.0, 40.0), 0.5), Word("<words>", SLANTED, 1.0)),
            0,
            ((10.0, 38.0), (110.0, 43.0)),
        ),
        Line(box_polygon(10.0, 90.0, 99.0, 120.0), "Ünïcode", 0.25, (), 1),
    ),
    "scan & co.png",
)


@pytest.mark.parametrize("format_name", ["hocr", "alto", "page"])
def test_what_is_written_is_read_back(format_name):
    content = PAGE_WRITERS[format_name](PAGE, "attention-ocr", "2024-01-02T03:04:05+00:00")
    name = "scan.hocr" if format_name == "hocr" else "scan.xml"
    (page,) = read_layout(content, name)
    assert (page.width, page.height, page.path, page.number) == (300, 400, "scan & co.png", 1)
    assert page.text == PAGE.text
    assert [line.block for line in page.lines] == [0, 1]
    assert [line.polygon for line in page.lines] == [line.polygon for line in PAGE.lines]
    first = page.lines[0]
    assert [word.text for word in first.words] == ["two", "<words>"]
    assert [word.confidence for word in first.words] == [0.5, 1.0]
    assert [word.polygon for word in first.words] == [w.polygon for w in PAGE.lines[0].words]
    # Of hOCR, it begins at the left side of the box.
    left = 9.0 if format_name == "hocr" else 10.0
    assert first.baseline[0] == pytest.approx((left, 38.0), abs=0.1)
    assert first.baseline[1] == pytest.approx((110.0, 43.0), abs=0.1)
    assert first.confidence == pytest.approx(0.75)


@pytest.mark.parametrize("format_name", ["hocr", "alto", "page"])
def test_a_page_without_text_and_characters_that_xml_cannot_hold_are_written(format_name):
    empty = dataclasses.replace(PAGE, lines=())
    assert read_layout(PAGE_WRITERS[format_name](empty, "a", "b"), "x.xml")[0].lines == ()
    odd = dataclasses.replace(PAGE, lines=(Line(SLANTED, "a\x1bb\ufffe"),))
    assert (
        read_layout(PAGE_WRITERS[format_name](odd, "a", "b"), "x.xml")[0].text == "a\ufffdb\ufffd"
    )


@pytest.mark.parametrize("angle", [180, 90, -90])
def test_hocr_has_the_angle_of_rotated_lines(angle):
    x, y = {180: (-50.0, 0.0), 90: (0.0, -50.0), -90: (0.0, 50.0)}[angle]
    line = Line(SLANTED, "text", 1.0, baseline=((60.0, 60.0), (60.0 + x, 60.0 + y)))
    content = PAGE_WRITERS["hocr"](dataclasses.replace(PAGE, lines=(line,)), "a", "b")
    assert f"textangle {angle}".encode() in content
    (begin_x, begin_y), (end_x, end_y) = read_layout(content, "a.hocr")[0].lines[0].baseline
    assert (end_x - begin_x, end_y - begin_y) == pytest.approx((2 * x, 2 * y), abs=2.0)


def test_pages_are_json_and_back():
    assert Page.from_record(PAGE.to_record()) == PAGE


TESSERACT = b"""<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml"><body>
<div class='ocr_page' id='page_1' title='image "in.png"; bbox 0 0 640 480; ppageno 0'>
 <div class='ocr_carea' id='block_1_1' title="bbox 36 92 618 361"><p class='ocr_par'>
  <span class='ocr_line' title="bbox 36 92 580 122; baseline 0.01 -6; x_size 30">
   <span class='ocrx_word' title='bbox 36 92 96 116; x_wconf 96'><strong>This</strong></span>
   <span class='ocrx_word' title='bbox 109 92 129 116; x_wconf 91'>is</span>
  </span></p></div></div>
<div class='ocr_page' title='bbox 0 0 10 20'></div></body></html>"""


def test_the_output_of_tesseract_is_read():
    first, second = read_layout(TESSERACT, "in.hocr")
    assert (first.path, first.width, first.height, first.text) == ("in.png", 640, 480, "This is")
    assert first.lines[0].baseline == ((36.0, 116.0), (580.0, 121.44))
    assert first.lines[0].words[1] == Word("is", box_polygon(109.0, 92.0, 129.0, 116.0), 0.91)
    assert (second.number, second.lines) == (2, ())


OLD_PAGE = b"""<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2010-03-19">
<Page imageFilename="a.tif" imageWidth="90" imageHeight="80"><ReadingOrder><OrderedGroup>
<RegionRefIndexed index="0" regionRef="second"/><RegionRefIndexed index="1" regionRef="first"/>
</OrderedGroup></ReadingOrder>
<TextRegion id="first"><TextLine><Coords><Point x="1" y="2"/><Point x="9" y="2"/>
<Point x="9" y="6"/></Coords><TextEquiv index="1"><Unicode>worse</Unicode></TextEquiv>
<TextEquiv index="0"><Unicode>last</Unicode></TextEquiv></TextLine></TextRegion>
<TextRegion id="second"><TextLine><Baseline points="1,20 9,21"/>
<TextEquiv><Unicode>first</Unicode></TextEquiv></TextLine></TextRegion></Page></PcGts>"""


def test_the_reading_order_old_points_and_baselines_of_page_xml_are_read():
    (page,) = read_layout(OLD_PAGE, "a.xml")
    assert page.text == "first\nlast"
    assert page.lines[0].baseline == ((1.0, 20.0), (9.0, 21.0))
    assert page.lines[1].polygon == ((1.0, 2.0), (9.0, 2.0), (9.0, 6.0))


OLD_ALTO = b"""<alto><Description><MeasurementUnit>mm10</MeasurementUnit></Description><Layout>
<Page WIDTH="2540" HEIGHT="254"><PrintSpace><TextBlock><TextLine HPOS="254" VPOS="0" WIDTH="508"
HEIGHT="127" BASELINE="100"><String CONTENT="ap" HPOS="254" VPOS="0" WIDTH="254" HEIGHT="127"/>
<HYP CONTENT="-"/></TextLine></TextBlock></PrintSpace></Page></Layout></alto>"""


def test_tenths_of_millimetres_and_hyphens_of_alto_2_are_read():
    (page,) = read_layout(OLD_ALTO, "a.xml")
    assert (page.width, page.height, page.text) == (3000, 300, "ap-")
    assert page.lines[0].polygon == box_polygon(300.0, 0.0, 900.0, 150.0)
    assert page.lines[0].baseline == ()


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"not xml", "a.xml", "a.xml: expected XML"),
        (b"", "a.xml", "a.xml: expected XML"),
        (b"<svg/>", "a.xml", "a.xml: expected hOCR, ALTO or PAGE XML. Received: <svg>"),
        (
            OLD_PAGE.replace(b'"1,20 9,21"', b'"1;20 9;21"'),
            "a.xml",
            "a.xml, line 8: expected points",
        ),
        (OLD_PAGE.replace(b"1,20 9,21", b"1,nan 9,21"), "a.xml", "line 8: expected a number"),
        (
            OLD_PAGE.replace(b' points="1,20 9,21"', b""),
            "a.xml",
            "line 8: expected a TextLine with",
        ),
        (TESSERACT.replace(b"bbox 36 92 580 122", b"bbox 36"), "a.hocr", "line 5: expected `bbox"),
    ],
)
def test_a_damaged_file_is_refused_by_name_and_line(content, name, reason):
    with pytest.raises(ValueError, match=reason):
        read_layout(content, name)


def test_entities_are_neither_expanded_nor_fetched(tmp_path):
    (tmp_path / "secret").write_text("secret")
    for entity in (f'SYSTEM "file://{tmp_path}/secret"', '"bomb"'):
        content = f"<!DOCTYPE PcGts [<!ENTITY e {entity}>]>".encode() + OLD_PAGE.replace(
            b"first</Unicode>", b"&e;</Unicode>"
        )
        text = read_layout(content, "a.xml")[0].text
        assert "secret" not in text
        assert "bomb" not in text

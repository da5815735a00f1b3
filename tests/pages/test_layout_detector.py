import numpy as np
import pytest

pytest.importorskip("lxml")

from attention_ocr.layout.page import Line, Page, Word, box_polygon
from attention_ocr.layout.writers import PAGE_WRITERS
from attention_ocr.pages.detector import PageImage, open_detector
from attention_ocr.pages.layout_detector import LayoutDetector
from tests.pages.scripted import BandDetector

BOX = box_polygon(10.0, 20.0, 50.0, 40.0)
PIXELS = np.zeros((80, 100, 3), np.uint8)


def write(path, text="word", size=(100, 80), pages=1):
    line = Line(BOX, text, 0.5, (Word(text, BOX, 0.5),), baseline=((10.0, 38.0), (50.0, 38.0)))
    kind = "hocr" if path.suffix != ".xml" else "page"
    content = PAGE_WRITERS[kind](Page(*size, (line,)), "a", "b")
    if pages > 1:
        start, end = content.split(b"<body>")
        page = end.removesuffix(b"</body>\n</html>\n")
        second = page.replace(b"bbox 10 20", b"bbox 15 20")
        content = start + b"<body>" + page + second + b"</body></html>"
    path.write_bytes(content)


def page_of(folder, name="scan.png", number=1, pixels=PIXELS):
    return PageImage(pixels, str(folder / name), number)


@pytest.mark.parametrize("name", ["scan.xml", "scan.png.xml", "scan.hocr", "scan.html", "scan.htm"])
def test_the_lines_stand_in_a_file_beside_the_image(tmp_path, name):
    write(tmp_path / name)
    (line,) = LayoutDetector().detect(page_of(tmp_path))
    assert line.polygon == BOX
    assert line.baseline == pytest.approx(np.array([(10, 38), (50, 38)]), abs=0.1)
    # What another program read does not count.
    assert (line.text, line.confidence) == ("", 0.0)
    assert [word.polygon for word in line.words] == [BOX]


def test_coordinates_are_scaled_to_the_image(tmp_path):
    write(tmp_path / "scan.xml", size=(200, 320))
    (line,) = LayoutDetector().detect(page_of(tmp_path))
    assert line.polygon == box_polygon(5.0, 5.0, 25.0, 10.0)


def test_a_file_without_a_size_is_in_pixels_of_the_image(tmp_path):
    write(tmp_path / "scan.xml", size=(0, 0))
    assert LayoutDetector().detect(page_of(tmp_path))[0].polygon == BOX


def test_a_line_with_a_baseline_alone_has_an_outline_around_it(tmp_path):
    baselines = ("10,30 60,30", "10,50 60,50")
    lines = "".join(f'<TextLine><Baseline points="{points}"/></TextLine>' for points in baselines)
    page = f'<Page imageWidth="50" imageHeight="40"><TextRegion>{lines}</TextRegion></Page>'
    (tmp_path / "scan.xml").write_text(f"<PcGts>{page}</PcGts>", encoding="utf-8")
    first, second = LayoutDetector().detect(page_of(tmp_path))
    # The lines are 20 pixels apart in the file, and the image is twice as large.
    np.testing.assert_allclose(first.polygon, [(20, 30), (120, 30), (120, 70), (20, 70)])
    np.testing.assert_allclose(second.polygon, np.add(first.polygon, (0, 40)))
    np.testing.assert_allclose(first.baseline, [(20, 60), (120, 60)])


def test_the_files_may_be_in_a_separate_folder(tmp_path):
    (tmp_path / "boxes").mkdir()
    write(tmp_path / "boxes/scan.xml")
    write(tmp_path / "scan.xml", size=(200, 320))
    detector = open_detector(f"layout,folder={tmp_path / 'boxes'}")
    assert detector.detect(page_of(tmp_path))[0].polygon == BOX


def test_a_file_of_several_pages_and_one_of_a_single_page_are_told_by_number(tmp_path):
    write(tmp_path / "scan.hocr", pages=2)
    detector = LayoutDetector()
    lefts = [detector.detect(page_of(tmp_path, number=n))[0].polygon[0][0] for n in (1, 2)]
    assert lefts == [10.0, 15.0]
    with pytest.raises(ValueError, match=r"scan.hocr: expected page 3. Received: 2 pages"):
        detector.detect(page_of(tmp_path, number=3))
    write(tmp_path / "scan.png-0003.xml")
    assert detector.detect(page_of(tmp_path, number=3))[0].polygon == BOX


def test_images_of_one_detector_have_their_own_files(tmp_path):
    write(tmp_path / "one.xml")
    write(tmp_path / "two.xml", size=(200, 160))
    detector = LayoutDetector()
    lefts = [
        detector.detect(page_of(tmp_path, name))[0].polygon[0][0]
        for name in ("one.png", "two.png", "one.png")
    ]
    assert lefts == [10.0, 5.0, 10.0]


def test_an_image_without_a_file_or_a_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected scan with one of .xml, .hocr.*in .*scan.png"):
        LayoutDetector().detect(page_of(tmp_path))
    with pytest.raises(ValueError, match="needs the path of the page. Received: pixels"):
        LayoutDetector().detect(PageImage(PIXELS))


def test_detectors_are_opened_by_name_place_or_as_they_are():
    assert isinstance(open_detector("layout"), LayoutDetector)
    assert isinstance(open_detector("tests.pages.scripted:BandDetector,margin=3"), BandDetector)
    detector = BandDetector()
    assert open_detector(detector) is detector


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("layuot", "`detector` must be `package.module:Class`, or one of rapidocr, layout"),
        ("layout,fodler=x", "may set folder of LayoutDetector. Received: 'fodler'"),
        ("layout,folder", "`detector` must be `key=value,...`"),
        ("pathlib:Path", "must name a subclass of attention_ocr.pages.detector.Detector"),
    ],
)
def test_a_wrong_detector_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        open_detector(name)

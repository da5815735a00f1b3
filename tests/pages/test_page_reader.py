import dataclasses
import itertools
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import attention_ocr
from attention_ocr.inference import locate
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.reader import Reader
from attention_ocr.layout.page import Line, box_polygon
from attention_ocr.pages import page_reader
from attention_ocr.pages.detector import Detector, open_detector
from attention_ocr.pages.page_reader import PageReader
from attention_ocr.text.charset import Charset
from tests.pages.rendered import LINES, draw, page
from tests.pages.scripted import BandDetector, FailingDetector


@pytest.fixture(scope="module")
def reader():
    return PageReader(detector=BandDetector()).reader


@pytest.fixture
def pages(reader):
    return PageReader(reader, BandDetector())


def test_a_page_is_read_by_lines_with_their_words_and_boxes(pages):
    read = pages.read(page())
    assert read.text == "\n".join(LINES)
    assert (read.width, read.height, read.error) == (700, 400, None)
    words = [word for line in read.lines for word in line.words]
    assert [word.text for word in words] == " ".join(LINES).split()
    for word in words:
        assert 0.5 < word.confidence <= 1.0
        assert len(word.polygon) == 4
    lefts = [word.polygon[0][0] for word in read.lines[0].words]
    assert lefts == sorted(lefts)
    assert all(
        first.polygon[1][0] <= second.polygon[0][0] + 1
        for first, second in itertools.pairwise(words[:5])
    )


def test_a_page_rotated_by_180_degrees_is_read_in_its_order(pages):
    read = pages.read(np.rot90(page(), 2))
    assert read.text == "\n".join(LINES)
    # The first corner is where the text begins.
    assert read.lines[0].polygon[0][0] > read.lines[0].polygon[1][0]


class ColumnDetector(BandDetector):
    """Finds the lines of a page that is rotated by a quarter."""

    def detect(self, image):
        turned = type(image)(np.ascontiguousarray(np.rot90(image.pixels)))
        width = image.pixels.shape[1]
        return [
            Line(tuple((width - y, x) for x, y in (line.polygon[i] for i in (3, 0, 1, 2))))
            for line in super().detect(turned)
        ]


@pytest.mark.parametrize("quarters", [1, 3])
def test_a_page_rotated_by_a_quarter_is_read_in_its_order(reader, quarters):
    read = PageReader(reader, ColumnDetector()).read(np.rot90(page(), quarters))
    assert read.text == "\n".join(LINES)


class SplitDetector(Detector):
    """Two upright lines, and one upside down."""

    def detect(self, image):
        boxes = ((50, 35, 450, 85), (50, 115, 450, 165), (250, 195, 650, 245))
        return [Line(box_polygon(*map(float, box))) for box in boxes]


def test_a_single_line_upside_down_is_read_too(reader):
    lines = LINES[:3]
    image = page(lines).copy()
    band = image[190:250, 40:660].copy()
    image[190:250, 40:660] = np.rot90(band, 2)
    read = PageReader(reader, SplitDetector()).read(image)
    assert read.text == "\n".join(lines)


def test_text_in_perspective_is_rectified(reader):
    corners = np.array([[0, 0], [700, 0], [700, 400], [0, 400]], np.float32)
    seen = np.array([[40, 60], [640, 10], [690, 390], [10, 330]], np.float32)
    transform = cv2.getPerspectiveTransform(corners, seen)
    photo = cv2.warpPerspective(page(), transform, (700, 400), borderValue=(255, 255, 255))

    class Seen(BandDetector):
        def detect(self, image):
            flat = super().detect(type(image)(page()))
            moved = [
                cv2.perspectiveTransform(np.array([line.polygon], np.float32), transform)[0]
                for line in flat
            ]
            return [Line(tuple(map(tuple, points.tolist()))) for points in moved]

    assert PageReader(reader, Seen()).read(photo).text == "\n".join(LINES)


def test_a_page_without_text_has_no_lines(pages):
    read = pages.read(np.full((90, 130, 3), 255, np.uint8))
    assert (read.lines, read.error, read.text) == ((), None, "")


def test_a_detector_that_fails_on_one_page_leaves_the_others(reader, tmp_path):
    images = [Image.fromarray(page((text,))) for text in LINES[:3]]
    images[0].save(tmp_path / "three.tif", save_all=True, append_images=images[1:])
    read = list(PageReader(reader, FailingDetector()).read_file(tmp_path / "three.tif"))
    assert [one.number for one in read] == [1, 2, 3]
    assert [one.text for one in read] == [LINES[0], "", LINES[2]]
    assert read[1].error == "no lines found: the network is out of memory"
    assert read[0].error is read[2].error is None


def test_words_of_a_detector_are_read_where_it_found_them(reader):
    image = draw([("left", 60, 40), ("right", 200, 40)])

    class WithWords(Detector):
        def detect(self, image):
            from attention_ocr.layout.page import Word

            words = tuple(
                Word("", box_polygon(*box))
                for box in ((55.0, 40.0, 130.0, 85.0), (195.0, 40.0, 290.0, 90.0))
            )
            return [Line(box_polygon(50.0, 35.0, 300.0, 90.0), words=words)]

    assert PageReader(reader, WithWords()).read(image).text == "left right"


def test_a_detector_is_found_by_its_place_and_takes_options():
    detector = open_detector("tests.pages.scripted:BandDetector,margin=7")
    assert detector._margin == 7
    with pytest.raises(ValueError, match="`detector` must be `package.module:Class`, or one of"):
        open_detector("easyocr")
    with pytest.raises(ValueError, match="may set margin of BandDetector"):
        open_detector("tests.pages.scripted:BandDetector,size=7")


def test_what_is_no_page_is_refused(pages):
    with pytest.raises(ValueError, match="An image must be"):
        pages.read(3.5)
    with pytest.raises(ValueError, match="nor a PDF"):
        pages.read(b"nothing")
    with pytest.raises(FileNotFoundError):
        pages.read("missing.png")


def test_the_default_detector_reads_a_rotated_page_in_columns():
    pytest.importorskip("rapidocr")
    left, right = ("first line here", "second one there"), ("third at the top", "fourth below it")
    placed = [("A heading over both of the columns", 60, 30)]
    placed += [(text, 60, 120 + 60 * index) for index, text in enumerate(left)]
    placed += [(text, 420, 120 + 60 * index) for index, text in enumerate(right)]
    image = np.rot90(draw(placed, text_size=30))
    read = attention_ocr.read_page(image)
    assert read.text.split("\n") == ["A heading over both of the columns", *left, *right]


def test_the_digits_of_a_number_stay_together_and_numbers_do_not(pages):
    numbers = ("reached 1112 and 1711 of", "within 2019 of 168 4401")
    assert pages.read(page(numbers)).text == "\n".join(numbers)


def test_the_decimals_of_a_price_stay_with_it_where_there_is_nothing_else(pages):
    prices = ("1.25", "12.80", "3.10", "2  3.50")
    assert pages.read(page(prices)).text == "1.25\n12.80\n3.10\n2 3.50"


def test_a_count_stays_apart_from_a_price_that_is_near(pages):
    prices = ("1.25", "12.80", "3.10", "2 3.50")
    assert pages.read(page(prices)).text == "\n".join(prices)


class LineEngine:
    """Reads whole lines: the same text, with attention at its characters' places."""

    def __init__(self, charset, config, text="two words"):
        self.charset, self.config, self.text = charset, config, text
        self.widths = []

    def read(self, images):
        text = self.text
        self.widths += [image.pixels.shape[1] / image.pixels.shape[0] for image in images]
        attention = np.zeros((len(text), 1, 18), np.float32)
        attention[np.arange(len(text)), 0, 2 * np.arange(len(text))] = 1.0
        reading = Reading(text, 0.9, (0.99,) * len(text), attention, (1.0, 1.0))
        return [reading for _ in images]


def test_a_model_of_lines_reads_whole_lines_and_words_get_their_boxes(reader):
    config = dataclasses.replace(
        reader.config, image=dataclasses.replace(reader.config.image, max_image_width=256)
    )
    engine = LineEngine(Charset(tuple(" dorstw")), config)
    read = PageReader(Reader(engine), BandDetector()).read(page(LINES[3:]))
    (line,) = read.lines
    assert line.text == "two words"
    # Once for the direction of the page, and once for its text.
    assert len(engine.widths) == 2
    assert len(set(engine.widths)) == 1
    first, second = line.words
    assert [first.text, second.text] == ["two", "words"]
    assert first.confidence == pytest.approx(0.99**3)
    # They end at the space between them, which was read at 6.5 of 18 columns.
    (left, _), (right, _) = line.polygon[:2]
    assert first.polygon[1][0] == pytest.approx(left + (right - left) * 6.5 / 18, abs=0.2)
    assert first.polygon[1] == second.polygon[0]


@pytest.mark.parametrize(
    ("text", "confidence", "expected"),
    [
        ("do rt", 0.5, "word"),
        ("do rt", 0.9, "do rt"),
        ("dörst", 0.5, "dörst"),
        ("twowordsortwowordsordo", 0.5, "twowordsortwowordsordo"),
    ],
    ids=["uncertain", "certain", "with an accent", "long"],
)
def test_short_lines_of_low_confidence_are_read_as_words_too(
    reader, monkeypatch, text, confidence, expected
):
    class Unsure(LineEngine):
        """Reads each character with a confidence."""

        def __init__(self, characters, text, confidence):
            super().__init__(Charset(tuple(characters)), reader.config, text)
            self.confidence = confidence

        def read(self, images):
            found = (self.confidence,) * len(self.text)
            attention = np.eye(len(self.text), dtype=np.float32)[:, None]
            reading = Reading(self.text, self.confidence, found, attention, (1.0, 1.0))
            return [reading] * len(images)

    engines = {
        "lines": Unsure(" dorstwö", text, confidence),
        "default": Unsure("dorstw", "word", 0.8),
    }
    monkeypatch.setattr(page_reader, "load", lambda model, **_: Reader(engines[Path(model).name]))
    image = page(("word",))
    assert PageReader(detector=BandDetector()).read(image).text == expected
    # A model that the caller has chosen reads alone.
    assert PageReader("lines", BandDetector()).read(image).text == text


def test_a_line_that_is_too_wide_for_the_model_is_read_in_parts(reader):
    config = dataclasses.replace(
        reader.config, image=dataclasses.replace(reader.config.image, max_image_width=192)
    )
    engine = LineEngine(Charset(tuple(" dorstw")), config)
    (line,) = PageReader(Reader(engine), BandDetector()).read(page(LINES[:1])).lines
    # Each part is read twice, see above.
    assert len(engine.widths) > 2
    assert max(engine.widths) <= 6.0
    assert line.text == " ".join(["two words"] * (len(engine.widths) // 2))


def test_a_line_with_more_characters_than_the_model_reads_is_read_in_parts(reader):
    model = dataclasses.replace(reader.config.model, max_length=9)
    image = dataclasses.replace(reader.config.image, max_image_width=4096)
    config = dataclasses.replace(reader.config, model=model, image=image)

    class Truncating(LineEngine):
        """Reads nine characters at most, of lines that have them in half their width."""

        def read(self, images):
            width = images[0].pixels.shape[1] / images[0].pixels.shape[0]
            self.text = "two words" if width > 6 else "word"
            return super().read(images)

    engine = Truncating(Charset(tuple(" dorstw")), config)
    (line,) = PageReader(Reader(engine), BandDetector()).read(page(LINES[:1])).lines
    assert line.text == "word word"
    whole, first, second = engine.widths[-3:]
    assert first + second == pytest.approx(whole, rel=0.05)
    assert line.words[0].polygon[1] == line.words[1].polygon[0]


def test_pages_are_read_by_the_bundled_model_of_lines_where_there_is_one(tmp_path, monkeypatch):
    model = tmp_path / "package" / "lines"
    monkeypatch.setattr(locate, "BUNDLED_LINES", model)
    monkeypatch.chdir(tmp_path)
    assert PageReader(detector=BandDetector()).reader.origin.path is None
    with pytest.raises(FileNotFoundError, match="lines is not a directory"):
        attention_ocr.load("lines")
    # A stand-in: what is read by it is told from the bundled model by its origin.
    shutil.copytree(locate.BUNDLED_WEIGHTS, model)
    chosen = PageReader(detector=BandDetector())
    assert chosen.reader.origin.path == str(model)
    assert attention_ocr.load("lines").origin.path == str(model)
    assert chosen.read(page(LINES[3:])).text == LINES[3]
    assert PageReader("default", BandDetector()).reader.origin.path != chosen.reader.origin.path
    # Crops are still read by the model of words.
    assert attention_ocr.load().origin.path is None


def test_numbers_that_a_model_of_lines_reads_apart_stay_apart(reader):
    engine = LineEngine(Charset(tuple(" 0123456789")), reader.config, "2019 4401")
    assert PageReader(Reader(engine), BandDetector()).read(page(LINES[3:])).text == "2019 4401"

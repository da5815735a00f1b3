"""The page of examples/browser in a headless browser, against Python."""

import importlib.util
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attention_ocr.exporting.export import write_format
from attention_ocr.inference.locate import BUNDLED_LINES
from attention_ocr.inference.reader import load
from attention_ocr.inference.work_directory import load_trained_model
from tests import tiny, tiny_model
from tests.image_files import LOSSLESS
from tests.pages.rendered import draw

SOURCES = Path(__file__).parents[2] / "examples" / "browser"
pytest.importorskip("playwright", reason="there is no playwright: pip install playwright")
SPEC = importlib.util.spec_from_file_location("compare", SOURCES / "compare.py")
compare = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(compare)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(compare.find_browser() is None, reason="there is no Chromium or Chrome"),
    pytest.mark.skipif(
        not (SOURCES / "vendor").exists(), reason="run `npm install` in examples/browser"
    ),
]


def png(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


WORD = png(tiny.word_image("a01b", height=40))


def make_site(folder: Path, **values: object) -> Path:
    """Write the folder of the page with a tiny model."""
    site = folder / "site"
    shutil.copytree(SOURCES, site, ignore=shutil.ignore_patterns("node_modules", "*.onnx"))
    work_dir = tiny_model.write_work_dir(folder / "model", **values)
    write_format("onnx", load_trained_model(work_dir), folder / "export")
    shutil.move(folder / "export" / "model.onnx", site / "model.onnx")
    return site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the page with a model that reads grey."""
    return make_site(tmp_path_factory.mktemp("gray"))


@pytest.fixture(scope="module")
def url(site):
    with compare.served(site) as address:
        yield address


@pytest.fixture
def page(url):
    with compare.opened(url, reduced_motion="reduce") as opened:
        yield opened


def current(page):
    """Return which character the page is at."""
    marks = [
        button.get_attribute("aria-current")
        for button in page.query_selector_all("#characters button")
    ]
    assert marks.count("step") == 1
    return marks.index("step")


def check_readings(site, page):
    """Compare the page with Python on files of all kinds."""
    files = {f"{index}.png": file for index, file in enumerate(tiny_model.files(6))}
    files |= {name: file for name, (file, _) in LOSSLESS.items()}
    files |= {path.name: path.read_bytes() for path in (site / "samples").iterdir()}
    readings = load(site / "model.onnx").read(list(files.values()))
    assert len({reading.text for reading in readings}) > 3
    for (name, file), reading in zip(files.items(), readings, strict=True):
        found = compare.drop(page, name, file)
        assert (name, found.problem, found.text) == (name, None, reading.text)
        # What shows through is rounded in another place.
        margin = 1e-2 if "alpha" in name or "transparency" in name else 1e-4
        assert found.confidence == pytest.approx(reading.confidence, abs=margin)
        wanted = pytest.approx(reading.character_confidences, abs=margin)
        assert found.character_confidences == wanted, name


def test_the_page_reads_what_python_reads(site, page):
    check_readings(site, page)


def test_a_model_may_read_in_colour(tmp_path):
    site = make_site(tmp_path, image_channels=3)
    with compare.served(site) as url, compare.opened(url, reduced_motion="reduce") as page:
        check_readings(site, page)


def test_nothing_is_uploaded(url):
    with compare.opened(url) as page:
        requests = []
        page.on("request", lambda request: requests.append(request))  # noqa: PLW0108
        page.reload()
        compare.wait(page)
        assert compare.drop(page, "word.png", WORD).problem is None
        page.click("#samples button:nth-child(2)")
        compare.wait(page)
        assert len(requests) > 5
        for request in requests:
            assert request.method == "GET"
            assert request.url.startswith((url, f"blob:{url}"))
            assert "?" not in request.url
        with (
            compare.served(SOURCES) as elsewhere,
            pytest.raises(Exception, match="Failed to fetch"),
        ):
            page.evaluate("url => fetch(url, {mode: 'no-cors'})", elsewhere)


def test_what_is_not_an_image_is_named(page):
    before = compare.drop(page, "word.png", WORD)
    large = png(np.zeros((5000, 4000), bool))
    for name, file, problem in (
        ("notes.txt", b"no image", "“notes.txt” is not an image that this browser can read"),
        ("empty.png", b"", "“empty.png” is not an image"),
        ("large.png", large, "“large.png” is an image of 4000 × 5000 pixels. The limit is 16.8"),
        ("model.onnx", b"\x0a", "The model model.onnx cannot be used: the file is cut short"),
    ):
        found = compare.drop(page, name, file)
        assert found.problem.startswith(problem)
        assert found.text == before.text
    assert compare.drop(page, "word.png", WORD) == before


def test_a_model_that_is_missing_or_cut_short_is_named(site, tmp_path):
    folder = tmp_path / "site"
    shutil.copytree(site, folder)
    content = (site / "model.onnx").read_bytes()
    for kept, problem in (
        (None, r"no model\.onnx beside.*404"),
        (-9, "cut short"),
        (0, "is missing"),
    ):
        (folder / "model.onnx").unlink(missing_ok=True)
        if kept is not None:
            (folder / "model.onnx").write_bytes(content[:kept])
        with compare.served(folder) as url, compare.opened(url) as page:
            assert page.inner_text("#problem").startswith("The model model.onnx cannot be used")
            assert page.is_visible("#problem")
            assert page.evaluate(
                "pattern => new RegExp(pattern).test(problem.textContent)", problem
            )
            assert compare.drop(page, "word.png", WORD).problem.startswith("The model model.onnx")
            # The page can still be given a model, and then reads what waits.
            assert compare.drop(page, "mine.onnx", content).problem is None
            assert page.is_visible("#result")


def test_another_model_reads_the_same_image(page, tmp_path):
    before = compare.drop(page, "word.png", WORD)
    work_dir = tiny_model.write_work_dir(tmp_path / "model", max_length=2)
    write_format("onnx", load_trained_model(work_dir), tmp_path / "export")
    content = (tmp_path / "export" / "model.onnx").read_bytes()
    after = compare.drop(page, "mine.onnx", content)
    expected = load(tmp_path / "export" / "model.onnx").read([WORD])[0]
    assert after.problem is None
    assert after.text == expected.text != before.text


def test_keys_walk_through_the_characters(page):
    text = compare.drop(page, "word.png", WORD).text
    assert len(text) > 2
    images = []
    for key, place in (("Home", 0), ("ArrowRight", 1), ("End", len(text) - 1), ("ArrowLeft", None)):
        page.keyboard.press(key)
        assert current(page) == (len(text) - 2 if place is None else place)
        images.append(page.evaluate("image.toDataURL()"))
    assert images[0] != images[1]
    assert page.get_attribute("#play", "aria-label") == "Play"
    page.click(f"#characters li:nth-child({len(text) - 1}) button")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(" ")
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.wait_for_selector("#play[aria-label=Play]", timeout=10_000)
    assert current(page) == len(text) - 1


def test_it_plays_by_itself_unless_motion_is_unwelcome(url):
    for motion, label in (("no-preference", "Pause"), ("reduce", "Play")):
        with compare.opened(url, reduced_motion=motion) as page:
            assert len(compare.drop(page, "word.png", WORD).text) > 2
            assert page.get_attribute("#play", "aria-label") == label


def test_a_part_of_the_image_is_read_alone(site, page):
    image = np.asarray(Image.open(io.BytesIO(WORD)))
    whole = compare.drop(page, "word.png", WORD)
    box = page.query_selector("#image").bounding_box()
    num_columns = image.shape[1] // 2
    # Less than a pixel of the image.
    page.mouse.move(box["x"] + 1, box["y"] + 1)
    page.mouse.down()
    right = box["x"] + box["width"] * num_columns / image.shape[1]
    page.mouse.move(right, box["y"] + box["height"] + 9)
    page.mouse.up()
    compare.wait(page)
    expected = load(site / "model.onnx").read([png(image[:, :num_columns])])[0]
    found = compare.shown(page)
    assert found.text == expected.text
    assert found.character_confidences == pytest.approx(expected.character_confidences, abs=1e-4)
    assert found.text != whole.text
    page.click("#whole")
    compare.wait(page)
    assert compare.shown(page) == whole


def test_images_are_chosen_and_pasted_as_well(page):
    other = png(tiny.word_image("22", height=24))
    expected = [compare.drop(page, "dropped.png", file) for file in (WORD, other)]
    page.set_input_files("#file", {"name": "chosen.png", "mimeType": "image/png", "buffer": WORD})
    page.wait_for_function(
        "text => document.getElementById('text').textContent == text", arg=expected[0].text
    )
    compare.wait(page)
    assert compare.shown(page) == expected[0]
    page.evaluate(
        """async (values) => {
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([Uint8Array.from(values)], "image.png"));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }""",
        list(other),
    )
    compare.wait(page)
    assert compare.shown(page) == expected[1]


HEADING = "A heading over both of the columns"
COLUMNS = ("first line here", "second one there"), ("third at the top", "fourth below it")


def photo_of_columns(quarters: int = 0) -> np.ndarray:
    placed = [(HEADING, 60, 30)]
    placed += [
        (text, 60 + 360 * column, 120 + 60 * index)
        for column, texts in enumerate(COLUMNS)
        for index, text in enumerate(texts)
    ]
    return np.rot90(draw(placed, text_size=30), quarters)


@pytest.fixture(scope="module")
def photo_site(site, tmp_path_factory):
    """The folder of the page with the models that read photos."""
    models = Path(pytest.importorskip("rapidocr").__file__).parent / "models"
    if not BUNDLED_LINES.is_dir():
        pytest.skip("this release has no model of lines")
    folder = tmp_path_factory.mktemp("photos")
    shutil.copytree(site, folder / "site")
    (detector,) = models.glob("*_det_*.onnx")
    shutil.copy(detector, folder / "site" / "detector.onnx")
    write_format("onnx", load_trained_model(BUNDLED_LINES), folder / "export")
    shutil.move(folder / "export" / "model.onnx", folder / "site" / "lines.onnx")
    return folder / "site"


def read_photo(page, file: bytes) -> list[str]:
    """Read all lines of an image."""
    compare.drop(page, "photo.png", file)
    if page.is_hidden("#photo"):
        page.click("#as_photo")
        compare.wait(page)
    return [element.inner_text() for element in page.query_selector_all("#lines .line")]


def test_a_whole_photo_is_read_in_its_order_which_way_up_it_is(photo_site):
    expected = [HEADING, *COLUMNS[0], *COLUMNS[1]]
    with compare.served(photo_site) as url, compare.opened(url) as page:
        for quarters in range(4):
            assert read_photo(page, png(photo_of_columns(quarters))) == expected
        assert page.is_hidden("#result")
        # A line that is clicked shows the attention.
        page.click("#lines li:nth-child(2) button")
        compare.wait(page)
        assert page.inner_text("#text") == expected[1]
        assert page.is_visible("#photo")
        # The next image is a word again.
        assert compare.drop(page, "word.png", WORD).problem is None
        assert page.is_hidden("#photo")


def test_boxes_are_those_of_the_detector_in_python(photo_site):
    photo = photo_of_columns()
    from attention_ocr.pages.detector import PageImage, open_detector

    expected = open_detector("rapidocr").detect(PageImage(photo))
    with compare.served(photo_site) as url, compare.opened(url) as page:
        assert len(read_photo(page, png(photo))) == len(expected)
        found = page.evaluate(
            """[...document.querySelectorAll("#lines button")].map(
                 ({ dataset }) => JSON.parse(dataset.corners)[0])"""
        )
    for line in expected:
        distances = np.abs(np.array(found) - np.array(line.polygon)).max(axis=(1, 2))
        assert distances.min() <= 4.0


def test_a_photo_without_text_has_no_lines(photo_site):
    with compare.served(photo_site) as url, compare.opened(url) as page:
        assert read_photo(page, png(np.full((300, 400), 200, np.uint8))) == []
        assert page.inner_text("#num_lines") == "No text found"


def test_without_its_models_a_photo_is_not_read_and_the_page_says_why(page):
    found = compare.drop(page, "photo.png", png(photo_of_columns()))
    assert found.problem is None
    page.click("#as_photo")
    compare.wait(page)
    problem = page.inner_text("#problem")
    assert problem.startswith("Photos cannot be read: there is no detector.onnx beside this page")

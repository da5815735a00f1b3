"""The HTML report of an evaluation, as the command writes it."""

import csv
import html.parser
import re
import shutil
from pathlib import Path

import pytest

from attention_ocr.cli import evaluate
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.reporting import example_images
from attention_ocr.reporting.charts import risk_coverage_points
from attention_ocr.reporting.markup import compared_texts
from attention_ocr.reporting.report import PAGE, SUSPECTS_FILE, TO_LABEL_FILE
from attention_ocr.reporting.sections import p_value_text
from tests import tiny, tiny_model

ODD = "<b>&\x1b"


def run(*arguments: object) -> None:
    command = evaluate.COMMAND
    command.call("evaluate", command.parse("evaluate", list(map(str, arguments))))


class Page(html.parser.HTMLParser):
    """The elements of a page, and whether every one is closed.

    Attributes:
        text: All text.
        links: Values of `src` and `href`.
        ids: Anchors.
        num: Number of elements by tag.
    """

    VOID = ("meta", "link", "img", "br")

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text, self.links, self.ids, self.num = "", [], [], {}
        self._open = []
        self.feed(path.read_text("utf-8"))
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.num[tag] = self.num.get(tag, 0) + 1
        values = dict(attributes)
        self.links += [values[name] for name in ("src", "href") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A report of two sources, with a second model and unlabelled images."""
    folder = tmp_path_factory.mktemp("report")
    model = tiny_model.write_work_dir(folder / "model")
    other = tiny_model.write_work_dir(folder / "other", encoder_depth=2.0)
    second = tiny.write_label_file(folder / "second", ["3", "c1", ODD])
    images = folder / "scans" / "deep"
    tiny.write_label_file(images, ["a", "b0", "c"])
    (images / "labels.tsv").unlink()
    run(
        f"--model={model}",
        f"--eval_data={model}/words/labels.tsv,weight=1;{second},weight=1",
        f"--report={folder / 'report'}",
        f"--compare={other}",
        f"--unlabelled={folder / 'scans'}",
    )
    return folder


def test_the_page_needs_no_network_and_links_to_its_own_sections(folder):
    page = Page(folder / "report" / PAGE)
    anchors = [link[1:] for link in page.links if link.startswith("#")]
    assert anchors
    assert set(anchors) <= set(page.ids)
    assert all(link.startswith(("data:", "#")) for link in page.links)
    assert not re.search(r"https?://|@import|url\(", (folder / "report" / PAGE).read_text("utf-8"))


def test_the_page_shows_every_part(folder):
    page = Page(folder / "report" / PAGE)
    assert page.ids == [
        *("scores", "comparison", "breakdown", "characters", "calibration"),
        *("worst", "confident", "to-label", "data"),
    ]
    assert page.num["svg"] == 2
    for caption in ("by length", "by height of the image", "by class", "by source"):
        assert caption in page.text
    # An untrained model reads nothing correctly: ten mistakes twice, and three images to label.
    assert page.num["figure"] == 2 * 10 + 3
    assert page.num["img"] == 2 * page.num["figure"]
    assert f"{folder}/second/labels.tsv" in page.text
    assert "McNemar" in page.text


def test_texts_neither_become_markup_nor_control_anything(folder):
    content = (folder / "report" / PAGE).read_text("utf-8")
    assert "\x1b" not in content
    assert "<b>&" not in content
    assert r"\x1b" in Page(folder / "report" / PAGE).text


def test_the_images_to_label_are_listed_with_a_draft(folder):
    lines = (folder / "report" / TO_LABEL_FILE).read_text("utf-8").splitlines()
    assert {line.split("\t")[0] for line in lines} <= {f"deep/{i}.png" for i in range(3)}
    assert lines
    with (folder / "report" / SUSPECTS_FILE).open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == ["key", "label", "prediction", "confidence"]


def test_sizes_and_sources_are_in_the_predictions(folder):
    with (folder / "model/evaluation/predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["height"] for row in rows} == {"16"}
    assert rows[0]["source"] == f"{folder}/model/words/labels.tsv"
    assert rows[-1]["source"] == f"{folder}/second/labels.tsv"
    assert all(int(row["distance"]) > 0 or row["right"] == "True" for row in rows)


def test_drawing_is_counted_on_a_bar(folder, monkeypatch):
    bars = []

    def watched(*args, **options):
        bars.append((args, bar := progress_bar(*args, **options)))
        return bar

    progress_bar = example_images.progress_bar
    monkeypatch.setattr(example_images, "progress_bar", watched)
    # Without a terminal nothing is counted.
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    model = load_trained_model(folder / "model")
    drawn = example_images.draw_example_images(model, f"{folder}/model/words/labels.tsv", [4, 1, 4])
    ((arguments, bar),) = bars
    assert sorted(drawn) == [1, 4]
    assert arguments == ("drawing", 2)
    assert bar.n == 2


def test_comparing_needs_a_report(work_dir):
    with pytest.raises(SystemExit, match="--compare needs --report"):
        run(f"--model={work_dir}", "--compare=default")


def test_differences_of_texts_are_marked():
    assert compared_texts("abc", "axc") == ("a<mark>b</mark>c", "a<mark>x</mark>c")
    assert compared_texts("<a", "<") == ("&lt;<mark>a</mark>", "&lt;")
    assert compared_texts("", "") == ("", "")


def test_a_p_value_is_never_zero():
    assert [p_value_text(p) for p in (1.0, 0.0213, 0.001)] == ["p = 1", "p = 0.021", "p = 0.001"]
    assert p_value_text(0.0) == "p < 0.001"


def test_the_risk_rises_to_the_error_rate_and_ties_stay_together():
    points = risk_coverage_points([0.9, 0.5, 0.5, 0.1], [True, False, True, False])
    assert points == [(0.25, 0.0), (0.75, 1 / 3), (1.0, 0.5)]
    assert risk_coverage_points([], []) == []


@pytest.mark.slow
def test_a_browser_shows_the_page_without_a_request_or_an_error(folder, tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if browser is None:
        pytest.skip("there is no Chromium or Chrome")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1000, "height": 800})
        requests, messages = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: messages.append(message.text))
        page.goto((folder / "report" / PAGE).as_uri())
        shown = page.evaluate(
            "[...document.images].map(i => i.complete && i.naturalWidth > 0 && i.width > 0)"
        )
        width = page.evaluate("document.documentElement.scrollWidth")
        page.screenshot(path=str(tmp_path / "page.png"), full_page=True)
        chromium.close()
    assert messages == []
    assert [url for url in requests if not url.startswith(("data:", "file:"))] == []
    assert shown
    assert all(shown)
    assert width <= 1000
    assert (tmp_path / "page.png").stat().st_size > 10_000

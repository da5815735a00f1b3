"""Sections of the report, from predictions whose figures are known."""

import re

import numpy as np
import pytest

pytest.importorskip("rapidfuzz")

from attention_ocr.evaluation.evaluate import Prediction, evaluation_of
from attention_ocr.evaluation.trained_model import ModelEvaluation
from attention_ocr.evaluation.unreachable import find_unreachable
from attention_ocr.reporting import sections
from attention_ocr.reporting.example_images import ExampleImage
from attention_ocr.text.charset import Charset


def entry(label, prediction=None, confidence=0.9, **values):
    prediction = label if prediction is None else prediction
    shown = {"shrunk": False, "readable": True, "height": 32, "width": 99}
    return Prediction(f"{label}.png", label, prediction, confidence, **{**shown, **values})


def image_of(predictions):
    return {
        index: ExampleImage(f"data:image/{index}", f"data:attention/{index}", row.prediction,
                            (0.5,) * len(row.prediction))
        for index, row in enumerate(predictions)
    }  # fmt: skip


def content_of(section):
    return section.content


def cells(html):
    """Return the rows of all tables as lists of their cells, without markup."""
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    return [
        [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in rows
    ]


def result_of(predictions, data="words", charset="abcdefgh"):
    unreachable = find_unreachable(predictions, Charset(charset), 5)
    return ModelEvaluation(evaluation_of(predictions), data, unreachable)


def test_scores_have_a_column_and_an_interval_for_each_model():
    half = evaluation_of([entry("ab"), entry("cd", "ce")])
    whole = evaluation_of([entry("ab"), entry("cd")])
    header, *rows = cells(content_of(sections.scores(["one", "<two>"], [half, whole])))
    assert header[1::2] == ["one", "&lt;two&gt;"]
    found = {row[0]: row[1:] for row in rows}
    assert found["images"][::2] == ["2", "2"]
    assert found["exact match"][::2] == ["50.0%", "100.0%"]
    assert found["character error rate"][::2] == ["25.00%", "0.00%"]
    assert found["similarity (1 - NED)"][::2] == ["75.00%", "100.00%"]
    for low, high in (re.findall(r"([\d.]+)%", row[1]) for name, row in found.items()
                      if name != "images"):  # fmt: skip
        assert 0.0 <= float(low) <= float(high) <= 100.0


def test_the_interval_of_an_error_rate_holds_it():
    rng = np.random.default_rng(0)
    rows = [entry("abcdefgh", "abcdefgx" if rng.random() < 0.3 else None) for _ in range(200)]
    table = cells(content_of(sections.scores(["one"], [evaluation_of(rows)])))
    (row,) = [row for row in table if row[0] == "character error rate"]
    low, high = map(float, re.findall(r"([\d.]+)%", row[2]))
    assert low <= float(row[1].rstrip("%")) <= high
    assert high - low < 3.0


def test_the_breakdown_lists_the_largest_sources_and_counts_the_rest():
    rows = []
    for number in range(sections.MAX_SOURCES + 3):
        rows += [entry("ab", source=f"set{number:02d}")] * (number + 1)
    html = content_of(sections.breakdown(rows))
    assert "3 smaller sources are omitted." in html
    assert "set32" in html
    assert "set03" in html
    assert "set02" not in html
    assert html.index("set32") < html.index("set03")


def test_few_sources_are_all_listed():
    html = content_of(sections.breakdown([entry("ab", source="only")]))
    assert "omitted" not in html
    assert "only" in html


def test_confusions_are_counted_with_their_share_of_the_character():
    rows = [entry("abab", "abax"), entry("b a", "ba"), entry("ab", "abc")]
    html = content_of(sections.characters(rows))
    found = {(row[0], row[1]): row[2:] for row in cells(html) if row[0] != "label"}
    assert found["b", "x"] == ["1", "25.0%"]
    assert found["(space)", "(nothing)"] == ["1", "100.0%"]
    assert found["(nothing)", "c"] == ["1", ""]


def test_without_mistakes_there_are_no_sections_of_mistakes():
    rows = [entry("ab"), entry("cd")]
    assert content_of(sections.characters(rows)) == ""
    assert content_of(sections.mistakes("worst", "Worst", "About.", rows, [], {})) == ""
    assert content_of(sections.calibration([])) == ""


def test_markup_in_a_text_stays_text():
    rows = [entry("<i>", "<b>"), entry("a&b", "a<b")]
    html = content_of(sections.characters(rows))
    html += content_of(sections.mistakes("m", "M", "<about>", rows, [0, 1], image_of(rows)))
    assert "<i>" not in html
    assert "<about>" not in html
    assert "&lt;about&gt;" in html


def test_the_chosen_mistakes_are_shown_in_their_order():
    rows = [entry("ab", "ax"), entry("cd"), entry("ef", "eg")]
    html = content_of(sections.mistakes("m", "M", "Why.", rows, [2, 0], image_of(rows)))
    assert re.findall(r"data:image/(\d)", html) == ["2", "0"]


def test_the_calibration_states_the_error_that_it_draws():
    rows = [entry("ab", confidence=0.8)] * 3 + [entry("ab", "ax", confidence=0.8)] * 2
    html = content_of(sections.calibration(rows))
    assert "by 20.00% on average" in html
    last = cells(html)[-1]
    assert last[:2] == ["100%", "40.00%"]


def test_unreadable_images_are_errors_but_have_no_part_in_the_calibration():
    rows = [entry("ab", confidence=0.8), entry("ab", "ax", confidence=0.8)]
    broken = [entry("", confidence=0.0, readable=False)] * 2
    assert sections.calibration(rows + broken) == sections.calibration(rows)
    assert content_of(sections.calibration(broken)) == ""
    table = cells(content_of(sections.scores(["one"], [evaluation_of(broken)])))
    found = {row[0]: row[1:] for row in table}
    assert found["exact match"][0] == "0.0%"
    assert found["similarity (1 - NED)"] == ["0.00%", "0.0% to 0.0%"]


def test_what_to_label_next_is_shown_as_far_as_it_is_drawn():
    rows = [entry("", "ab", 0.3), entry("", "cd", 0.2), entry("", "ef", 0.6)]
    images = image_of(rows)
    del images[2]
    html = content_of(sections.to_label(result_of(rows, "new"), [1, 0, 2], images, "list.tsv"))
    assert "The 3 of 3 images of new" in html
    assert "list.tsv" in html
    assert re.findall(r"data:image/(\d)", html) == ["1", "0"]
    # Nobody has read them yet.
    assert "label <bdi>" not in html


def test_two_models_are_compared_image_by_image():
    first = [entry("ab"), entry("cd"), entry("ef"), entry("gh", "gg")]
    second = [entry("ab"), entry("cd", "cc", 0.25), entry("ef", "", 0.5), entry("gh")]
    chosen = sections.differing(first, second, 10)
    section = sections.comparison(("one", "<two>"), first, second, chosen, image_of(first))
    html = content_of(section)
    found = {row[0]: row[1] for row in cells(html)}
    assert found == {
        "": "images", "both correct": "1", "only one": "2", "only &lt;two&gt;": "1", "neither": "0"
    }  # fmt: skip
    assert "&lt;two&gt; read <bdi>cc</bdi> 25.0%" in html
    assert "&lt;two&gt; read <bdi>(nothing)</bdi> 50.0%" in html
    assert "do not show a difference" in html


def test_a_clear_difference_is_called_significant():
    first, second = [entry("ab")] * 12, [entry("ab", "ax")] * 12
    html = content_of(sections.comparison(("one", "two"), first, second, [], {}))
    assert "significant at 5 %" in html
    assert "p &lt; 0.001" in html
    assert "Where only one" not in html


def test_examples_of_both_sides_alternate_until_one_ends():
    right, wrong = entry("ab"), entry("ab", "ax")
    first = [right, right, wrong, right, right, wrong]
    second = [wrong, wrong, right, wrong, right, wrong]
    assert sections.differing(first, second, 9) == [0, 2, 1, 3]
    assert sections.differing(first, second, 2) == [0, 2]
    assert sections.differing(first, first, 9) == []


@pytest.mark.parametrize(
    ("p_value", "text"),
    [(0.5, "p = 0.5"), (0.0213, "p = 0.021"), (0.001, "p = 0.001"), (9e-4, "p < 0.001")],
)
def test_a_tiny_p_value_is_not_zero(p_value, text):
    assert sections.p_value_text(p_value) == text


def test_remarks_name_five_images_of_a_kind_and_count_the_rest():
    rows = [entry(f"a{'bcdefgh'[number]}", shrunk=True) for number in range(7)]
    rows += [entry("ab", "", 0.0, readable=False), entry("xyz"), entry("abcdef")]
    html = content_of(sections.remarks(result_of(rows)))
    items = re.findall(r"<li>(.*?)</li>", html)
    assert "1 unreadable images: ab.png" in items
    (shrunk,) = [item for item in items if "shrunk" in item]
    assert shrunk.startswith("7 images shrunk to fit: ab.png, ac.png, ad.png, ae.png, af.png and 2")
    assert any((item.startswith("1 ") and "xyz" in item) or "characters" in item for item in items)


def test_without_remarks_the_section_is_empty():
    assert content_of(sections.remarks(result_of([entry("ab")]))) == ""

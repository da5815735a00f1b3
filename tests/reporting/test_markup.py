import pytest

pytest.importorskip("rapidfuzz")

from attention_ocr.evaluation.evaluate import Prediction
from attention_ocr.reporting.example_images import ExampleImage
from attention_ocr.reporting.markup import (
    Section,
    bar,
    colored_text,
    compared_texts,
    escaped,
    figure,
    gallery,
    paragraph,
    table,
)
from attention_ocr.visualization.overlay import CHARACTER_COLORS

SHOWN = {"shrunk": False, "readable": True}
HOSTILE = '<script>"a"&\x1b[31m\u202e'
SAFE = "&lt;script&gt;&quot;a&quot;&amp;\\x1b[31m\\u202e"


def test_texts_of_users_become_neither_markup_nor_controls():
    assert escaped(HOSTILE) == SAFE
    assert paragraph(HOSTILE) == f"<p>{SAFE}</p>"
    assert f"<caption>{SAFE}</caption>" in table([HOSTILE], [], HOSTILE)
    assert f'<th scope="col">{SAFE}</th>' in table([HOSTILE], [])
    assert f"<h2>{SAFE}</h2>" in str(Section("anchor", HOSTILE, ("content",)))


def test_a_table_has_a_row_for_each_row_and_no_caption_without_a_title():
    written = table(["a", "b"], [["1", "<b>2</b>"], ["3", "4"]])
    assert "<caption>" not in written
    assert "<tr><td>1</td><td><b>2</b></td></tr>\n<tr><td>3</td><td>4</td></tr>" in written


def test_a_section_leaves_empty_parts_out():
    section = Section("scores", "Scores", ("", "<p>a</p>", "", "<p>b</p>"))
    assert section.content == "<p>a</p>\n<p>b</p>"
    assert str(section).startswith('<section id="scores"><h2>Scores</h2>\n<p>a</p>')
    assert Section("empty", "Empty", ("", "")).content == ""


def test_a_bar_shows_the_share_and_its_interval():
    written = bar(0.5, (0.4, 0.65))
    assert "95 % interval 40.0% to 65.0%" in written
    assert "width:50.0%" in written
    assert "left:40.0%;width:25.0%" in written


@pytest.mark.parametrize(
    ("label", "prediction", "expected"),
    [
        ("same", "same", ("same", "same")),
        ("cat", "cart", ("cat", "ca<mark>r</mark>t")),
        ("", "x", ("", "<mark>x</mark>")),
        ("a&b", "a<b", ("a<mark>&amp;</mark>b", "a<mark>&lt;</mark>b")),
        ("a\n", "a\t", ("a<mark>\\n</mark>", "a<mark>\\t</mark>")),
    ],
)
def test_what_differs_is_marked_on_its_side(label, prediction, expected):
    assert compared_texts(label, prediction) == expected


def image(text, *confidences):
    return ExampleImage(
        "data:image/png;base64,AA==", "data:image/png;base64,BB==", text, confidences
    )


def test_characters_have_the_colour_of_their_attention_again_after_the_last():
    text = "x" * (len(CHARACTER_COLORS) + 1)
    parts = colored_text(image(text, *[0.25] * len(text))).split("</span>")[:-1]
    assert len(parts) == len(text)
    assert parts[0] == parts[-1] != parts[1]
    assert f"rgb{CHARACTER_COLORS[0]}" in parts[0]
    assert 'title="25.0%">x' in parts[0]


def test_a_figure_shows_image_texts_and_confidence():
    entry = Prediction(key="<a>.png", label="cat", prediction="cart", confidence=0.875, **SHOWN)
    written = figure(entry, image("cart", 0.5, 0.6, 0.7, 0.8), "<i>remark</i>")
    assert '<img src="data:image/png;base64,AA==" alt="image with label cat">' in written
    assert '<img src="data:image/png;base64,BB=="' in written
    assert "&lt;a&gt;.png" in written
    assert "read <bdi>ca<mark>r</mark>t</bdi> 87.5%<br><i>remark</i>" in written


def test_a_figure_says_where_a_text_is_empty_and_leaves_a_missing_label_out():
    entry = Prediction(key="a.png", label="", prediction="", confidence=0.5, **SHOWN)
    assert "label <bdi>(nothing)</bdi><br>read <bdi>(nothing)</bdi>" in figure(entry, image(""))
    unlabelled = figure(entry, image(""), labelled=False)
    assert "label <bdi>" not in unlabelled
    assert 'alt="unlabelled image"' in unlabelled


def test_a_gallery_without_figures_is_empty():
    assert gallery([]) == ""
    assert gallery(iter(["<figure>a</figure>"])) == '<div class="gallery"><figure>a</figure></div>'

import doctest
import sys

import numpy as np
import pytest

from attention_ocr.text import bidi
from attention_ocr.text.bidi import display_order
from attention_ocr.text.charset import Charset
from attention_ocr.visualization.glyphs import draw_line

pytest.importorskip("bidi")
pytest.importorskip("arabic_reshaper")


def test_the_examples_in_the_docstrings_are_true():
    results = doctest.testmod(bidi)
    assert (results.failed, results.attempted) == (0, 2)


def test_other_texts_are_left_alone():
    assert display_order("abc 12, été") == "abc 12, été"


def test_hebrew_is_reversed_and_numbers_in_it_are_not():
    assert display_order("שלום 12") == "12 םולש"


def test_brackets_around_hebrew_are_mirrored():
    assert display_order("(שלום)") == "(םולש)"
    assert display_order("abc (שלום) (def)") == "abc (םולש) (def)"


def test_arabic_letters_take_their_joined_forms():
    # Two letters that join: beh in its initial form stands right, dad in its final form left.
    assert display_order("بض") == "\ufebe\ufe91"


def test_right_to_left_text_is_stored_in_logical_order():
    charset = Charset.from_labels(["שלום"])
    assert charset.decode(charset.encode("שלום")) == "שלום"


def test_a_line_is_drawn_from_the_right():
    # A line that begins with a Hebrew letter runs right to left: the rest stands at its left.
    np.testing.assert_array_equal(draw_line("אa", 40), draw_line("aא", 40))
    assert not np.array_equal(draw_line("אב", 40), draw_line("בא", 40))


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "bidi", None)
    with pytest.raises(ImportError, match=r"pip install 'attention-ocr\[rtl\]'"):
        display_order("א")

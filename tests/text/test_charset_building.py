import doctest

import pytest

from attention_ocr.text import charset_building
from attention_ocr.text.charset import Charset
from attention_ocr.text.charset_building import build_charset, read_glyph_table
from attention_ocr.text.charset_in_graph import encode_in_graph

COUNTS = {"a": 5, "A": 2, "é": 1, "É": 1, "ﬁ": 1, "３": 2, "3": 1, "’": 4, "ß": 1, "\ufffd": 3}


def test_the_example_in_the_docstring_is_true():
    results = doctest.testmod(charset_building)
    assert (results.failed, results.attempted) == (0, 1)


def test_characters_stay_as_they_are_and_in_the_order_of_code_points():
    built = build_charset(COUNTS)
    assert built.charset.characters == tuple(sorted(set(COUNTS) - {"\ufffd"}))
    assert (built.charset.glyphs, built.left_out) == ({}, {})


def test_rare_characters_are_left_out_and_reported():
    built = build_charset(COUNTS, min_count=2)
    assert built.charset.characters == ("A", "a", "’", "３")
    assert built.left_out == {"3": 1, "ß": 1, "É": 1, "é": 1, "ﬁ": 1}


def test_case_compatibility_and_table_join_glyphs():
    built = build_charset(COUNTS, 2, "lower", "NFKC", {"’": "'", "‘": "'", "z": "Z"})
    assert built.counts == {"'": 4, "3": 3, "a": 7, "é": 2}
    assert built.charset.glyphs == {"A": "a", "É": "é", "’": "'", "‘": "'", "３": "3"}
    assert built.left_out == {"ß": 1, "ﬁ": 1}


def test_characters_first_seen_in_evaluation_belong_to_their_class():
    charset = build_charset({"b": 1}, case="lower").charset
    assert charset.encode("B") == charset.encode("b")
    charset = build_charset({"B": 1, "ß": 1}, case="upper").charset
    assert (charset.characters, charset.glyphs) == (("B", "ß"), {"b": "B"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"case": "title"}, "`case` must be one of keep, lower, upper. Received: 'title'"),
        ({"form": "NFD"}, "`form` must be one of NFC, NFKC. Received: 'NFD'"),
        ({"min_count": 0}, "`min_count` must be at least 1. Received: 0"),
        ({"min_count": 99}, "at least one character"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build_charset(COUNTS, **options)


def test_a_glyph_table_is_read(tmp_path):
    (tmp_path / "table.tsv").write_text("'\t’‘\n\n-\t–—\n", encoding="utf-8")
    table = read_glyph_table(tmp_path / "table.tsv")
    assert table == {"’": "'", "‘": "'", "–": "-", "—": "-"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ab\n", "line 1: expected a character, a tab"),
        ("a\t\n", "line 1: expected a character, a tab"),
        ("a\tb\nc\tb\n", "line 2: expected each glyph once. Received: 'b'"),
    ],
)
def test_a_wrong_glyph_table_is_refused(content, message, tmp_path):
    (tmp_path / "table.tsv").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_glyph_table(tmp_path / "table.tsv")


def test_a_charset_with_glyphs_is_restored_from_its_file(tmp_path):
    charset = Charset("'\tab", {"A": "a", "’": "'", "‘": "'"})
    path = charset.write(tmp_path / "mine.txt")
    assert path.read_text(encoding="utf-8") == "'\t‘’\n\t\na\tA\nb\n"
    assert Charset.load(path) == charset
    assert charset != Charset("'\tab")


def test_glyphs_of_one_class_share_a_token_id_in_python_and_in_the_graph():
    charset = Charset("ba", {"A": "a", "B": "b"})
    assert charset.encode("aAbB?") == [5, 5, 4, 4, 3]
    assert encode_in_graph(charset, ["aAbB?"]).to_list() == [[5, 5, 4, 4, 3]]
    assert charset.decode(charset.encode("AbBa")) == charset.fold("AbBa") == "abba"
    assert charset.unknown_characters("aB?") == ["?"]
    assert "A" in charset


@pytest.mark.parametrize(
    ("glyphs", "message"),
    [
        ({"A": "c"}, "Received: 'A' for 'c'"),
        ({"a": "b"}, "each character once"),
        ({"AB": "a"}, "one code point"),
    ],
)
def test_wrong_glyphs_are_refused(glyphs, message):
    with pytest.raises(ValueError, match=message):
        Charset("ab", glyphs)


def test_a_file_in_which_a_glyph_stands_for_two_is_refused(tmp_path):
    (tmp_path / "bad.txt").write_text("a\tx\nb\tx\n")
    with pytest.raises(ValueError, match="bad.txt: A glyph must stand for one character"):
        Charset.load(tmp_path / "bad.txt")

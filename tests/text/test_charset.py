import doctest
import os
from types import ModuleType

import pytest
import tensorflow as tf

from attention_ocr.text import charset as charset_module
from attention_ocr.text.charset import (
    ASCII,
    BLANK_ID,
    CHARSET_FILE,
    END_ID,
    PAD_ID,
    SPECIAL_TOKENS,
    START_ID,
    UNKNOWN_CHARACTER,
    UNKNOWN_ID,
    Charset,
    normalize,
)
from attention_ocr.text.charset_in_graph import decode_in_graph, encode_in_graph

TEXTS = [
    "",
    "Hello, World!",
    "  two  spaces ",
    "straße café naïve",
    "Привет",
    "Ελληνικά",
    "שלום",
    "مرحبا ٣٤",
    "नमस्ते",
    "東京タワー",
    "한국어",
    "ภาษาไทย",
    "𝒳 😀",
    "a\tb\u00a0c\u2028d\u3000e\re",
    "e\u0301q\u0323\u0307",
]
# Not in the order of the code points, so that a position is not mistaken for a rank.
CHARSET = Charset(reversed(Charset.from_labels(TEXTS).characters))
SMALL = Charset("cab")


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_restored_from_its_token_ids(text):
    token_ids = CHARSET.encode(text)
    assert len(token_ids) == len(normalize(text))
    assert CHARSET.decode(token_ids) == normalize(text)
    assert CHARSET.decode([START_ID, *token_ids, END_ID, PAD_ID]) == normalize(text)


def test_special_ids_are_fixed_for_good():
    assert (PAD_ID, START_ID, END_ID, UNKNOWN_ID, BLANK_ID) == (0, 1, 2, 3, 0)
    assert SPECIAL_TOKENS == ("<pad>", "<start>", "<end>", "<unknown>")
    assert SMALL.encode("cab") == [4, 5, 6]
    assert SMALL.vocabulary_size == 7
    assert len(SMALL) == 3


def test_decoding_stops_at_the_first_end():
    assert SMALL.decode([4, END_ID, 5, END_ID, 6]) == "c"
    assert SMALL.decode([END_ID]) == ""
    assert SMALL.decode([]) == ""


def test_an_unknown_character_has_its_own_id_and_is_named():
    assert SMALL.encode("cxa€") == [4, UNKNOWN_ID, 5, UNKNOWN_ID]
    assert SMALL.decode([4, UNKNOWN_ID, 5]) == f"c{UNKNOWN_CHARACTER}a"
    assert SMALL.unknown_characters("x cxa") == ["x", " ", "x"]
    assert SMALL.unknown_characters("abc") == []
    assert "a" in SMALL
    assert "x" not in SMALL


def test_texts_are_composed_before_they_are_encoded():
    charset = Charset("é")
    assert charset.encode("e\u0301") == charset.encode("\u00e9") == [4]
    assert charset.unknown_characters("e\u0301") == []


def test_python_and_graph_encode_alike():
    texts = [normalize(text) for text in [*TEXTS, "zЖ\u0007", UNKNOWN_CHARACTER]]
    for charset in (CHARSET, SMALL, Charset(ASCII)):
        encode = tf.function(lambda batch, charset=charset: encode_in_graph(charset, batch))
        token_ids = encode(tf.constant(texts))
        assert token_ids.dtype == tf.int32
        assert token_ids.to_list() == [charset.encode(text) for text in texts]


@pytest.mark.parametrize("texts", [[""], ["", "", ""]])
def test_the_graph_encodes_a_batch_of_empty_texts(texts):
    assert encode_in_graph(SMALL, tf.constant(texts)).to_list() == [[] for _ in texts]


def test_the_graph_takes_broken_utf8_for_unknown_characters():
    assert encode_in_graph(SMALL, tf.constant([b"c\xffa"])).to_list() == [[4, UNKNOWN_ID, 5]]


def test_encoding_can_stand_in_a_pipeline_whose_position_is_saved(tmp_path):
    dataset = tf.data.Dataset.from_tensor_slices(["ab", "c", "b"]).batch(1)
    iterator = iter(dataset.map(lambda batch: encode_in_graph(SMALL, batch).to_tensor()))
    next(iterator)
    checkpoint = tf.train.Checkpoint(iterator=iterator)
    # A lookup table would be refused here, as state outside the pipeline.
    path = checkpoint.write(str(tmp_path / "position"))
    assert next(iterator).numpy().tolist() == [[4]]
    checkpoint.read(path)
    assert next(iterator).numpy().tolist() == [[4]]


def test_python_and_graph_decode_alike():
    rows = [
        [4, 5, 6, 4, 5],
        [4, END_ID, 5, 6, 4],
        [END_ID, 4, 5, 6, 4],
        [START_ID, 6, UNKNOWN_ID, END_ID, UNKNOWN_ID],
        [PAD_ID, 4, PAD_ID, 5, PAD_ID],
    ]
    for charset in (SMALL, CHARSET):
        decode = tf.function(lambda batch, charset=charset: decode_in_graph(charset, batch))
        texts = [text.decode("utf-8") for text in decode(tf.constant(rows)).numpy()]
        assert texts == [charset.decode(row) for row in rows]


def test_the_graph_decodes_every_script():
    for text in TEXTS:
        token_ids = tf.constant([[*CHARSET.encode(text), END_ID]])
        assert decode_in_graph(CHARSET, token_ids).numpy()[0].decode("utf-8") == normalize(text)


def test_the_graph_decodes_no_step_to_no_text():
    assert decode_in_graph(SMALL, tf.zeros((2, 0), tf.int32)).numpy().tolist() == [b"", b""]


@pytest.mark.parametrize(
    ("characters", "message"),
    [
        ("", "at least one character"),
        ("abca", "Received twice: .'a'."),
        ("a\n", "neither a line feed"),
        ("a\ufffd", "nor U.FFFD"),
        (["a", "bc"], "one code point.*Received: 'bc'"),
        (["a", ""], "one code point.*Received: ''"),
    ],
)
def test_invalid_charsets_are_refused(characters, message):
    with pytest.raises(ValueError, match=message):
        Charset(characters)


def test_charsets_are_equal_when_their_characters_and_order_are():
    assert Charset("cab") == SMALL
    assert hash(Charset("cab")) == hash(SMALL)
    assert Charset("abc") != SMALL
    assert SMALL != "cab"


@pytest.mark.parametrize(
    "charset", [CHARSET, SMALL, Charset(" \u2028\u2029\x85\x0b\r\t\u00a0x"), Charset("\r")]
)
def test_a_charset_is_restored_from_its_file(charset, tmp_path):
    path = charset.save(tmp_path)
    assert Charset.load(path) == charset
    assert Charset.load(tmp_path) == charset
    assert [file.name for file in tmp_path.iterdir()] == [CHARSET_FILE]


@pytest.mark.parametrize(
    ("content", "characters"),
    [
        (b"a\nb\n", "ab"),
        (b"a\nb", "ab"),
        (b"a\r\nb\r\n", "ab"),
        (b"a\r\n \r\nb", "a b"),
        (b"\xef\xbb\xbfa\nb\n", "ab"),
        (b"\xef\xbb\xbfa\r\n\xe2\x80\xa8\r\n", "a\u2028"),
        ("e\u0301\nx\n".encode(), "\u00e9x"),
        (b" \n", " "),
    ],
)
def test_files_of_other_systems_are_read(content, characters, tmp_path):
    path = tmp_path / "my characters.txt"
    path.write_bytes(content)
    assert Charset.load(path).characters == tuple(characters)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "at least one character"),
        (b"a\n\nb\n", "Received: ''"),
        (b"ab\n", "Received: 'ab'"),
        (b"a\na\n", "Received twice: .'a'."),
        ("\u00e9\ne\u0301\n".encode(), "Received twice: .'\u00e9'."),
        (b"\xff\n", "utf-8"),
    ],
)
def test_an_invalid_charset_file_is_refused_and_named(content, message, tmp_path):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"bad.txt: .*{message}"):
        Charset.load(path)


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match=CHARSET_FILE):
        Charset.load(tmp_path)


def test_saving_that_fails_leaves_the_old_charset(tmp_path, monkeypatch):
    SMALL.save(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        Charset("xyz").save(tmp_path)
    assert Charset.load(tmp_path) == SMALL


def test_a_charset_is_built_of_labels_in_the_order_of_code_points():
    labels = iter(["bé", "", "e\u0301a b", UNKNOWN_CHARACTER])
    assert Charset.from_labels(labels).characters == (" ", "a", "b", "é")


@pytest.mark.parametrize("labels", [[], ["", ""], [UNKNOWN_CHARACTER]])
def test_labels_without_a_character_make_no_charset(labels):
    with pytest.raises(ValueError, match="at least one character"):
        Charset.from_labels(labels)


def test_ascii_is_every_printable_character_but_the_space():
    assert len(ASCII) == 94
    assert (ASCII[0], ASCII[-1]) == ("!", "~")


def test_the_examples_in_the_docstrings_are_true():
    assert isinstance(charset_module, ModuleType)
    results = doctest.testmod(charset_module)
    assert results.attempted >= 2
    assert results.failed == 0


# As in charset_size=134.txt of Google's attention_ocr: neither sorted nor one code for each.
GOOGLE = "0\t \n12\t<nul>\n1\tl\n2\t’\n3\té\n10\tt\n2\t'\n11\t\\\n4\t<\n2\t‘\n"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_charset_of_googles_is_read_in_the_order_of_its_codes(tmp_path, line_end):
    path = tmp_path / "charset_size=134.txt"
    path.write_bytes(GOOGLE.replace("\n", line_end).encode())
    charset = Charset.load(path)
    assert charset.characters == (" ", "l", "’", "é", "<", "t", "\\")
    assert charset.glyphs == {"'": "’", "‘": "’"}
    # What it is saved as is a file of ours.
    assert Charset.load(charset.save(tmp_path)) == charset


def test_a_small_charset_of_google_is_recognised_by_its_null():
    assert Charset.from_bytes(b"1\tb\n0\ta\n2\t<nul>\n").characters == ("a", "b")
    # Without it these are digits, and the glyphs that are read as them.
    assert Charset.from_bytes(b"1\tl\n0\tO\n").glyphs == {"l": "1", "O": "0"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0\ta\n1\t\n10\tb\n", r"charset.txt: line 2: expected a code.*a space.*'1\\t'"),
        ("0\ta\n\n10\tb\n", r"line 2: expected a code.*Received: ''"),
        ("0\tab\n10\tc\n", r"line 1: expected a code.*'0\\tab'"),
        ("0\ta\n10\ta\n", "each character once. Received twice: .*'a'"),
        ("0\ta\n0\tb\n10\tc\n10\tb\n", "A glyph must stand for one character"),
        ("10\t<nul>\n", "at least one character"),
    ],
)
def test_a_wrong_charset_of_googles_is_refused_by_its_line(tmp_path, content, message):
    (tmp_path / "charset.txt").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        Charset.load(tmp_path / "charset.txt")


def test_characters_are_kept_in_the_form_in_which_texts_are_read(tmp_path):
    # The Ohm and the Kelvin sign are, in NFC, a Greek and a Latin letter.
    charset = Charset("x\u2126", {"\u212a": "x"})
    assert charset.characters == ("x", "\u03a9")
    assert charset.encode("\u2126\u03a9\u212aK") == [5, 5, 4, 4]
    assert Charset.load(charset.save(tmp_path)) == charset
    with pytest.raises(ValueError, match="Received twice"):
        Charset("\u2126\u03a9")
    # A letter of Devanagari whose NFC are two code points is none that a charset can hold.
    with pytest.raises(ValueError, match="must be one code point"):
        Charset("\u0958")


def test_no_text_of_known_characters_changes_by_a_round_trip_through_a_file(tmp_path):
    charset = Charset(sorted({*"".join(map(normalize, TEXTS))} | {"\t", "\r", " ", "\ufeff", "0"}))
    restored = Charset.load(charset.save(tmp_path))
    assert restored.characters == charset.characters
    for text in TEXTS:
        assert restored.encode(text) == charset.encode(text)


@pytest.mark.parametrize("token_ids", [[], [END_ID], [END_ID, 4], [PAD_ID, START_ID]])
def test_nothing_before_the_end_is_the_empty_text(token_ids):
    assert SMALL.decode(token_ids) == ""


def test_folding_replaces_glyphs_and_keeps_what_the_charset_lacks():
    charset = Charset("ab", {"A": "a", "\u00e4": "a"})
    assert charset.fold("ABa\u0308?") == "aBa?"
    assert charset.decode(charset.encode("A\u00e4b")) == charset.fold("A\u00e4b") == "aab"
    assert SMALL.fold("XYZ") == "XYZ"
    assert charset.unknown_characters("a\u00e4BB") == ["B", "B"]

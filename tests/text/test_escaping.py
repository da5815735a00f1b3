import json
import unicodedata

import pytest

from attention_ocr.text.escaping import escape_controls, to_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("PA\x1b[31mRKING", r"PA\x1b[31mRKING"),
        ("\x9b2J\x7f", r"\x9b2J\x7f"),
        ("a\tb\nc\rd\x00", r"a\tb\nc\rd\x00"),
        ("\u2028\u202eevil\u2066", r"\u2028\u202eevil\u2066"),
        ("\udc80", r"\udc80"),
        ("été \\ 東京 \u200d\u200f", "été \\ 東京 \u200d\u200f"),
        ("", ""),
    ],
)
def test_terminal_controls_are_escaped(text, shown):
    assert escape_controls(text) == shown


def test_kept_controls_are_not_escaped():
    assert escape_controls("a\tb\nc\x1b", keep="\t\n") == "a\tb\nc\\x1b"


def test_json_holds_every_text_and_no_control():
    text = "".join(map(chr, range(0x2100))) + "\ud800 \U0001f600"
    document = to_json({"text": text})
    assert json.loads(document) == {"text": text}
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in document)
    assert "é" in document

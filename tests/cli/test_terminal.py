"""What a command prints of an error: one line, which nothing in users' data can change."""

import json
import logging

import pytest

from attention_ocr.cli.terminal import describe_error, escape_log
from attention_ocr.text.escaping import escape_controls, to_json


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("expected a\nnumber"), "expected a number"),
        (ValueError("a\x1b[31m"), "a\\x1b[31m"),
        (FileNotFoundError(2, "No such file or directory", "a\n.png"), "a\\n.png: No such file or "
         "directory"),
        (OSError("disk full"), "disk full"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (ImportError("needs lxml"), "needs lxml"),
        (ValueError(""), ""),
    ],
)  # fmt: skip
def test_an_error_is_one_line_without_controls(error, shown):
    assert describe_error(error) == shown


def test_lines_of_a_message_may_be_kept():
    assert describe_error(ValueError("one\ntwo\x07"), keep="\n") == "one\ntwo\\x07"


def test_a_missing_tensorflow_says_how_to_get_it():
    error = ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow.core")
    assert describe_error(error).startswith("TensorFlow is not installed")
    assert "pip install attention-ocr" in describe_error(error)


def logged(message, *arguments):
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    escape_log(handler)
    handler.handle(logging.LogRecord("a", logging.INFO, "a.py", 1, message, arguments, None))
    return records


def test_a_log_message_keeps_its_lines_and_its_arguments():
    (record,) = logged("%s is\n\t%d", "a\x1b", 3)
    assert record.getMessage() == "a\\x1b is\n\t3"
    (record,) = logged("%s", "plain")
    assert (record.msg, record.args) == ("%s", ("plain",))


def test_a_log_message_with_wrong_arguments_is_passed_on():
    (record,) = logged("%d", "no number")
    assert record.args == ("no number",)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("zwölf 𝔸 שלום", "zwölf 𝔸 שלום"),
        ("a\r\n\t\x00\x7f\x9b", "a\\r\\n\\t\\x00\\x7f\\x9b"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("a\u202eb\u2066", "a\\u202eb\\u2066"),
        ("\udc80", "\\udc80"),
        ("C:\\new", "C:\\new"),
        # Joiners and marks are part of words.
        ("می\u200cخواهم e\u0301", "می\u200cخواهم e\u0301"),
    ],
)
def test_only_what_controls_a_terminal_is_escaped(text, escaped):
    assert escape_controls(text) == escaped
    assert escape_controls(text, keep=text) == text


def test_json_is_legible_and_restores_every_text():
    text = "é\x1b\x9b\u2028\udc80\n"
    written = to_json({"text": text})
    assert written == '{"text": "é\\u001b\\u009b\\u2028\\udc80\\n"}'
    assert json.loads(written) == {"text": text}
    assert to_json([1, 2], indent=1) == "[\n 1,\n 2\n]"

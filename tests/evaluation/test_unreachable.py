import json

from attention_ocr.evaluation.evaluate import Prediction
from attention_ocr.evaluation.unreachable import find_unreachable
from attention_ocr.text.charset import Charset
from tests import tiny
from tests.test_entry_points import call

CHARSET = Charset("abc0123", {"A": "a"})


def prediction(label: str) -> Prediction:
    return Prediction(f"{label}.png", label, "", 0.5, shrunk=False, readable=True)


def test_labels_with_unknown_characters_or_too_long_are_counted_and_named():
    labels = ["abc", "ab£", "b°£", "c\u200e", "0123012", "£123012", "", "A"]
    found = find_unreachable([prediction(label) for label in labels], CHARSET, max_length=6)
    assert found.num_labels == 5
    assert list(found.unknown_characters.items()) == [("£", 3), ("°", 1), ("\u200e", 1)]
    assert found.unknown_keys == ["ab£.png", "b°£.png", "c\u200e.png", "£123012.png"]
    assert found.too_long_keys == ["0123012.png", "£123012.png"]
    outside, long = found.lines()
    assert outside.startswith("4 labels outside the charset, never right: £ ° U+200E; ab£.png, b°£")
    assert long == "2 labels over 6 characters, never right: 0123012.png, £123012.png"


def test_text_names_some_of_many_and_json_all():
    labels = [chr(0x4E00 + index) for index in range(60)]
    found = find_unreachable([prediction(label) for label in labels], CHARSET, max_length=6)
    (line,) = found.lines()
    assert "and 20 more; " in line
    assert line.endswith("and 55 more")
    assert len(found.to_dict()["unknown_keys"]) == len(found.unknown_characters) == 60


def test_reachable_labels_are_not_mentioned():
    found = find_unreachable([prediction("abc"), prediction("A")], CHARSET, max_length=6)
    assert (found.num_labels, found.lines()) == (0, [])


def test_eval_names_the_labels_that_can_never_be_right(work_dir, tmp_path, capsys):
    labels = tiny.write_label_file(tmp_path / "data", ["a", "b£", "0123012"])
    arguments = [f"--model={work_dir}", f"--eval_data={labels}", f"--out_dir={tmp_path / 'out'}"]
    call("eval", *arguments)
    lines = capsys.readouterr().out.splitlines()
    (outside,) = [line for line in lines if line.startswith("labels outside the charset")]
    assert outside.split(maxsplit=4)[4] == "1  never right: £; 1.png"
    (long,) = [line for line in lines if line.startswith("labels over 6 characters")]
    assert long.endswith("1  never right: 2.png")
    document = json.loads((tmp_path / "out/metrics.json").read_text("utf-8"))
    assert document["unreachable"] == {
        "num_labels": 2,
        "unknown_characters": {"£": 1},
        "unknown_keys": ["1.png"],
        "max_length": 6,
        "too_long_keys": ["2.png"],
    }

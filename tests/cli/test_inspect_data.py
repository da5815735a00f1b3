import json

import numpy as np
import pytest
from PIL import Image

from attention_ocr.cli.main import main
from tests import tiny


@pytest.fixture
def words(tmp_path):
    return tiny.write_label_file(tmp_path / "words", ["abc", "ab ", "a"])


def test_inspect_prints_and_writes_what_is_there(words, tmp_path, capsys):
    files = {name: tmp_path / f"{name}.png" for name in ("sheet", "histograms")}
    options = [f"--{name}={path}" for name, path in files.items()]
    document = tmp_path / "report.json"
    assert main(["inspect", str(words), f"--json={document}", "--charset=ascii", *options]) == 0
    printed = capsys.readouterr().out
    assert "3 examples, 4 characters" in printed
    assert "outer_space: 1 labels with leading or trailing whitespace\n  1.png: 'ab '" in printed
    assert "missing from the charset: ' ' U+0020 SPACE, 1 times" in printed
    assert json.loads(document.read_text())["lengths"] == {"1": 1, "3": 2}
    for path in files.values():
        assert len(np.unique(np.asarray(Image.open(path)))) > 2


def test_control_characters_of_labels_and_names_are_escaped(tmp_path, capsys):
    labels = tiny.write_label_file(tmp_path, ["a", "b"])
    (tmp_path / "1.png").rename(tmp_path / "\x1b[2J.png")
    labels.write_bytes(b"0.png\tPA\x1b[31mRKING\xc2\x9b \n\x1b[2J.png\tb \n")
    document = tmp_path / "report.json"
    sheet = tmp_path / "sheet.png"
    assert main(["inspect", str(labels), f"--json={document}", f"--sheet={sheet}"]) == 0
    printed = capsys.readouterr().out
    for content in (printed, document.read_text("utf-8")):
        assert "\x1b" not in content
        assert "\x9b" not in content
    assert r"0.png: 'PA\x1b[31mRKING\x9b '" in printed
    assert r"\x1b[2J.png: 'b '" in printed
    labels.write_bytes(b"0.png\ta\n\x1b[2J.png\n")
    assert main(["inspect", str(labels)]) == 1
    assert "\x1b" not in capsys.readouterr().err


def test_validate_fails_when_something_is_wrong_and_not_ignored(words, capsys):
    assert main(["validate", str(words)]) == 1
    assert "3 examples, problems: outer_space" in capsys.readouterr().out
    assert main(["validate", str(words), "--ignore=outer_space"]) == 0
    assert "3 examples, no problems" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ignore=spaces"], "--ignore must list some of unreadable, .*Received: spaces"),
        (["--sheet=x.jpg"], "Expected --sheet to end in .png. Received: x.jpg"),
        (["--max_length=0"], "Expected --max_length of at least 1. Received: 0"),
        (["--limit=0"], "Expected --limit of at least 1. Received: 0"),
        (["--image_height=20"], "must be a multiple of 16. Received: 20"),
    ],
)
def test_wrong_options_are_refused(options, message, words, capsys):
    import re

    assert main(["validate", str(words), *options]) == 1
    assert re.search(message, capsys.readouterr().err)


def test_data_that_is_not_there_ends_with_a_line(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "none.tsv")]) == 1
    assert "none.tsv" in capsys.readouterr().err

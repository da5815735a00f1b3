import subprocess
import sys
from pathlib import Path

import pytest

from attention_ocr.data.labels import LabelledImage
from benchmarks.peers import compare
from benchmarks.peers.compare import PeerReading, describe, read_with_peer
from tests import tiny

IMAGES = [
    LabelledImage(Path(f"{text}.png"), f"{text}.png", text) for text in ("One", "2-3", "x", "y")
]

ECHO = """
import json, sys
for line in sys.stdin:
    path = line.strip()
    print(json.dumps({"path": path, "text": path.rsplit("/", 1)[1], "cpu_ms": 2.5}))
"""


def test_a_row_has_the_match_of_the_field_and_the_strict_one():
    texts = ("one", "23", "x", "z")
    readings = [PeerReading(text, cpu_ms) for text, cpu_ms in zip(texts, (1, 9, 3, 2), strict=True)]
    row = describe("some", "words", IMAGES, readings)
    assert row["images"] == 4
    assert row["match %"] == 75.0
    assert row["strict %"] == 25.0
    assert (row["CPU ms"], row["mean"]) == (2.5, 3.75)
    assert row["95 % interval"] == "30.1 to 95.4"


def test_readings_of_a_peer_come_in_the_order_of_the_images(tmp_path, monkeypatch):
    script = tmp_path / "read.py"
    script.write_text(ECHO, encoding="utf-8")
    monkeypatch.setattr(compare, "READ", script)
    readings = read_with_peer("some", sys.executable, IMAGES)
    assert [reading.text for reading in readings] == ["One.png", "2-3.png", "x.png", "y.png"]
    assert readings[0].cpu_ms == 2.5


def test_a_peer_that_fails_is_named_with_its_last_line(tmp_path, monkeypatch):
    script = tmp_path / "read.py"
    script.write_text("raise SystemExit('no such language')", encoding="utf-8")
    monkeypatch.setattr(compare, "READ", script)
    with pytest.raises(OSError, match="some failed: no such language"):
        read_with_peer("some", sys.executable, IMAGES)


def test_a_set_may_choose_its_own_part(tmp_path):
    labels = tiny.write_label_file(tmp_path, list("abcdefgh"))

    def texts(options, **values):
        images = compare.choose_images(f"{labels}{options}", every=5, part="eval", **values)
        return "".join(image.text for image in images)

    assert texts("") == "e"
    assert texts(",every=2,part=train") == "aceg"
    assert texts(",every=2,part=eval,group=([0-3]|.)") == "bdfh"
    assert texts(",every=1") == "abcdefgh"
    assert texts(",every=1", limit=3) == "adg"


def test_an_unknown_peer_is_refused_with_the_known_ones():
    result = subprocess.run(
        [sys.executable, str(compare.READ), "nobody"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr.startswith(
        "Expected one of tesseract, ppocr-tiny, ppocr-small. Received: nobody"
    )

import json

import pytest

from attention_ocr.synthesis.looks import LOOKS
from benchmarks import rendering


def test_the_table_and_the_json_say_the_same(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ATTENTION_OCR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(rendering.cv2, "setNumThreads", lambda _: None)
    file = tmp_path / "rendering.json"
    rendering.main(["--fonts=bundled", "--num_images=4", "--num_rounds=3", f"--json={file}"])
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["benchmark"] == "rendering"
    assert content["machine"]["num_cores"] >= 1
    _, *lines, _ = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines]
    # Kinds by difficulty, then a row for each look.
    assert len(rows) == len(content["results"]) == 12 + len(LOOKS)
    assert [row[0] for row in rows[12:]] == list(LOOKS)
    for row, result in zip(rows, content["results"], strict=True):
        assert row[:2] == [result["look"], result["kinds"]]
        assert float(row[2]) == result["difficulty"]
        assert int(row[3]) == result["images_per_core_s"] > 0
        assert result["slowest_round"] <= result["images_per_core_s"] <= result["fastest_round"]
        assert result["pixels_per_image"] > 500


def test_wrong_arguments_are_refused(capsys):
    with pytest.raises(SystemExit):
        rendering.main(["--num_images=many"])
    assert "many" in capsys.readouterr().err

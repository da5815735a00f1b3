"""The script that writes the texts of the language model of lines."""

from collections import Counter

from tests.scripts import open_script


def test_sentences_and_lines_of_receipts_are_written(tmp_path, monkeypatch):
    line_texts = open_script("line_texts")
    for name in ("NUM_SENTENCES", "NUM_OTHERS"):
        monkeypatch.setattr(line_texts, name, 40)
    for name in ("languages", "many"):
        words = "".join(f"{word}\n" for word in ("apple", "pear", "plum", "quince"))
        (tmp_path / f"{name}.txt").write_text(words, encoding="utf-8")
    labels = tmp_path / "labels.tsv"
    labels.write_text("a.png\tTotal 2.50\nb.png\tZürich\n", encoding="utf-8")
    line_texts.main(tmp_path, str(labels))
    lines = (tmp_path / "line_texts.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 40 + 40 + 2 * line_texts.REPEATS
    assert all(20 <= len(line) <= 100 for line in lines[:40])
    assert len(set(lines[:80])) > 60
    assert Counter(lines)["Zürich"] == Counter(lines)["Total 2.50"] == line_texts.REPEATS

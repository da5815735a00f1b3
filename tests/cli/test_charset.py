from attention_ocr.cli.main import main
from attention_ocr.text.charset import Charset
from tests import tiny


def test_a_charset_file_is_built_with_its_counts(tmp_path, capsys):
    labels = tiny.write_label_file(tmp_path, ["aA", "a’", "z"])
    (tmp_path / "table.tsv").write_text("'\t’‘\n", encoding="utf-8")
    out = tmp_path / "mine.txt"
    options = ["--case=lower", f"--table={tmp_path / 'table.tsv'}", f"--out={out}"]
    assert main(["charset", str(labels), *options]) == 0
    printed = capsys.readouterr().out
    assert "        3  'a' U+0061 LATIN SMALL LETTER A, also for A\n" in printed
    assert '1  "\'" U+0027 APOSTROPHE, also for ‘’\n' in printed
    assert "3 characters, 0 left out" in printed
    assert Charset.load(out).encode("A‘") == Charset.load(out).encode("a'")


def test_a_wrong_table_ends_with_a_line(tmp_path, capsys):
    labels = tiny.write_label_file(tmp_path, ["a"])
    (tmp_path / "table.tsv").write_text("ab\n")
    assert main(["charset", str(labels), f"--table={tmp_path / 'table.tsv'}"]) == 1
    assert "table.tsv, line 1" in capsys.readouterr().err

"""The script that restores the case of the receipts' labels, of the recipe of lines."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from tests.scripts import open_script


@pytest.fixture(scope="module")
def receipt_case():
    return open_script("receipt_case")


@pytest.mark.parametrize(
    ("label", "text", "expected"),
    [
        ("TAX INVOICE", "TAXINVOICE", "TAX INVOICE"),
        ("TAX INVOICE", "TAXINYOICE", "TAX INVOICE"),
        ("27/03/2018", "27/03/2016", "27/03/2018"),
        ("AMOUNT DUE: 2", "AmountDue:2", "Amount Due: 2"),
        ("TOTAL (RM): 12", "Total(RM):12", "Total (RM): 12"),
        ("WWW.SHOP.MY", "www.shop.my", "www.shop.my"),
        ("S", "s", "s"),
        ("REMARKS", "RemarKs", "Remarks"),
        ("ITEM", "iTeM", None),
        ("THE CORNER SHOP", "", None),
        ("THE CORNER SHOP", "113 0001", None),
    ],
    ids=[
        *("upper case", "a misread letter", "digits", "capitalised", "mixed words", "lower case"),
        *("one letter", "letters alike in both cases", "irregular", "empty", "unreadable"),
    ],
)
def test_the_case_of_a_label_is_that_of_the_print(receipt_case, label, text, expected):
    assert receipt_case.restore_case(label, text) == expected


def test_a_line_is_read_by_its_words(receipt_case):
    line = np.full((32, 200, 3), 255, np.uint8)
    line[6:26, 10:80:6] = line[6:26, 120:190:6] = 0
    words = list(receipt_case.cut_words(line))
    assert len(words) == 2
    assert all(word.shape[0] == 32 and (word == 0).any() for word in words)


def test_lines_of_known_case_are_written_beside_their_labels(
    receipt_case, tmp_path, monkeypatch, capsys
):
    texts = {10: "TOTAL", 20: "Total", 30: "ToTaL"}
    for value in texts:
        line = np.full((32, 100, 3), 255, np.uint8)
        line[6:26, 10:90:6] = value
        cv2.imwrite(str(tmp_path / f"{value}.png"), line)
    labels = "".join(f"{name}.png\tTOTAL\n" for name in (*texts, "missing"))
    (tmp_path / "labels.tsv").write_text(labels, encoding="utf-8")

    class Reader:
        def read(self, images):
            return [SimpleNamespace(text=texts[int(image.min())]) for image in images]

    monkeypatch.setattr(receipt_case.attention_ocr, "load", lambda _: Reader())
    folder = tmp_path / "receipts"
    receipt_case.main(folder, [str(tmp_path / "labels.tsv")])
    assert (folder / "labels.tsv").read_text(encoding="utf-8") == "0.png\tTOTAL\n1.png\tTotal\n"
    for number, value in enumerate((10, 20)):
        copied = (tmp_path / f"{value}.png").read_bytes()
        assert (folder / f"{number}.png").read_bytes() == copied
    assert "2 lines in" in capsys.readouterr().out

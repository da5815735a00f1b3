"""The script that restores the case of the receipts' labels, of the recipe of lines."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

FILE = Path(__file__).parents[2] / "configs" / "receipt_case.py"


@pytest.fixture(scope="module")
def receipt_case():
    spec = importlib.util.spec_from_file_location("receipt_case", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("label", "reading", "expected"),
    [
        ("TAX INVOICE", "TAX INVOICE", "TAX INVOICE"),
        ("TAX INVOICE", "TAX INYOICE", "TAX INVOICE"),
        ("TOTAL AMOUNT (RM) 12.00", "TOTAl AMOUNT (RM) 12.00", "TOTAL AMOUNT (RM) 12.00"),
        ("27/03/2018", "27/03/2016", "27/03/2018"),
        ("AMOUNT DUE: 2", "Amount due: 2", "Amount due: 2"),
        ("PAID BY: WWW.SHOP.MY", "PAID BY: www.Shop.my", "PAID BY: www.Shop.my"),
        ("ITEM", "ItEm", None),
        ("REG. NO. : 00105", "Reg. Na. : 00105", None),
        (
            "WE SELL GOODS OF ALL KINDS, EVERY DAY BUT SUNDAYS",
            "WE SELL G00DS OF ALL KINDS, EVERY DAY but SUNDAYS",
            None,
        ),
        ("THE CORNER SHOP", "", None),
        ("THE CORNER SHOP", "113 0001", None),
    ],
    ids=[
        *("upper case", "a misread letter", "a slip", "digits", "lower case", "mixed words"),
        *("irregular", "lower case, misread", "one word in lower case", "empty", "unreadable"),
    ],
)
def test_the_case_of_a_label_is_that_of_the_print(receipt_case, label, reading, expected):
    assert receipt_case.restore_case(label, reading) == expected


def test_lines_of_known_case_are_written_beside_their_labels(
    receipt_case, tmp_path, monkeypatch, capsys
):
    readings = {b"upper": "TOTAL", b"lower": "Total", b"mixed": "ToTaL", b"": ""}
    for image in (b"upper", b"lower", b"mixed"):
        (tmp_path / f"{image.decode()}.png").write_bytes(image)
    names = ("upper", "lower", "mixed", "missing")
    labels = "".join(f"{name}.png\tTOTAL\n" for name in names)
    (tmp_path / "labels.tsv").write_text(labels, encoding="utf-8")

    class Reader:
        def read(self, image):
            return [SimpleNamespace(text=readings[image])]

    monkeypatch.setattr(receipt_case.attention_ocr, "load", lambda _: Reader())
    folder = tmp_path / "receipts"
    receipt_case.main(folder, [str(tmp_path / "labels.tsv")])
    assert (folder / "labels.tsv").read_text(encoding="utf-8") == "0.png\tTOTAL\n1.png\tTotal\n"
    assert [(folder / f"{n}.png").read_bytes() for n in range(2)] == [b"upper", b"lower"]
    assert "2 lines in" in capsys.readouterr().out

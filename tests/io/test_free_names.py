import pytest

from attention_ocr.io.free_names import FreeNames, short_name


def test_a_name_is_used_once_whatever_its_case():
    names = FreeNames()
    names.reserve("kept")
    taken = [names.take(name) for name in ("x", "X", "x-2", "kept", "y")]
    assert taken == ["x", "X-2", "x-2-2", "kept-2", "y"]


@pytest.mark.parametrize("character", ["x", "é", "文", "🙂", "\udcff"])
def test_a_long_name_is_cut_between_characters(character):
    short = short_name(character * 250)
    assert 197 <= len(short.encode()) <= 200
    assert set(short) <= {character, "?"}


def test_names_that_begin_alike_are_told_apart():
    names = FreeNames()
    first, second = (names.take(f"{'x' * 240}{end}.pdf") for end in "ab")
    assert (first, second) == ("x" * 200, f"{'x' * 200}-2")

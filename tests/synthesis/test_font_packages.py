import doctest

import pytest
from absl import logging

from attention_ocr.synthesis import font_packages
from attention_ocr.synthesis.font_packages import font_package, warn_of_missing_fonts


@pytest.fixture
def warnings(monkeypatch):
    """The warnings of the test, as they are shown."""
    shown: list[str] = []
    monkeypatch.setattr(font_packages, "_warned", set())
    monkeypatch.setattr(logging, "warning", lambda note, *args: shown.append(note % args))
    return shown


@pytest.mark.parametrize(
    ("characters", "package"),
    [
        ("東京あア한ㄅ。Ａﾊ", "fonts-noto-cjk"),
        ("عשคक੧தაԱአព", "fonts-noto-core"),
        ("\U0001f600☎⚑", "fonts-symbola"),
        ("\x1b\ue000\u2028 \u00a0\ufdd0\u200d", None),
    ],
)
def test_each_script_has_a_package(characters, package):
    assert {font_package(character) for character in characters} == {package}


def test_a_script_is_named_once_with_its_package(warnings):
    warn_of_missing_fonts("東京\x1b")
    warn_of_missing_fonts("京عع")
    assert len(warnings) == 2
    assert "東 (U+6771 CJK UNIFIED IDEOGRAPH-6771)" in warnings[0]
    assert "`apt-get install fonts-noto-cjk`" in warnings[0]
    assert "`apt-get install fonts-noto-core`" in warnings[1]


def test_the_example_runs():
    assert doctest.testmod(font_packages).failed == 0

"""The licence expression is that of the files of the package."""

import re

import pytest

from release.distributions import ROOT, read_pyproject
from release.licences import licence_expression, licence_of

PROJECT = read_pyproject()["project"]
FILES = [
    path.relative_to(ROOT).as_posix()
    for path in ROOT.glob("attention_ocr/**/*")
    if path.is_file() and path.suffix != ".pyc"
]


def test_the_licence_expression_is_that_of_every_file():
    assert PROJECT["license"] == licence_expression(FILES)


def test_files_of_others_are_named_in_the_notice():
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert all((ROOT / file).is_file() for file in PROJECT["license-files"])
    others = [file for file in FILES if licence_of(file) != "Apache-2.0"]
    assert len(others) == 6
    assert all(file in notice for file in others)
    assert "MIT" in licence_of("examples/captchas/labels.tsv")


def test_the_text_of_every_licence_is_there_and_no_other():
    identifiers = re.findall(
        r'^SPDX-License-Identifier = "(.+)"$',
        (ROOT / "REUSE.toml").read_text("utf-8"),
        re.MULTILINE,
    )
    used = {part for identifier in identifiers for part in identifier.split(" AND ")}
    assert used == {path.stem for path in (ROOT / "LICENSES").iterdir()}
    texts = {path.stem: path.read_text("utf-8") for path in (ROOT / "LICENSES").iterdir()}
    assert texts["Apache-2.0"] == (ROOT / "LICENSE").read_text("utf-8")
    assert texts["MIT"] == (ROOT / "examples/captchas/LICENSE").read_text("utf-8")
    scowl = (ROOT / "attention_ocr/synthesis/words.LICENSE").read_text("utf-8")
    assert texts["LicenseRef-SCOWL"] == scowl


def test_images_of_public_sets_are_not_said_to_be_ours():
    file = "docs/model_card_worst.png"
    assert licence_of(file) == "LicenseRef-Scene-Text-Sets"
    assert file in (ROOT / "NOTICE").read_text(encoding="utf-8")


def test_what_reuse_toml_does_not_cover_is_refused(monkeypatch, tmp_path):
    (tmp_path / "REUSE.toml").write_text("version = 1\nannotations = []\n", encoding="utf-8")
    monkeypatch.setattr("release.licences.ROOT", tmp_path)
    with pytest.raises(ValueError, match="licence in REUSE.toml. Received: a.py"):
        licence_of("a.py")

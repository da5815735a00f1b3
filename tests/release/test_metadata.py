"""What is checked of a wheel before it is released."""

import zipfile

import pytest

import attention_ocr
from release import metadata
from release.metadata import find_mismatches, find_problems, main

LICENCE = "Apache-2.0"


@pytest.fixture
def write_wheel(tmp_path):
    def write(name="attention_ocr", urls=True, licence=LICENCE, version=attention_ocr.__version__):
        wheel = tmp_path / f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        lines = [
            "Metadata-Version: 2.4",
            f"Name: {name.replace('_', '-')}",
            f"Version: {version}",
            f"License-Expression: {licence}",
            "License-File: LICENSE",
            *(["Project-URL: Source, https://example.com"] if urls else []),
        ]
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("attention_ocr/__init__.py", "")
            archive.writestr(f"{info}/METADATA", "\n".join(lines) + "\n\nA description.\n")
            archive.writestr(f"{info}/licenses/LICENSE", "")
        return wheel

    return write


def test_a_whole_wheel_has_no_problem(write_wheel):
    assert find_problems(write_wheel()) == []


def test_each_problem_is_named(write_wheel):
    (problem,) = find_problems(write_wheel(urls=False))
    assert "no project URLs" in problem
    assert "REPOSITORY_URL" in problem
    (problem,) = find_problems(write_wheel(licence="MIT"))
    assert problem == "licence MIT, but its files are Apache-2.0"
    (problem,) = find_problems(write_wheel(version="0.0.1"))
    assert problem.startswith("version 0.0.1, but the package is ")


def test_both_wheels_must_be_there(write_wheel, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(metadata, "find_mismatches", list)
    write_wheel()
    assert main([str(tmp_path)]) == 1
    assert "no wheel of attention-ocr-lite" in capsys.readouterr().err
    write_wheel("attention_ocr_lite")
    assert main([str(tmp_path)]) == 0


def test_documents_that_name_another_version_are_found(tmp_path, monkeypatch):
    version = attention_ocr.__version__
    for name, line in (
        ("CHANGELOG.md", f"## [{version}] - 2026-11-29"),
        ("CITATION.cff", "version: 0.0.1"),
        ("pyproject.toml", f'version = "{version}"'),
    ):
        (tmp_path / name).write_text(f"first\n{line}\nlast\n", encoding="utf-8")
    monkeypatch.setattr(metadata, "ROOT", tmp_path)
    (problem,) = find_mismatches()
    assert problem.startswith("CITATION.cff: ")

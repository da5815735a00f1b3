"""The requirements in `pyproject.toml`: tested bounds, without known vulnerabilities."""

import ast
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LISTS = (
    r"^(?:dependencies|requires|datasets|onnx|quantize|lmdb|remote|rtl|pages|parquet|plots|browser|serving|"
    r"dev)"
)
REQUIREMENTS = [
    Requirement(text)
    for part in re.findall(LISTS + r" = (\[(?:[^\]\"]|\"[^\"]*\")*\])", TEXT, re.MULTILINE)
    for text in ast.literal_eval(part)
]

VULNERABLE = [
    ("aiohttp", "3.14.2"),
    ("fonttools", "4.60.1"),
    ("grpcio", "1.81.2"),
    ("keras", "3.12.3"),
    ("keras", "3.13.2"),
    ("keras", "3.14.1"),
    ("keras", "3.15.0"),
    ("numpy", "2.1.3"),
    ("onnx", "1.20.1"),
    ("opencv-python-headless", "4.11.0.86"),
    ("orjson", "3.11.5"),
    ("pillow", "12.2.0"),
    ("protobuf", "6.33.4"),
    ("pytest", "9.0.2"),
    ("requests", "2.32.5"),
    ("setuptools", "78.1.0"),
    ("tqdm", "4.66.2"),
]
"""The last release with a published vulnerability, or that fails here."""


@pytest.mark.parametrize(("name", "version"), VULNERABLE)
def test_a_release_with_a_known_vulnerability_is_not_allowed(name, version):
    found = [requirement for requirement in REQUIREMENTS if requirement.name.lower() == name]
    assert found
    assert not any(requirement.specifier.contains(version) for requirement in found)


def test_every_requirement_has_a_lower_bound_that_can_be_tested():
    assert len(REQUIREMENTS) > 45
    unbounded = {
        requirement.name
        for requirement in REQUIREMENTS
        if not any(bound.operator in (">=", "==") for bound in requirement.specifier)
    }
    # Fonts have one release, and the developer extra consists of the other extras.
    assert {name for name in unbounded if not name.startswith("font-")} == {"attention-ocr"}


def test_the_lowest_versions_have_a_command():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--resolution lowest-direct" in makefile
    assert "test-lowest" in makefile

"""The metadata of both distributions."""

import pytest
from packaging.requirements import Requirement

from release.distributions import (
    LITE,
    WHOLE,
    absolute_links,
    copy_sources,
    find_repository,
    lite_pyproject,
    read_toml,
    whole_pyproject,
)

PROJECT = whole_pyproject("https://example.com/ocr")["project"]
LITE_PROJECT = lite_pyproject(whole_pyproject("https://example.com/ocr"))["project"]


def names_of(requirements):
    return {Requirement(text).name.lower() for text in requirements}


def test_the_lite_distribution_reads_without_tensorflow_and_without_fonts():
    needed = names_of(LITE_PROJECT["dependencies"])
    assert {"ai-edge-litert", "numpy", "opencv-python-headless"} <= needed
    everything = needed.union(*map(names_of, LITE_PROJECT["optional-dependencies"].values()))
    unwanted = ("tensorflow", "keras", "tensorboard", "grpcio")
    assert not [name for name in everything if name.startswith(unwanted)]
    assert not [name for name in needed if name.startswith("font")]
    assert "font-roboto" in names_of(LITE_PROJECT["optional-dependencies"]["render"])


def test_its_requirements_are_those_of_the_whole_toolkit():
    whole = {*PROJECT["dependencies"]}.union(*PROJECT["optional-dependencies"].values())
    extras = LITE_PROJECT["optional-dependencies"].values()
    assert {*LITE_PROJECT["dependencies"]}.union(*extras) <= whole


def test_the_rest_of_its_metadata_is_that_of_the_whole_toolkit():
    different = {name for name in PROJECT if PROJECT[name] != LITE_PROJECT[name]}
    assert different == {"name", "description", "dependencies", "optional-dependencies"}
    assert (PROJECT["name"], LITE_PROJECT["name"]) == (WHOLE, LITE)


def test_an_unknown_requirement_of_the_lite_distribution_is_refused():
    document = whole_pyproject(None)
    document["tool"][LITE]["needs"].append("a-package")
    with pytest.raises(ValueError, match="name of a requirement. Received: 'a-package'"):
        lite_pyproject(document)


@pytest.mark.parametrize("name", [WHOLE, LITE])
def test_a_wheel_is_built_from_the_package_and_its_metadata(name, monkeypatch, tmp_path):
    monkeypatch.setenv("REPOSITORY_URL", "git@example.com:owner/ocr.git")
    copy_sources(tmp_path / "sources", name)
    written = read_toml(tmp_path / "sources" / "pyproject.toml")
    expected = whole_pyproject("https://example.com/owner/ocr")
    expected = lite_pyproject(expected) if name == LITE else expected
    assert written == expected
    assert written["project"]["urls"]["Issues"] == "https://example.com/owner/ocr/issues"
    assert (tmp_path / "sources" / "attention_ocr" / "weights" / "default").is_dir()
    readme = (tmp_path / "sources" / "README.md").read_text(encoding="utf-8")
    assert "](https://example.com/owner/ocr/raw/HEAD/docs/images/attention.gif)" in readme


def test_links_and_images_of_the_readme_lead_to_the_repository():
    text = "![a](docs/b.gif) [c](docs/d.md#e), [f](https://g.org/h) and [i](#j)"
    assert absolute_links(text, "https://example.com/k") == (
        "![a](https://example.com/k/raw/HEAD/docs/b.gif) "
        "[c](https://example.com/k/blob/HEAD/docs/d.md#e), [f](https://g.org/h) and [i](#j)"
    )
    assert absolute_links(text, None) == text


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://example.com/a/b.git", "https://example.com/a/b"),
        ("ssh://git@example.com/a/b.git", "https://example.com/a/b"),
        ("/srv/repositories/b.git", None),
        ("", None),
    ],
)
def test_the_address_of_the_repository_is_that_of_the_web(address, expected, monkeypatch):
    monkeypatch.setenv("REPOSITORY_URL", address)
    assert find_repository() == expected

"""Workflows and the citation file say what the package says."""

import re

import pytest
import yaml

import attention_ocr
from release.distributions import ROOT, read_pyproject

WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in (ROOT / ".github" / "workflows").glob("*.yml")
}


def steps_of(workflow):
    return [step for job in WORKFLOWS[workflow]["jobs"].values() for step in job["steps"]]


def test_every_python_of_the_metadata_is_tested_on_every_system():
    matrix = WORKFLOWS["tests"]["jobs"]["test"]["strategy"]["matrix"]
    classifiers = read_pyproject()["project"]["classifiers"]
    named = [found[1] for c in classifiers if (found := re.search(r":: (3\.\d+)$", c))]
    assert matrix["python"] == named
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_workflow_may_read_only_unless_a_job_says_otherwise(workflow):
    assert WORKFLOWS[workflow]["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in WORKFLOWS[workflow]["jobs"].values())


def test_every_container_is_built():
    built = WORKFLOWS["tests"]["jobs"]["containers"]["strategy"]["matrix"]["container"]
    files = (ROOT / "containers").glob("*.Dockerfile")
    assert sorted(built) == sorted(path.stem for path in files)


def test_commands_of_make_exist():
    targets = re.findall(
        r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    called = [
        command
        for workflow in WORKFLOWS
        for step in steps_of(workflow)
        for command in re.findall(r"\bmake ([\w-]+)", step.get("run", ""))
    ]
    assert "release" in called
    assert set(called) <= set(targets)


def test_the_citation_names_the_version_and_the_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == attention_ocr.__version__
    assert citation["cff-version"] == "1.2.0"
    assert {"title", "message", "authors"} <= set(citation)
    assert set(citation["license"]) <= set(read_pyproject()["project"]["license"].split(" AND "))

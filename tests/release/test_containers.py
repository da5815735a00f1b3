"""The containers: pinned, without root, and what they start exists."""

import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from attention_ocr.cli.main import _make_parser
from release.distributions import ROOT
from release.pins import FOLDER, requirements

FILES = sorted((ROOT / "containers").glob("*.Dockerfile"))
PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


@pytest.mark.parametrize("name", requirements())
def test_every_requirement_is_pinned_within_its_bounds_and_has_hashes(name):
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    pinned = {canonicalize_name(package): version for package, version in PIN.findall(text)}
    for requirement in map(Requirement, requirements()[name]):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])
    assert len(re.findall(r"^\S[^\n]*\\\n +--hash=sha256:", text, re.MULTILINE)) == len(pinned)


def test_the_reader_has_no_tensorflow_and_a_gpu_has_cuda():
    pins = {name: (FOLDER / f"{name}.txt").read_text(encoding="utf-8") for name in requirements()}
    assert not re.search("^(tensorflow|keras)", pins["reader"], re.MULTILINE)
    assert re.search("^nvidia-cudnn", pins["training-gpu"], re.MULTILINE)
    assert not re.search("^nvidia-cudnn", pins["training"], re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_container_is_built_in_stages_and_runs_without_root(path):
    text = path.read_text(encoding="utf-8")
    stages = re.findall(r"^FROM .*", text, re.MULTILINE)
    assert len(stages) == 2
    last = text.rpartition(stages[-1])[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "--require-hashes" in text
    # What is copied by name is not excluded.
    included = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    assert "!containers/requirements" in included


def test_the_reader_serves_with_arguments_of_the_command():
    text = (ROOT / "containers" / "reader.Dockerfile").read_text(encoding="utf-8")
    command = json.loads(re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)[-1])
    args = _make_parser().parse_args(command)
    assert (args.command, args.port, args.host) == ("serve", -1, "0.0.0.0")
    assert args.model_base_path == Path("default")

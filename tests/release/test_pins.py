"""The requirements of the containers: what is asked of uv, and what the files hold."""

import re
import subprocess

import pytest
from packaging.requirements import Requirement

from release import pins
from release.distributions import LITE, WHOLE, whole_pyproject

NEEDS = pins.requirements()
FILES = sorted(pins.FOLDER.glob("*.txt"))


def names(entries) -> set[str]:
    return {Requirement(entry).name.lower() for entry in entries}


def test_every_container_has_a_file_and_every_file_is_renewed():
    assert {path.stem for path in FILES} == set(NEEDS)


def test_the_reader_needs_no_tensorflow_and_the_training_all_of_the_toolkit():
    assert "tensorflow" not in names(NEEDS["reader"])
    assert names(NEEDS["reader"]) <= names(NEEDS["training"])
    assert {"tensorflow", "keras", "lmdb", "grpcio"} <= names(NEEDS["training"])


def test_a_gpu_changes_the_extra_of_tensorflow_alone():
    plain, gpu = NEEDS["training"], NEEDS["training-gpu"]
    different = [(a, b) for a, b in zip(plain, gpu, strict=True) if a != b]
    ((without, with_gpu),) = different
    assert Requirement(without).name == Requirement(with_gpu).name == "tensorflow"
    assert Requirement(with_gpu).extras == {"and-cuda"}
    assert Requirement(with_gpu).specifier == Requirement(without).specifier


def test_the_requirements_are_those_of_the_extras():
    extras = whole_pyproject(None)["project"]["optional-dependencies"]
    for extra in pins.EXTRAS[WHOLE]:
        assert set(extras[extra]) <= set(NEEDS["training"])
    assert not {"rapidocr", "pypdfium2", "lxml"} & names(NEEDS["reader"])
    assert set(pins.EXTRAS[LITE]) <= set(pins.EXTRAS[WHOLE])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_pinned_version_satisfies_the_package_and_has_hashes(path):
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    pinned = {}
    for line in filter(None, text.splitlines()):
        entry, *hashes = line.split(" --hash=")
        requirement = Requirement(entry.strip())
        assert hashes, entry
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64} *", value) for value in hashes)
        assert str(requirement.specifier).startswith("==")
        pinned[requirement.name.lower().replace("_", "-")] = str(requirement.specifier)[2:]
    for entry in NEEDS[path.stem]:
        needed = Requirement(entry)
        if needed.marker and not needed.marker.evaluate({"python_version": pins.PYTHON}):
            continue
        name = needed.name.lower().replace("_", "-")
        if name in {Requirement(bound).name for bound in pins.BOUNDS}:
            continue
        assert needed.specifier.contains(pinned[name], prereleases=True), entry


@pytest.fixture
def uv(monkeypatch, tmp_path):
    """Stands for uv: records its calls, and returns the status in `uv.status`."""

    class Uv:
        status = 0
        calls: list

        def run(self, command, **options):
            self.calls.append((command, options["input"]))
            return subprocess.CompletedProcess(command, self.status)

    fake = Uv()
    fake.calls = []
    monkeypatch.setattr(pins.subprocess, "run", fake.run)
    monkeypatch.setattr(pins, "FOLDER", tmp_path)
    return fake


def test_each_file_is_compiled_for_the_python_of_the_containers(uv, tmp_path, capsys):
    pins.main()
    written = [command[command.index("--output-file") + 1] for command, _ in uv.calls]
    assert written == [str(tmp_path / f"{name}.txt") for name in NEEDS]
    assert capsys.readouterr().out.split() == written
    for (command, entries), needed in zip(uv.calls, NEEDS.values(), strict=True):
        assert entries.split("\n") == needed
        assert command[command.index("--python-version") + 1] == pins.PYTHON
        assert "--generate-hashes" in command


def test_a_file_that_cannot_be_written_ends_the_command_by_name(uv, tmp_path):
    uv.status = 2
    with pytest.raises(SystemExit, match=re.escape(f"{tmp_path / 'reader.txt'} was not written.")):
        pins.main()
    assert len(uv.calls) == 1

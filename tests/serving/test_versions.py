import asyncio
import os
import shutil
import weakref
from pathlib import Path

import pytest

from attention_ocr.inference.locate import BUNDLED_WEIGHTS
from attention_ocr.serving.errors import Code, ServingError
from attention_ocr.serving.options import ServingOptions
from attention_ocr.serving.versions import State, Versions, find_versions


class Loaded:
    """Stands for a servable: what was in the file when it was loaded."""

    def __init__(self, version: int, directory: Path) -> None:
        self.version = version
        self.content = (directory / "saved_model.pb").read_text(encoding="utf-8")
        if self.content.startswith("broken"):
            raise ValueError(f"{directory} is {self.content}")


def write(base: Path, version: int | str, content: str = "") -> None:
    directory = base / str(version)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "saved_model.pb").write_text(content, encoding="utf-8")


def make(base: Path, **options) -> Versions:
    return Versions(ServingOptions(base, model_name="m", **options), Loaded)


def refresh(versions: Versions) -> list[int]:
    asyncio.run(versions.refresh())
    return sorted(versions.servables)


def states(versions: Versions) -> dict[int, str]:
    return {number: status.state.name for number, status in versions.status("m").items()}


def test_the_model_of_the_package_is_version_1_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "default", 3)
    assert find_versions(Path("default")) == {1: BUNDLED_WEIGHTS}
    assert find_versions(tmp_path / "default") == {3: tmp_path / "default" / "3"}


def test_the_newest_version_is_served_and_a_newer_one_takes_its_place(tmp_path):
    write(tmp_path, 2)
    write(tmp_path, 10)
    versions = make(tmp_path)
    assert refresh(versions) == [10]
    write(tmp_path, 11)
    assert refresh(versions) == [11]
    assert states(versions) == {11: "AVAILABLE", 10: "END"}
    assert versions.get("m").version == 11
    with pytest.raises(ServingError, match=r"Servable not found for request: Specific\(m, 10\)"):
        versions.get("m", 10)


def test_a_version_that_vanishes_gives_way_to_the_one_before(tmp_path):
    write(tmp_path, 1)
    write(tmp_path, 2)
    versions = make(tmp_path)
    assert refresh(versions) == [2]
    shutil.rmtree(tmp_path / "2")
    assert refresh(versions) == [1]
    assert states(versions) == {2: "END", 1: "AVAILABLE"}
    shutil.rmtree(tmp_path / "1")
    assert refresh(versions) == []
    with pytest.raises(ServingError, match=r"Latest\(m\)"):
        versions.get("m")


def test_all_or_named_versions_are_served_on_demand(tmp_path):
    for number in (1, 2, 5):
        write(tmp_path, number)
    assert refresh(make(tmp_path, model_versions="all")) == [1, 2, 5]
    chosen = make(tmp_path, model_versions="1,2,7")
    assert refresh(chosen) == [1, 2]
    assert chosen.get("m", 1).version == 1
    assert chosen.get("m").version == 2


def test_a_version_that_cannot_be_loaded_leaves_the_others_serving(tmp_path):
    write(tmp_path, 1)
    versions = make(tmp_path)
    refresh(versions)
    write(tmp_path, 2, "broken")
    assert refresh(versions) == [1]
    assert states(versions) == {2: "END", 1: "AVAILABLE"}
    status = versions.status("m", 2)[2]
    assert status.code == Code.INVALID_ARGUMENT
    assert str(tmp_path / "2") in status.message


def test_a_version_that_failed_is_tried_again_when_its_files_change(tmp_path):
    tried = []

    def load(version, directory):
        tried.append(version)
        return Loaded(version, directory)

    write(tmp_path, 1, "broken")
    versions = Versions(ServingOptions(tmp_path, model_name="m"), load)
    assert refresh(versions) == []
    assert refresh(versions) == []
    assert tried == [1]
    write(tmp_path, 1, "whole again")
    assert refresh(versions) == [1]
    assert tried == [1, 1]
    assert states(versions) == {1: "AVAILABLE"}


def test_a_version_that_is_served_no_more_frees_its_memory(tmp_path):
    write(tmp_path, 1)
    versions = make(tmp_path)
    refresh(versions)
    seen = weakref.ref(versions.get("m"))
    write(tmp_path, 2)
    refresh(versions)
    assert seen() is None


def test_only_numbers_with_a_model_are_versions(tmp_path):
    for name in ("1", "007", "2.old", "-3", "x", "\N{SUPERSCRIPT TWO}", ".unfinished-1"):
        write(tmp_path, name)
    (tmp_path / "4").mkdir()
    (tmp_path / "5").write_text("", encoding="utf-8")
    assert {number: path.name for number, path in find_versions(tmp_path).items()} == {
        1: "1",
        7: "007",
    }


def test_a_number_that_no_message_can_name_is_ignored_and_named_in_the_log_once(tmp_path, caplog):
    write(tmp_path, 3)
    write(tmp_path, "9" * 20)
    write(tmp_path, 2**63 - 1)
    versions = make(tmp_path, model_versions="all")
    for _ in range(2):
        assert refresh(versions) == [3, 2**63 - 1]
    assert sorted(states(versions)) == [3, 2**63 - 1]
    (record,) = (record for record in caplog.records if "Ignoring" in record.getMessage())
    assert "9" * 20 in record.getMessage()


def test_a_directory_that_is_gone_for_a_moment_takes_nothing_down(tmp_path):
    base = tmp_path / "base"
    write(base, 1)
    versions = make(base)
    refresh(versions)
    os.replace(base, tmp_path / "away")
    assert refresh(versions) == [1]


def test_another_model_is_not_found(tmp_path):
    write(tmp_path, 1)
    versions = make(tmp_path)
    refresh(versions)
    for ask in (versions.get, versions.status):
        with pytest.raises(ServingError, match=r"Latest\(other\)") as error:
            ask("other")
        assert error.value.code == Code.NOT_FOUND
    with pytest.raises(ServingError, match=r"Specific\(m, 9\)"):
        versions.status("m", 9)


def test_it_is_loading_while_it_loads(tmp_path):
    write(tmp_path, 1)
    seen = []
    versions = make(tmp_path)

    def load(version, directory):
        seen.append(versions.statuses[1].state)
        return Loaded(version, directory)

    versions._load = load
    refresh(versions)
    assert seen == [State.LOADING]

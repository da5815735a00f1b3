import sys

import pytest

from attention_ocr.io.folder_walk import files_below

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


@pytest.fixture
def folder(tmp_path):
    """A folder with files of its own, and others beside it."""
    for name in ("in/b", "in/z/c", "in/z/y/d", "in/.hid/e", "in/.f", "out/g", "out/deep/h"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path / "in"


def test_files_are_sorted_before_those_of_the_subfolders(folder):
    (folder / "z/a").write_text("")
    expected = [".f", "b", ".hid/e", "z/a", "z/c", "z/y/d"]
    assert list(files_below(folder)) == expected
    assert list(files_below(f"{folder}/")) == expected
    assert list(files_below(folder, hidden=False)) == ["b", "z/a", "z/c", "z/y/d"]
    assert list(files_below(folder / "none")) == []


def test_links_to_folders_and_files_are_followed(folder):
    (folder / "a").symlink_to("../out")
    (folder / "link").symlink_to("b")
    expected = ["b", "link", "a/g", "a/deep/h", "z/c", "z/y/d"]
    assert list(files_below(folder, hidden=False)) == expected
    folder.with_name("all").symlink_to("in")
    assert list(files_below(folder.with_name("all"), hidden=False)) == expected


def test_a_folder_is_entered_once_and_by_its_own_name(folder):
    for name in ("a", "z/a"):
        (folder / name).symlink_to(folder / "z/y")
    (folder / "z/up").symlink_to(folder)
    (folder / "itself").symlink_to("itself")
    assert list(files_below(folder, hidden=False)) == ["b", "itself", "z/c", "z/y/d"]
    (folder / "all").symlink_to(folder.parent)
    assert list(files_below(folder, hidden=False)) == [
        *("b", "itself", "all/out/g", "all/out/deep/h", "z/c", "z/y/d")
    ]


def test_a_link_to_a_hidden_folder_shows_its_files(folder):
    (folder / "shown").symlink_to(".hid")
    assert list(files_below(folder, hidden=False)) == ["b", "shown/e", "z/c", "z/y/d"]

"""A folder on a disk and one in an object store behave alike."""

import pickle
import uuid
from pathlib import Path

import pytest

from attention_ocr.data.shared_folder import SharedFolder

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(params=["disk", "store"])
def folder(request, tmp_path):
    if request.param == "disk":
        yield SharedFolder(tmp_path / "shared")
        return
    address = f"memory://{uuid.uuid4().hex}"
    yield SharedFolder(address)
    store = fsspec.filesystem("memory")
    if store.exists(address):
        store.rm(address, recursive=True)


def test_a_folder_that_is_not_there_has_no_files(folder):
    assert folder.names() == []
    assert folder.size("a.txt") is None
    assert folder.read_text("a.txt") is None
    folder.remove("a.txt")
    folder.remove_all()


def test_files_are_written_whole_and_read_back(folder):
    folder.make()
    folder.make()
    folder.write_text("b.txt", "zwölf\n")
    folder.write_text("a.txt", "draft", whole=False)
    folder.write_draft("c.bin", b"\x00\xff")
    assert folder.names() == ["a.txt", "b.txt", "c.bin"]
    assert folder.read_text("b.txt") == "zwölf\n"
    assert folder.read_text("a.txt") == "draft"
    assert [folder.size(name) for name in folder.names()] == [5, 7, 2]


def test_a_file_is_there_only_after_its_block(folder):
    folder.make()
    folder.write_text("a.txt", "old")
    with folder.writing("a.txt") as path:
        path.write_text("new", encoding="utf-8")
        assert folder.read_text("a.txt") == "old"
    assert folder.read_text("a.txt") == "new"
    assert folder.names() == ["a.txt"]


def test_a_block_that_fails_leaves_the_older_file(folder):
    folder.make()
    folder.write_text("a.txt", "old")

    def write_half():
        with folder.writing("a.txt") as path:
            path.write_text("ne", encoding="utf-8")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert folder.read_text("a.txt") == "old"
    assert folder.names() == ["a.txt"]


def test_a_file_moves_and_replaces_another(folder):
    other = SharedFolder(folder.address("other"))
    folder.make()
    other.make()
    folder.write_text("a.txt", "new")
    other.write_text("b.txt", "old")
    folder.move("a.txt", other, "b.txt")
    assert other.read_text("b.txt") == "new"
    assert folder.read_text("a.txt") is None


def test_only_drafts_of_killed_processes_are_removed(folder):
    folder.make()
    for name in ("a.txt", "a.txt.0123456789ab.tmp", "mine.tmp", "a.0123456789ab.tmp.txt"):
        folder.write_draft(name, b"x")
    folder.remove_drafts()
    assert folder.names() == ["a.0123456789ab.tmp.txt", "a.txt", "mine.tmp"]


def test_the_folder_goes_with_its_last_file(folder):
    folder.make()
    folder.write_text("a.txt", "x")
    folder.write_text("b.txt", "y")
    folder.remove("b.txt")
    assert folder.names() == ["a.txt"]
    folder.remove_all()
    assert folder.names() == []
    assert not Path(str(folder)).exists()


def test_a_node_gets_the_folder_with_its_tasks(folder):
    folder.make()
    folder.write_text("a.txt", "x")
    there = pickle.loads(pickle.dumps(folder))
    assert str(there) == str(folder)
    assert there.read_text("a.txt") == "x"


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("runs/shards", "runs/shards/a.txt"),
        ("runs/shards/", "runs/shards/a.txt"),
        ("/", "/a.txt"),
        ("s3://bucket/words/", "s3://bucket/words/a.txt"),
    ],
)
def test_an_address_has_one_slash_before_the_name(path, address):
    assert SharedFolder(path).address("a.txt") == address

import errno
import os
import stat

import pytest

from attention_ocr.io.atomic_write import whole_file


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "a.txt"
    with whole_file(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]


def write_until_the_disk_is_full(path):
    with whole_file(path) as temporary:
        temporary.write_text("ne", encoding="utf-8")
        raise OSError("disk full")


def test_a_failing_block_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(OSError, match="disk full"):
        write_until_the_disk_is_full(path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "a.txt"):
        pass


def test_the_content_reaches_the_disk_before_the_name(tmp_path, monkeypatch):
    happened = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        happened.append((kind, os.fstat(descriptor).st_size if kind == "file" else None))
        fsync(descriptor)

    def replaced(source, target):
        happened.append(("name", None))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    with whole_file(tmp_path / "a.txt") as temporary:
        temporary.write_bytes(b"new")
    expected = [("file", 3), ("name", None), ("folder", None)]
    assert happened == (expected if os.name == "posix" else expected[:2])


def test_a_file_system_that_cannot_sync_is_no_error(tmp_path, monkeypatch):
    def unsupported(_):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", unsupported)
    with whole_file(tmp_path / "a.txt") as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "a.txt").read_bytes() == b"new"


def test_a_disk_that_fails_while_syncing_leaves_the_old_file(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(errno.EIO, "Input/output error")

    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"), whole_file(path) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"old"


def test_two_processes_may_write_one_path_at_a_time(tmp_path):
    path = tmp_path / "a.txt"
    with whole_file(path) as first:
        first.write_bytes(b"first")
        with whole_file(path) as second:
            second.write_bytes(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]

import os

import pytest

from attention_ocr.cluster import source_guard
from attention_ocr.cluster.source_guard import SourceChangedError, SourceGuard


@pytest.fixture
def folder(tmp_path):
    for name in ("labels.tsv", "data-0.tfrecord", "data-1.tfrecord", "0.png"):
        (tmp_path / name).write_bytes(b"1234")
    return tmp_path


NAMES = ["{}", "{}/labels.tsv,every=5", "{}/data-*.tfrecord,weight=1;{}/labels.tsv,weight=2"]


@pytest.mark.parametrize("name", NAMES)
def test_a_source_that_stays_is_accepted(folder, name):
    guard = SourceGuard(name.format(folder, folder), "synthetic,seed=1")
    (folder / "0.png").write_bytes(b"5")
    (folder / "other.txt").touch()
    guard.check()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", ["grows", "is rewritten", "is gone"])
def test_a_changed_file_is_named(folder, name, change):
    guard = SourceGuard(name.format(folder, folder))
    path = folder / "labels.tsv"
    if change == "grows":
        path.write_bytes(b"12345")
    elif change == "is rewritten":
        os.utime(path, (1, 1))
    else:
        path.unlink()
    with pytest.raises(SourceChangedError, match=f"Received: {path}, which has changed"):
        guard.check()


def test_a_new_shard_is_a_change(folder):
    guard = SourceGuard(f"{folder}/data-*.tfrecord")
    (folder / "data-2.tfrecord").touch()
    with pytest.raises(SourceChangedError, match="data-2.tfrecord"):
        guard.check()


@pytest.mark.parametrize("name", ["{}/words", "{}/words/labels.tsv,every=5", "{}/words/data-*"])
def test_files_of_a_store_are_compared(folder, name):
    pytest.importorskip("fsspec")
    from tests.bucket_store import bucket, put_folder

    with bucket() as address:
        put_folder(folder, f"{address}/words")
        guard = SourceGuard(name.format(address))
        guard.check()
        (folder / "0.png").write_bytes(b"5")
        put_folder(folder, f"{address}/words")
        guard.check()
        for path in ("labels.tsv", "data-1.tfrecord"):
            (folder / path).write_bytes(b"4321")
        put_folder(folder, f"{address}/words")
        with pytest.raises(SourceChangedError, match=f"Received: {address}/words/.*changed"):
            guard.check()


def test_files_are_looked_at_only_now_and_then(folder, monkeypatch):
    guard = SourceGuard(f"{folder}/labels.tsv")
    (folder / "labels.tsv").write_bytes(b"")
    guard.check_now_and_then()
    now = source_guard.time.monotonic()
    monkeypatch.setattr(source_guard.time, "monotonic", lambda: now + 60.0)
    with pytest.raises(SourceChangedError):
        guard.check_now_and_then()

"""Stores of TensorFlow and of fsspec behave alike."""

import uuid

import pytest

from attention_ocr.data.object_store import open_store


@pytest.fixture(params=["TensorFlow", "fsspec"])
def store(request, tmp_path):
    if request.param == "TensorFlow":
        yield open_store(f"file://{tmp_path}/runs/mine/")
        return
    fsspec = pytest.importorskip("fsspec")
    address = f"memory://{uuid.uuid4().hex}/runs/mine"
    yield open_store(address)
    fsspec.filesystem("memory").rm(address.partition("/runs")[0], recursive=True)


def test_objects_are_listed_by_name_over_all_folders(store, tmp_path):
    assert store.names() == []
    store.write("b", b"")
    store.write("a/c/d", b"1")
    (tmp_path / "file").write_bytes(b"\x00\xff")
    store.upload(tmp_path / "file", "a/b")
    assert store.names() == ["a/b", "a/c/d", "b"]
    assert [store.read(name) for name in store.names()] == [b"\x00\xff", b"1", b""]


def test_an_object_is_replaced_and_removed(store, tmp_path):
    store.write("a/b", b"longer")
    (tmp_path / "file").write_bytes(b"new")
    store.upload(tmp_path / "file", "a/b")
    store.download("a/b", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"new"
    store.remove("a/b")
    store.remove("a/b")
    assert store.read("a/b") is None
    assert store.names() == []


def test_entries_have_sizes_and_move(store):
    store.make_folder()
    store.make_folder()
    assert store.entries() == []
    store.write("b", b"12")
    store.write("a/c/d", b"3")
    assert store.entries() == ["a", "b"]
    assert [store.size(name) for name in ("b", "a/c/d", "none")] == [2, 1, None]
    store.write("a/e", b"older")
    store.move("b", f"{store.address}/a/e")
    assert store.names() == ["a/c/d", "a/e"]
    assert store.read("a/e") == b"12"
    store.remove_folder()
    assert store.names() == ["a/c/d", "a/e"]


def test_a_bucket_is_not_made_by_a_misspelt_name(tmp_path):
    pytest.importorskip("fsspec")
    from tests.bucket_store import BucketStore, bucket

    (tmp_path / "file").write_bytes(b"")
    with bucket():
        store = open_store("bucket://none/runs")
        store.make_folder()
        for write in (lambda: store.write("a", b""), lambda: store.upload(tmp_path / "file", "a")):
            with pytest.raises(OSError, match="none/runs/a .*The specified bucket does not exist"):
                write()
        store.remove_folder()
        assert "none" not in BucketStore.buckets


def test_a_missing_object_that_is_fetched_is_an_error_that_names_it(store, tmp_path):
    store.write("a", b"")
    with pytest.raises(OSError, match="mine/none"):
        store.download("none", tmp_path / "copy")


def test_errors_of_a_store_name_the_object(monkeypatch):
    pytest.importorskip("fsspec")
    store = open_store("memory://bucket/run")

    def fail(*_: object) -> None:
        raise RuntimeError("quota exceeded\nretry later")

    for name in ("find", "cat_file", "pipe_file", "rm_file"):
        monkeypatch.setattr(store._files, name, fail)
    for call, done in (
        (lambda: store.read("a"), "bucket/run/a cannot be read"),
        (lambda: store.write("a", b""), "bucket/run/a cannot be written"),
        (lambda: store.remove("a"), "bucket/run/a cannot be removed"),
        (store.names, "bucket/run cannot be listed"),
    ):
        with pytest.raises(OSError, match=f"^memory://{done}: quota exceeded$"):
            call()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("runs/mine", "gs://bucket/folder. Received: 'runs/mine'"),
        ("gs://", "gs://bucket/folder. Received: 'gs://'"),
        ("nothing://bucket", "Received: nothing://bucket: Protocol not known"),
    ],
)
def test_what_is_no_address_is_refused(address, message):
    pytest.importorskip("fsspec")
    with pytest.raises(ValueError, match=message):
        open_store(address)

"""Remote files are copied once, whole, and removed with the process."""

import functools
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attention_ocr.data import local_copies
from attention_ocr.data.local_copies import local_copy

pytest.importorskip("fsspec")

from tests.bucket_store import BucketStore, bucket


def test_threads_that_want_the_same_file_share_a_copy():
    with bucket() as address:
        for name in ("a/x", "b/x"):
            BucketStore.objects[f"{address.removeprefix('bucket://')}/{name}"] = name.encode()
        before = BucketStore.num_requests
        with ThreadPoolExecutor(8) as threads:
            copies = list(threads.map(local_copy, [f"{address}/a/x", f"{address}/b/x"] * 8))
        assert BucketStore.num_requests == before + 2
    assert [Path(copy).read_bytes() for copy in copies] == [b"a/x", b"b/x"] * 8


def test_threads_that_copy_first_share_a_folder(monkeypatch):
    made = []

    class SlowlyMade(tempfile.TemporaryDirectory):
        def __init__(self, prefix):
            time.sleep(0.1)
            super().__init__(prefix=prefix)
            made.append(self)

    monkeypatch.setattr(tempfile, "TemporaryDirectory", SlowlyMade)
    monkeypatch.setattr(local_copies, "_folder", functools.cache(local_copies._folder.__wrapped__))
    with bucket() as address:
        addresses = [f"{address}/first/{index}" for index in range(8)]
        for name in addresses:
            BucketStore.objects[name.removeprefix("bucket://")] = b"content"
        with ThreadPoolExecutor(8) as threads:
            copies = list(threads.map(local_copy, addresses))
    assert [Path(copy).read_bytes() for copy in copies] == [b"content"] * 8
    (folder,) = made
    assert {str(Path(copy).parent) for copy in copies} == {folder.name}
    folder.cleanup()


def test_a_file_that_is_missing_leaves_nothing():
    with bucket() as address:
        with pytest.raises(FileNotFoundError, match=f"No such file: {address}/x"):
            local_copy(f"{address}/x")
        BucketStore.objects[f"{address.removeprefix('bucket://')}/x"] = b"later"
        assert Path(local_copy(f"{address}/x")).read_bytes() == b"later"


@pytest.mark.slow
def test_copies_end_with_the_process(tmp_path):
    (tmp_path / "x").write_bytes(b"text")
    code = f"from attention_ocr.data.local_copies import local_copy as c; print(c('local://{tmp_path}/x'))"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert Path(done.stdout.strip()).name.endswith("-x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]

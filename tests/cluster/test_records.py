"""Shards made by nodes equal those made by one process, whatever happens underway."""

import json
import os
import random
import time
import uuid
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from attention_ocr.cluster.records import RecordOptions, write_shards_on
from attention_ocr.data import storage
from attention_ocr.data.labels import read_labels
from attention_ocr.data.shards import SourceImages, write_shards
from attention_ocr.data.sources import open_source
from attention_ocr.text.charset import Charset
from tests.cluster.in_process import InProcess, Killed
from tests.io.test_progress import Terminal
from tests.networks import network

OPTIONS = RecordOptions(max_length=5, charset=Charset("wor0123456789"))


@pytest.fixture
def labels(tmp_path):
    return write_labels(tmp_path / "words", 11)


def write_labels(folder: Path, count: int) -> Path:
    folder.mkdir()
    for index in range(count):
        Image.new("L", (20 + index % 50, 9), index % 256).save(folder / f"{index}.png")
    path = folder / "labels.tsv"
    lines = [f"{index}.png\tword{index}\n" for index in range(count)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write_here(source: Path, out_dir: Path, num_shards: int = 4) -> dict[str, bytes]:
    images = read_labels(source, require_images=False)
    options = {"max_length": OPTIONS.max_length, "charset": OPTIONS.charset}
    write_shards(images, out_dir, num_shards=num_shards, **options)
    return files_of(out_dir)


def write_there(engine: InProcess, source: object, out_dir: object, **options: object) -> None:
    options = {"num_shards": 4, "options": OPTIONS, **options}
    write_shards_on(engine, str(source), str(out_dir), **options)


@pytest.mark.parametrize("runs_twice", [False, True])
def test_shards_equal_those_of_one_process_byte_for_byte(labels, tmp_path, runs_twice):
    (labels.parent / "3.png").unlink()
    (labels.parent / "7.png").write_bytes(b"no image")
    write_there(InProcess(runs_twice), labels, tmp_path / "there")
    there = files_of(tmp_path / "there")
    rejected = [json.loads(line) for line in there.pop("data.rejected.jsonl").splitlines()]
    assert there == write_here(labels, tmp_path / "here")
    assert [(image["key"], image["reason"]) for image in rejected] == [
        ("3.png", "missing"),
        ("7.png", "unreadable"),
        ("10.png", "too_long"),
    ]


@pytest.mark.parametrize("killed_after", range(4))
def test_a_killed_command_makes_no_finished_shard_again(labels, tmp_path, killed_after):
    out = tmp_path / "there"
    with pytest.raises(Killed):
        write_there(InProcess(killed_after=killed_after), labels, out)
    assert not list(out.glob("*.tfrecord"))
    engine = InProcess()
    write_there(engine, labels, out)
    assert engine.num_run == 4 - killed_after
    there = files_of(out)
    del there["data.rejected.jsonl"]
    assert there == write_here(labels, tmp_path / "here")


def test_a_damaged_part_is_made_again(labels, tmp_path):
    out = tmp_path / "there"
    with pytest.raises(Killed):
        write_there(InProcess(killed_after=2), labels, out)
    (out / "data.parts/00000.tfrecord").write_bytes(b"half")
    (out / "data.parts/00001.json").unlink()
    engine = InProcess()
    write_there(engine, labels, out)
    assert engine.num_run == 4


def test_other_settings_do_not_continue_a_job(labels, tmp_path):
    with pytest.raises(Killed):
        write_there(InProcess(killed_after=2), labels, tmp_path / "there")
    with pytest.raises(ValueError, match="other settings.*Received: num_shards=3 instead of 4"):
        write_there(InProcess(), labels, tmp_path / "there", num_shards=3)
    engine = InProcess()
    write_there(engine, labels, tmp_path / "there", num_shards=3, overwrite=True)
    assert engine.num_run == 3


def test_a_source_that_changes_underway_leaves_no_data_set(labels, tmp_path):
    class Changing(InProcess):
        def run(self, function, tasks, in_order=False):
            yield from super().run(function, tasks, in_order)
            with labels.open("a", encoding="utf-8") as file:
                file.write("0.png\tmore\n")

    with pytest.raises(ValueError, match="Received: .*labels.tsv, which has changed"):
        write_there(Changing(), labels, tmp_path / "there")
    assert list((tmp_path / "there").iterdir()) == []


def test_a_folder_that_nodes_do_not_share_is_an_error(labels, tmp_path):
    class Elsewhere(InProcess):
        def run(self, function, tasks, in_order=False):
            (tmp_path / "there/data.parts/job.json").unlink()
            yield from super().run(function, tasks, in_order)

    with pytest.raises(OSError, match="folder that all nodes share. Received: .*data.parts"):
        write_there(Elsewhere(), labels, tmp_path / "there")


def test_a_bad_image_stops_the_job_if_told_so(labels, tmp_path):
    (labels.parent / "3.png").unlink()
    with pytest.raises(ValueError, match="Received: 3.png: no such file"):
        write_there(
            InProcess(), labels, tmp_path / "there", options=RecordOptions(fail_on_bad=True)
        )
    assert not list((tmp_path / "there").glob("*.tfrecord"))


def test_a_bad_image_of_a_finished_shard_stops_the_job_too(labels, tmp_path):
    (labels.parent / "3.png").unlink()
    with pytest.raises(Killed):
        write_there(InProcess(killed_after=3), labels, tmp_path / "there", options=RecordOptions())
    with pytest.raises(ValueError, match="Received: 3.png: no such file"):
        write_there(
            InProcess(), labels, tmp_path / "there", options=RecordOptions(fail_on_bad=True)
        )


@pytest.mark.parametrize("kind", ["records", "rendered"])
def test_sources_without_image_files_give_the_same_shards(labels, tmp_path, kind):
    source = "synthetic,num_examples=9,fonts=bundled,kinds=words"
    if kind == "records":
        write_here(labels, tmp_path / "first")
        source = f"{tmp_path / 'first'}/*.tfrecord"
    write_shards(SourceImages(open_source(source)), tmp_path / "here", num_shards=4)
    write_there(InProcess(), source, tmp_path / "there", options=RecordOptions())
    assert files_of(tmp_path / "there") == files_of(tmp_path / "here")


def test_a_label_that_is_not_utf_8_is_rejected(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "words.tfrecord")) as writer:
        for text in (b"caf\xe9", b"ok"):
            example = tf.train.Example()
            values = {"image": tf.io.encode_png(np.zeros((9, 20, 1), np.uint8)).numpy()}
            for name, value in {**values, "label": text}.items():
                example.features.feature[name].bytes_list.value.append(value)
            writer.write(example.SerializeToString())
    source, out = tmp_path / "words.tfrecord", tmp_path / "there"
    write_there(InProcess(), source, out, num_shards=1)
    rejected = json.loads((out / "data.rejected.jsonl").read_text(encoding="utf-8"))
    assert (rejected["key"], rejected["reason"]) == (f"{source}#0", "not_utf8")
    assert rejected["detail"] == r"label that is not UTF-8: caf\xe9"


def test_images_and_shards_may_be_at_addresses_of_fsspec(labels, tmp_path):
    pytest.importorskip("fsspec")
    # fsspec's other name for `file://`, which TensorFlow does not know.
    write_there(InProcess(), f"local://{labels}", f"local://{tmp_path}/there")
    there = files_of(tmp_path / "there")
    del there["data.rejected.jsonl"]
    assert there == write_here(labels, tmp_path / "here")


def test_a_store_that_is_no_folder_is_read_and_written(labels, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    address = f"memory://{uuid.uuid4().hex}"
    store = fsspec.filesystem("memory")
    store.put(str(labels.parent), f"{address}/words", recursive=True)
    write_there(InProcess(runs_twice=True), f"{address}/words/labels.tsv", f"{address}/there")
    there = {
        name.rpartition("/")[2]: store.cat_file(name)
        for name in store.ls(f"{address}/there", detail=False)
    }
    del there["data.rejected.jsonl"]
    assert there == write_here(labels, tmp_path / "here")


@pytest.fixture
def address(labels):
    pytest.importorskip("fsspec")
    from tests.bucket_store import bucket, put_folder

    with bucket() as address:
        put_folder(labels.parent, f"{address}/words")
        yield address


@pytest.mark.parametrize("killed_after", [None, 2])
def test_objects_become_the_shards_of_local_files(labels, tmp_path, address, killed_after):
    from tests.bucket_store import BucketStore, objects_at

    # An object that vanishes is listed, and the others are written.
    del BucketStore.objects[f"{address.removeprefix('bucket://')}/words/3.png"]
    (labels.parent / "3.png").unlink()
    source, out = f"{address}/words/labels.tsv", f"{address}/records"
    if killed_after is not None:
        with pytest.raises(Killed):
            write_there(InProcess(killed_after=killed_after), source, out)
        assert not [name for name in objects_at(out) if not name.startswith("data.parts/")]
    engine = InProcess(runs_twice=True)
    write_there(engine, source, out)
    assert engine.num_run == 4 - (killed_after or 0)
    there = objects_at(out)
    rejected = [json.loads(line) for line in there.pop("data.rejected.jsonl").splitlines()]
    assert there == write_here(labels, tmp_path / "here")
    assert (rejected[0]["key"], rejected[0]["reason"]) == ("3.png", "missing")


def test_a_store_that_fails_ends_the_job_and_leaves_out_no_image(tmp_path, address, monkeypatch):
    from tests.bucket_store import BucketStore

    class WithoutCredentials(InProcess):
        """Nodes on which nobody has logged in."""

        def run(self, function, tasks, in_order=False):
            tasks = list(tasks)
            monkeypatch.setattr(storage, "_RETRY_PAUSES_S", ())
            monkeypatch.setattr(BucketStore, "failure", Exception("Unable to locate credentials"))
            yield from super().run(function, tasks, in_order)

    source = f"{address}/words/labels.tsv"
    with pytest.raises(OSError, match=r"words/0.png cannot be read: Unable to locate credentials"):
        write_there(WithoutCredentials(), source, tmp_path / "there", options=RecordOptions())
    monkeypatch.setattr(BucketStore, "failure", None)
    write_there(InProcess(), source, tmp_path / "there", options=RecordOptions())
    content = json.loads((tmp_path / "there/data.dataset.json").read_text("utf-8"))
    assert (content["num_examples"], content["skipped"]) == (11, [])


def test_a_list_in_a_store_that_changes_underway_leaves_no_data_set(address):
    from tests.bucket_store import BucketStore, objects_at

    class Changing(InProcess):
        def run(self, function, tasks, in_order=False):
            yield from super().run(function, tasks, in_order)
            BucketStore.objects[f"{address.removeprefix('bucket://')}/words/labels.tsv"] += b"\n"

    with pytest.raises(ValueError, match=r"Received: .*labels.tsv, which has changed"):
        write_there(Changing(), f"{address}/words/labels.tsv", f"{address}/records")
    assert objects_at(f"{address}/records") == {}


def test_a_bar_counts_images_bad_ones_and_shards_that_were_there(labels, tmp_path):
    (labels.parent / "3.png").unlink()
    with pytest.raises(Killed):
        write_there(InProcess(killed_after=2), labels, tmp_path / "there")
    with redirect_stderr(Terminal()) as terminal:
        write_there(InProcess(), labels, tmp_path / "there")
    last = terminal.getvalue().rstrip().rpartition("\r")[2]
    for counter in ("11/11", "bad=2", "shards_kept=2"):
        assert counter in last


@pytest.mark.slow
def test_a_node_killed_at_random_moments_costs_time_only(tmp_path):
    pytest.importorskip("ray")
    num_kills = int(os.environ.get("ATTENTION_OCR_NUM_KILLS", "20"))
    from tests.cluster.ray_cluster import RayCluster

    labels = write_labels(tmp_path / "words", 24_000)
    charset = f"--charset={OPTIONS.charset.write(tmp_path / 'charset.txt')}"
    options = {"max_length": 8, "charset": OPTIONS.charset}
    write_shards(read_labels(labels), tmp_path / "here", num_shards=12, **options)
    expected = files_of(tmp_path / "here")
    flags = ["--engine=ray", "--num_shards=12", "--on_bad_example=skip", "--max_length=8"]
    chance = random.Random(seed := time.time_ns() % 10**6)
    with network(3) as net, RayCluster(net) as cluster:
        num_underway = 0
        for kill in range(num_kills):
            out = tmp_path / f"there{kill}"
            log = tmp_path / f"{kill}.log"
            process = cluster.start(log, "records", labels, out, charset, *flags)
            try:
                while not list(out.glob("data.parts/*.tfrecord*")) and process.poll() is None:
                    time.sleep(0.05)
                time.sleep(chance.uniform(0.0, 6.0))
                num_underway += process.poll() is None
                victim = chance.choice([1, 2])
                cluster.kill_node(victim)
                cluster.start_node(victim)
                assert process.wait(600) == 0, log.read_text("utf-8", "replace")
            finally:
                process.kill()
                process.wait()
            there = files_of(out)
            there.pop("data.rejected.jsonl", None)
            assert there == expected, f"kill {kill}, seed {seed}"
        assert num_underway >= num_kills // 2

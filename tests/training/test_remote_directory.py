"""A work directory on object storage: what is fetched, written back, and who may write."""

import json
import logging
import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from attention_ocr.cli.main import main
from attention_ocr.data.object_store import open_store
from attention_ocr.inference.work_directory import WEIGHTS_FILE
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.training.inherited_settings import inherited_settings
from attention_ocr.training.loop import train
from attention_ocr.training.remote_directory import RemoteCopy, RemoteLock, local_directory
from attention_ocr.training.run_lock import LIFELESS_S, LOCK_FILE, identity
from tests import tiny
from tests.object_store import object_store
from tests.processes import Processes
from tests.training.test_kill_and_resume import NETWORK, assert_same_end, settings_of


@pytest.fixture
def store(tmp_path):
    # TensorFlow's own file system stands in for a store.
    return open_store(f"file://{tmp_path}/store/run")


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


@pytest.mark.parametrize(
    ("worker", "fetched"),
    [
        (0, {"config.json", "checkpoints/worker_0/step-5.index"}),
        (
            1,
            {
                "config.json",
                "checkpoints/worker_0/step-5.index",
                "checkpoints/worker_1/step-5.index",
            },
        ),
    ],
)
def test_a_worker_fetches_the_model_its_checkpoints_and_those_of_the_first(
    store, tmp_path, worker, fetched
):
    for name in (
        "config.json",
        LOCK_FILE,
        "export/1/saved_model.pb",
        "checkpoints/worker_0/step-5.index",
        "checkpoints/worker_1/step-5.index",
        "checkpoints/worker_2/step-5.index",
        "events/worker_0/events.out",
    ):
        store.write(name, b"")
    RemoteCopy(store, tmp_path / "copy", worker).fetch()
    assert files_of(tmp_path / "copy") == fetched


def test_each_worker_writes_what_it_owns_and_no_file_twice(store, tmp_path):
    own = {}
    for worker in (0, 1):
        folder = tmp_path / str(worker)
        write(folder, "weights.npz", "weights.npz.0.tmp", LOCK_FILE, "tracker/figures")
        write(folder, f"checkpoints/worker_{worker}/step-5.index", f"events/worker_{worker}/e")
        own[worker] = RemoteCopy(store, folder, worker)
    own[1].publish()
    assert store.names() == ["checkpoints/worker_1/step-5.index", "events/worker_1/e"]
    own[0].publish()
    assert "tracker/figures" in store.names()
    assert not [name for name in store.names() if name.endswith((".tmp", LOCK_FILE))]
    store.write("weights.npz", b"of another")
    own[0].publish()
    assert store.read("weights.npz") == b"of another"


def test_the_index_of_a_checkpoint_is_written_last_and_removed_first(store, tmp_path, monkeypatch):
    calls = []
    for name in ("upload", "remove"):
        method = getattr(type(store), name)

        def call(self, *arguments, name=name, method=method):
            calls.append((name, str(arguments[-1]).rpartition("/")[2]))
            method(self, *arguments)

        monkeypatch.setattr(type(store), name, call)
    folder = tmp_path / "copy/checkpoints/worker_0"
    write(folder, "step-5.index", "step-5.data-00000-of-00001", "step-5.json")
    copy = RemoteCopy(store, tmp_path / "copy")
    copy.publish()
    assert calls[-1] == ("upload", "step-5.index")
    for path in folder.iterdir():
        path.unlink()
    copy.publish()
    assert calls[3] == ("remove", "step-5.index")
    assert len(calls) == 6
    assert store.names() == []


def test_files_that_are_fetched_and_then_deleted_are_deleted_in_the_store(store, tmp_path):
    for name in ("step-4.data-00000-of-00001", "step-2.index"):
        store.write(f"checkpoints/worker_0/{name}", b"")
    store.write("checkpoints/worker_1/step-2.index", b"")
    copy = RemoteCopy(store, tmp_path / "copy")
    copy.fetch()
    (tmp_path / "copy/checkpoints/worker_0/step-4.data-00000-of-00001").unlink()
    copy.publish()
    assert store.names() == [f"checkpoints/worker_{i}/step-2.index" for i in (0, 1)]


def test_a_second_run_is_refused_until_the_first_ends(store):
    with RemoteLock(store):
        lock = f"{store.address}/{LOCK_FILE}"
        with (
            pytest.raises(ValueError, match=f"process {os.getpid()} on .*, delete {lock}"),
            RemoteLock(store),
        ):
            pass
        with RemoteLock(store, worker=1):
            assert len(store.names()) == 2
    assert store.names() == []


@pytest.mark.parametrize(("age_s", "refused"), [(0.0, True), (LIFELESS_S + 60.0, False)])
def test_a_run_on_another_host_counts_as_dead_without_heartbeats(store, age_s, refused):
    holder = identity() | {"host": "elsewhere", "beat": time.time() - age_s}
    store.write(LOCK_FILE, json.dumps(holder).encode())
    if refused:
        with pytest.raises(ValueError, match="on elsewhere"), RemoteLock(store):
            pass
        return
    with RemoteLock(store):
        assert json.loads(store.read(LOCK_FILE))["host"] != "elsewhere"


def test_errors_name_the_address_and_what_was_done_is_written_back(store):
    def fail(path: Path) -> None:
        (path / "weights.npz").write_bytes(b"1")
        raise ValueError(f"{path} holds a model with other settings")

    message = f"^{store.address} holds a model"
    with pytest.raises(ValueError, match=message), local_directory(store.address) as directory:
        fail(directory.path)
    assert store.names() == ["weights.npz"]


def test_a_local_work_directory_is_used_as_it_is(tmp_path):
    with local_directory(tmp_path) as directory:
        assert directory.path == tmp_path
        directory.publish()
    assert list(tmp_path.iterdir()) == []


# Eagerly, a few steps take a tenth of the time; tf.data warns that it still uses graphs.
@pytest.mark.filterwarnings("ignore:Even though the")
def test_a_run_continues_from_what_is_at_an_address(store, tmp_path, caplog):
    labels = tiny.write_label_file(tmp_path / "words", ["cab", "abc", "b0", "a1", "10"])
    own = {**NETWORK, "train_data": str(labels), "checkpoint_every": 2, "warmup_steps": 0}
    runs = [(tmp_path / "here", 4), (store.address, 2), (store.address, 4)]
    with tiny.running_eagerly(), caplog.at_level(logging.INFO, logger="absl"):
        for work_dir, steps in runs:
            assert train(tiny.config(**own, steps=steps), work_dir).step == steps
    assert "resuming from" in caplog.text
    assert not list(Path().glob("file:*"))
    names = [set(store.names()), files_of(tmp_path / "here")]
    assert len([name for name in names[0] if name.startswith("events")]) == 2
    kept = [{name for name in found if not name.startswith("events")} for found in names]
    assert kept[0] == kept[1]
    with np.load(tmp_path / "store/run" / WEIGHTS_FILE) as weights:
        assert all(np.isfinite(weights[name]).all() for name in weights.files)


def test_settings_begun_with_are_found_at_an_address(store, tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    (old / WEIGHTS_FILE).touch()
    tiny.config().save(old)
    begun = tiny.config(encoder_width=2.0, init_from=str(old))
    (tmp_path / "begun").mkdir()
    begun.save(tmp_path / "begun")
    assert inherited_settings(str(old), {}, store.address)["encoder_width"] == 0.25
    store.upload(tmp_path / "begun" / CONFIG_FILE, CONFIG_FILE)
    assert inherited_settings(str(old), {}, store.address)["encoder_width"] == 2.0


def test_fine_tuning_refuses_an_address():
    with pytest.raises(SystemExit, match="`attention-ocr train` takes addresses. Received: gs://b"):
        main(["fine-tune", "--data=labels.tsv", "--work_dir=gs://bucket/run"])


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_runs_on_google_cloud_storage_resume_after_a_kill_and_a_signal(
    tmp_path, count, monkeypatch
):
    settings = settings_of(tmp_path, **NETWORK, steps=200, eval_every=50) | {"checkpoint_every": 5}
    with Processes(settings, tmp_path / "undisturbed", count) as run:
        run.end_well()
    address = "gs://bucket/runs/mine"
    with object_store(tmp_path) as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)

        def newest_step() -> int:
            pattern = re.compile(r"bucket/runs/mine/checkpoints/worker_(\d)/step-(\d+)[.]index")
            newest = dict.fromkeys(map(str, range(count)), 0)
            for match in filter(None, map(pattern.fullmatch, list(store.objects))):
                newest[match[1]] = max(newest[match[1]], int(match[2]))
            return min(newest.values())

        def wait_for_checkpoint(run: Processes, above: int = 0) -> None:
            while newest_step() <= above:
                assert not run.have_ended(), run.outputs()
                time.sleep(0.05)

        with Processes(settings, tmp_path / "log", count, address=address) as run:
            wait_for_checkpoint(run)
            run.kill(range(count))
        assert f"bucket/runs/mine/{LOCK_FILE}" in store.objects
        with Processes(settings, tmp_path / "log", count, address=address) as run:
            wait_for_checkpoint(run, newest_step())
            assert "resuming from" in run.output()
            run.tell(signal.SIGTERM)
            assert set(run.end()) == {143}, run.outputs()
            assert f"of which {address} holds a checkpoint" in run.output()
        with Processes(settings, tmp_path / "log", count, address=address) as run:
            run.end_well()
        for name, content in store.objects.items():
            path = tmp_path / "copy" / name.removeprefix("bucket/runs/mine/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    assert_same_end(tmp_path / "undisturbed", tmp_path / "copy", 200)
    assert Config.load(tmp_path / "copy") == Config.load(tmp_path / "undisturbed")
    names = files_of(tmp_path / "copy")
    assert not [name for name in names if name.endswith(LOCK_FILE)]
    assert [name for name in names if name.startswith("events/worker_0/")]

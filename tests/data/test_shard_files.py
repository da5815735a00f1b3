import json
from pathlib import Path

import pytest

from attention_ocr.data import shard_files
from attention_ocr.data.shard_files import (
    Shard,
    ShardFiles,
    ShardsReport,
    SkippedImage,
    check_shards,
)


def report_on(files: ShardFiles, num_bytes: int) -> ShardsReport:
    return ShardsReport(
        num_examples=5 * len(files.shards),
        shards=tuple(Shard(path.name, 5, num_bytes) for path in files.shards),
        skipped=(SkippedImage("ä b.png", "missing", "no such file"),),
        unknown_characters={"é": 3},
    )


def write(folder: Path, content: bytes, num_shards: int = 3, name: str = "train") -> list[Path]:
    files = ShardFiles(folder, name, num_shards)
    files.prepare(overwrite=True)
    for path in files.partial_shards:
        path.write_bytes(content)
    files.commit(report_on(files, len(content)))
    return files.shards


def file_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def interrupt_commit(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the given number of files get their names, then stop as a killed process does."""
    real_replace = shard_files.os.replace
    calls = []

    def replace(source: Path, target: Path) -> None:
        if len(calls) == after:
            raise KeyboardInterrupt
        calls.append(source)
        real_replace(source, target)

    monkeypatch.setattr(shard_files.os, "replace", replace)


def interrupt_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop, as a killed process does, where the older data set would be removed."""
    real_unlink = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.suffix != ".partial":
            raise KeyboardInterrupt
        real_unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)


def test_finished_shards_pass(tmp_path):
    shards = write(tmp_path, b"one")
    check_shards(shards)
    check_shards(shards[:1])


def test_the_manifest_says_everything(tmp_path):
    write(tmp_path, b"one", num_shards=1)
    assert json.loads((tmp_path / "train.dataset.json").read_text(encoding="utf-8")) == {
        "num_examples": 5,
        "shards": [{"file": "train-00000-of-00001.tfrecord", "num_examples": 5, "num_bytes": 3}],
        "skipped": [{"key": "ä b.png", "reason": "missing", "detail": "no such file"}],
        "unknown_characters": {"é": 3},
    }


def test_files_of_other_programs_pass(tmp_path):
    foreign = [tmp_path / "train-00000-of-00512.tfrecord", tmp_path / "words.tfrecords"]
    for path in foreign:
        path.touch()
    check_shards(foreign)


def test_a_missing_shard_is_named(tmp_path):
    first, second, third = write(tmp_path, b"one")
    second.unlink()
    with pytest.raises(ValueError, match="train-00001-of-00003.tfrecord .*Received: no such file"):
        check_shards([first, third])


def test_a_shard_cut_short_is_named(tmp_path):
    shards = write(tmp_path, b"one")
    shards[2].write_bytes(b"on")
    with pytest.raises(ValueError, match="train-00002-of-00003.tfrecord of 3 bytes.*: 2 bytes"):
        check_shards(shards)


def test_a_shard_of_another_data_set_is_named(tmp_path):
    shards = write(tmp_path, b"one")
    foreign = tmp_path / "train-00000-of-00008.tfrecord"
    foreign.touch()
    with pytest.raises(ValueError, match="Received: .*train-00000-of-00008.tfrecord"):
        check_shards([*shards, foreign])


def test_data_sets_of_one_name_in_two_folders_are_told_apart(tmp_path):
    shards = write(tmp_path / "a", b"one", num_shards=2) + write(tmp_path / "b", b"three")
    check_shards(shards)


@pytest.mark.parametrize("num_renamed", [1, 2, 3])
def test_a_run_killed_while_naming_its_shards_counts_as_none(tmp_path, monkeypatch, num_renamed):
    with monkeypatch.context() as patch:
        interrupt_commit(patch, after=num_renamed)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, b"one")
    half = sorted(tmp_path.glob("*.tfrecord"))
    assert len(half) == num_renamed
    with pytest.raises(ValueError, match="train-00000-of-00003.tfrecord, whose writing was cut"):
        check_shards(half)
    ShardFiles(tmp_path, "train", 2).prepare(overwrite=False)
    assert file_names(tmp_path) == []


def test_a_run_killed_before_it_replaces_leaves_the_older_data_set(tmp_path, monkeypatch):
    shards = write(tmp_path, b"one")
    with monkeypatch.context() as patch:
        interrupt_removal(patch)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, b"three", num_shards=2)
    assert (tmp_path / "train.dataset.json.partial").exists()
    check_shards(shards)
    with pytest.raises(FileExistsError, match="train-00000-of-00003.tfrecord"):
        ShardFiles(tmp_path, "train", 2).prepare(overwrite=False)
    check_shards(shards)
    assert [path.read_bytes() for path in shards] == [b"one"] * 3


def test_preparing_clears_what_a_killed_run_left_and_nothing_else(tmp_path):
    (tmp_path / "train-00007-of-00009.tfrecord.partial").touch()
    kept = [
        "labels.tsv",
        "train-b-00000-of-00001.tfrecord",
        "train-b-00000-of-00001.tfrecord.partial",
    ]
    for name in kept:
        (tmp_path / name).touch()
    ShardFiles(tmp_path, "train", 2).prepare(overwrite=False)
    assert file_names(tmp_path) == kept


def test_files_of_other_programs_are_not_removed_unasked(tmp_path):
    foreign = tmp_path / "train-00000-of-00512.tfrecord"
    foreign.touch()
    with pytest.raises(FileExistsError, match="train-00000-of-00512.tfrecord"):
        ShardFiles(tmp_path, "train", 2).prepare(overwrite=False)
    assert foreign.exists()

"""Records for the benchmarks of memory, and walks through them."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from benchmarks import folder, input_pipeline, inspection, measure
from benchmarks.input_pipeline import BATCH_SIZE, NUM_SHARDS, NUM_STAGES, write_many
from benchmarks.words import serialized_words


@pytest.fixture(scope="module")
def examples():
    return serialized_words(3)


@pytest.mark.parametrize("count", [1, 7, 20])
def test_many_records_repeat_the_few_in_their_order(examples, tmp_path, count):
    pattern = write_many(tmp_path / "records", examples, count)
    shards = sorted(Path(pattern).parent.glob(Path(pattern).name))
    assert len(shards) == NUM_SHARDS
    read = [list(tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()) for shard in shards]
    assert sum(map(len, read)) == count
    for index in range(count):
        assert read[index % NUM_SHARDS][index // NUM_SHARDS] == examples[index % len(examples)]


def test_a_walk_reports_the_memory_after_the_first_batch_and_along_the_way(monkeypatch):
    taken = []
    monkeypatch.setattr(input_pipeline, "open_batches", lambda _: iter(range(1_000)))
    take = input_pipeline.take
    monkeypatch.setattr(
        input_pipeline, "take", lambda batches, count: (taken.append(count), take(batches, count))
    )
    stages = input_pipeline.walk("pattern", 8)
    assert taken == [1] + [2] * NUM_STAGES
    assert [stage["images read"] for stage in stages] == [
        BATCH_SIZE * batches for batches in (1, 3, 5, 7, 9)
    ]


def test_a_walk_takes_the_next_batches_each_time(monkeypatch):
    batches = iter(range(100))
    monkeypatch.setattr(input_pipeline, "open_batches", lambda _: batches)
    walk = input_pipeline.make_walk("source", 3)
    walk()
    walk()
    assert next(batches) == 6


def test_the_inspection_counts_every_record(examples, tmp_path):
    row = inspection.inspect(write_many(tmp_path / "records", examples, 9))
    assert row["records"] == 9
    assert row["records a second"] == pytest.approx(9 / row["seconds"])


@pytest.fixture
def scripted_rows(monkeypatch):
    calls = []

    def row_of(names, options):
        calls.append((len(names), options))
        return {"images": len(names)}

    monkeypatch.setattr(folder, "row_of", row_of)
    monkeypatch.setattr(measure, "report", lambda *_: None)
    return calls


@pytest.mark.parametrize(("count", "parts"), [(1, [1]), (5, [1, 5]), (40, [1, 4, 40])])
def test_one_image_a_tenth_and_all_of_a_folder_are_read(scripted_rows, tmp_path, count, parts):
    for index in range(count):
        (tmp_path / f"{index:02}.png").touch()
    (tmp_path / "deeper").mkdir()
    folder.main(SimpleNamespace(folder=tmp_path, model=None, engine="onnx", json=None))
    assert [number for number, _ in scripted_rows] == parts
    assert all(options == ["--engine=onnx"] for _, options in scripted_rows)


def test_the_model_is_handed_to_the_command(scripted_rows, tmp_path):
    (tmp_path / "a.png").touch()
    folder.main(SimpleNamespace(folder=tmp_path, model="runs/mine", engine="auto", json=None))
    assert scripted_rows == [(1, ["--engine=auto", "--model=runs/mine"])]


@pytest.mark.parametrize(("status", "lines"), [(0, 1), (1, 2)])
def test_a_command_that_does_not_read_every_image_is_an_error(monkeypatch, status, lines):
    def main(arguments):
        (output,) = [line for line in arguments if line.startswith("--output=")]
        Path(output.partition("=")[2]).write_text("text\n" * lines, encoding="utf-8")
        return status

    monkeypatch.setattr("attention_ocr.cli.main.main", main)
    with pytest.raises(ValueError, match=f"Expected 2 readings. Received: {lines}"):
        folder.read_names([Path("a.png"), Path("b.png")], [])

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from PIL import Image

from attention_ocr.cli import records
from attention_ocr.data.records import parse_example
from tests.object_store import object_store


@pytest.fixture
def labels(tmp_path):
    folder = tmp_path / "my data"
    folder.mkdir()
    for index in range(10):
        Image.new("L", (20 + index, 9), index).save(folder / f"word {index}.png")
    lines = [f"word {index}.png\ttext {index}\n" for index in range(10)]
    path = folder / "labels.tsv"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    records.add_arguments(parser)
    return records.run(parser.parse_args([str(argument) for argument in arguments]))


def texts(folder: Path, name: str) -> list[str]:
    files = sorted(str(path) for path in folder.glob(f"{name}-*.tfrecord"))
    dataset = tf.data.TFRecordDataset(files).map(parse_example)
    return [example["text"].decode() for example in dataset.as_numpy_iterator()]


def test_the_command_writes_shards_and_says_so(labels, tmp_path, capsys):
    assert run(labels, tmp_path / "out", "--num_shards=2", "--num_workers=1") == 0
    assert texts(tmp_path / "out", "data") == [f"text {index}" for index in range(10)]
    output = capsys.readouterr().out
    assert f"Wrote 10 of 10 images to {tmp_path / 'out'}:" in output
    assert "data-00001-of-00002.tfrecord  5 images" in output
    assert "Skipped" not in output
    assert str(tmp_path / "out/data.dataset.json") in output


def test_a_local_list_may_name_images_at_addresses(labels, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    image = labels.with_name("word 3.png")
    fsspec.filesystem("memory").pipe_file("/words/word 3.png", image.read_bytes())
    image.unlink()
    listed = labels.read_text(encoding="utf-8").replace("word 3", "memory://words/word 3")
    labels.write_text(listed, encoding="utf-8")
    assert run(labels, tmp_path / "out") == 0
    assert texts(tmp_path / "out", "data") == [f"text {index}" for index in range(10)]
    assert run(labels, tmp_path / "out", "--every=5", "--part=train", "--name=train") == 0
    assert len(texts(tmp_path / "out", "train")) == 8


def test_the_source_and_the_records_may_be_in_a_store(labels, tmp_path):
    pytest.importorskip("fsspec")
    from tests.bucket_store import bucket, objects_at, put_folder

    (labels.parent / "word 3.png").unlink()
    skip = ("--on_bad_example=skip", "--num_shards=3")
    run(labels, tmp_path / "out", *skip, "--every=5", "--part=train")
    expected = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with bucket() as address:
        put_folder(labels.parent, f"{address}/words")
        for source, out in (
            (f"{address}/words/labels.tsv", f"{address}/records"),
            (f"{address}/words", f"{address}/of-folder"),
            (labels, f"{address}/of-local"),
        ):
            run(source, out, *skip, "--every=5", "--part=train")
            assert objects_at(out) == expected
            with pytest.raises(FileExistsError, match=f"Received: {out}/data-00000-of-00003"):
                run(source, out, *skip)
        run(f"{address}/words/labels.tsv", tmp_path / "here", *skip, "--every=5", "--part=train")
    assert {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()} == expected


@pytest.mark.slow
def test_googles_store_needs_tensorflow_alone(labels, tmp_path):
    (labels.parent / "word 3.png").unlink()
    skip = ("--on_bad_example=skip", "--num_shards=3")
    run(labels, tmp_path / "out", *skip)
    with object_store(tmp_path) as store:
        for path in labels.parent.iterdir():
            store.objects[f"bucket/my words/{path.name}"] = path.read_bytes()

        def run_there(*arguments: str) -> str:
            command = [sys.executable, "-m", "attention_ocr", *arguments]
            environment = os.environ | store.environment
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=300
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        run_there("records", "gs://bucket/my words/labels.tsv", "gs://bucket/records", *skip)
        there = {
            name.removeprefix("bucket/records/"): content
            for name, content in store.objects.items()
            if name.startswith("bucket/records/")
        }
        assert there == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
        assert run_there("inspect", "gs://bucket/records/*.tfrecord").startswith("9 examples")


def test_the_two_parts_of_a_held_out_split_are_written_side_by_side(labels, tmp_path):
    for part in ("train", "eval"):
        run(labels, tmp_path / "out", f"--name={part}", "--every=5", f"--part={part}")
    assert texts(tmp_path / "out", "eval") == ["text 4", "text 9"]
    assert texts(tmp_path / "out", "train") == [f"text {i}" for i in (0, 1, 2, 3, 5, 6, 7, 8)]


def test_what_was_skipped_is_printed_with_its_reason(labels, tmp_path, capsys):
    (labels.parent / "word 3.png").unlink()
    (labels.parent / "word 6.png").write_bytes(b"")
    with labels.open("a", encoding="utf-8") as file:
        file.write("word 10.png\tlong text\n")
    assert run(labels, tmp_path / "out", "--max_length=8", "--on_bad_example=skip") == 0
    output = capsys.readouterr().out
    assert "Wrote 8 of 11 images" in output
    assert "Skipped 3:\n  word 3.png: no such file\n  word 6.png: empty file\n" in output
    assert "  word 10.png: label of 9 characters, the limit is 8\n" in output
    content = json.loads((tmp_path / "out/data.dataset.json").read_text(encoding="utf-8"))
    assert [item["key"] for item in content["skipped"]] == [
        "word 3.png",
        "word 6.png",
        "word 10.png",
    ]


def test_a_long_list_of_skipped_images_is_cut(labels, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(records, "_MAX_SKIPPED_SHOWN", 2)
    for index in range(5):
        (labels.parent / f"word {index}.png").unlink()
    run(labels, tmp_path / "out", "--on_bad_example=skip")
    output = capsys.readouterr().out
    assert "  word 1.png: no such file\n  … and 3 more, see the report\n" in output


def test_characters_outside_the_charset_file_are_printed(labels, tmp_path, capsys):
    charset = tmp_path / "charset.txt"
    charset.write_text("\n".join("tex0123456") + "\n", encoding="utf-8")
    run(labels, tmp_path / "out", f"--charset={charset}")
    output = capsys.readouterr().out
    assert f"labels missing from {charset}: ' ' (10), '7' (1), '8' (1), '9' (1)\n" in output


@pytest.mark.parametrize("arguments", [["--every=5"], ["--part=eval"]])
def test_half_of_a_split_is_refused(labels, tmp_path, arguments):
    with pytest.raises(ValueError, match="Expected --every and --part together"):
        run(labels, tmp_path / "out", *arguments)


def test_an_existing_data_set_is_replaced_only_when_told(labels, tmp_path):
    run(labels, tmp_path / "out")
    with pytest.raises(FileExistsError, match="data-00000-of-00001.tfrecord"):
        run(labels, tmp_path / "out")
    assert run(labels, tmp_path / "out", "--overwrite", "--num_shards=3") == 0
    assert len(texts(tmp_path / "out", "data")) == 10


def test_a_missing_label_file_or_charset_is_named(labels, tmp_path):
    with pytest.raises(FileNotFoundError, match="missing.tsv"):
        run(tmp_path / "missing.tsv", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="missing.txt"):
        run(labels, tmp_path / "out", f"--charset={tmp_path / 'missing.txt'}")


@pytest.mark.parametrize("argument", ["--num_workers=0", "--num_workers=-1", "--num_shards=0"])
def test_impossible_numbers_are_refused(labels, tmp_path, argument):
    with pytest.raises(ValueError, match=argument[2:]):
        run(labels, tmp_path / "out", argument)


def test_the_first_bad_image_ends_the_writing_unless_told_otherwise(labels, tmp_path):
    (labels.parent / "word 3.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="Received: word 3.png: not a PNG"):
        run(labels, tmp_path / "out", "--num_workers=1")
    assert not list((tmp_path / "out").iterdir())


def test_any_source_becomes_records(labels, tmp_path, capsys):
    rows = "".join(f"word {index}.png,text {index}\n" for index in range(10))
    (labels.parent / "words.csv").write_text(f"image,text\n{rows}")
    run(f"{labels.parent}/words.csv", tmp_path / "csv", "--every=5", "--part=eval")
    assert texts(tmp_path / "csv", "data") == ["text 4", "text 9"]
    # Records do not know how many they are.
    run(f"{tmp_path}/csv/*.tfrecord", tmp_path / "again", "--num_shards=2")
    assert texts(tmp_path / "again", "data") == ["text 4", "text 9"]
    assert "Wrote 2 of 2 images" in capsys.readouterr().out


def test_endless_text_is_no_data_set(labels, tmp_path):
    for source in ("synthetic,fonts=bundled", f"{labels},weight=1;synthetic,weight=1"):
        with pytest.raises(ValueError, match="Expected `num_examples` of rendered text"):
            run(source, tmp_path / "out")


def test_a_mixture_with_rendered_text_of_a_number_is_a_data_set(labels, tmp_path):
    run(labels, tmp_path / "records")
    rendered = "synthetic,fonts=bundled,num_examples=2,weight=1"
    run(f"{rendered};{tmp_path}/records/*.tfrecord,weight=1", tmp_path / "out")
    assert texts(tmp_path / "out", "data")[2:] == [f"text {index}" for index in range(10)]

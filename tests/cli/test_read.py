import argparse
import csv
import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from attention_ocr.cli import read
from attention_ocr.images.formats import STATUS_UNREADABLE
from attention_ocr.inference import reader as reader_module
from attention_ocr.settings.second_looks import RECOMMENDED, SecondLooksConfig
from tests import tiny, tiny_model


@pytest.fixture
def images(tmp_path):
    """Four images in the folder `words`, the second broken."""
    folder = tmp_path / "words"
    folder.mkdir()
    files = tiny_model.files(4, formats=["PNG"])
    files[1] = files[1][:-40]
    for index, file in enumerate(files):
        (folder / f"{index}.png").write_bytes(file)
    return folder


@pytest.fixture
def expected(images, reader):
    return [reading.text for reading in reader.read(sorted(images.iterdir()))]


@pytest.fixture
def run(reader, monkeypatch):
    """Run the command with the tiny reader, which need not be loaded each time."""

    def run(*arguments: object) -> int:
        parser = argparse.ArgumentParser()
        read.add_arguments(parser)
        return read.run(parser.parse_args([str(argument) for argument in arguments]))

    monkeypatch.setattr(reader_module, "load", lambda _, **__: reader)
    return run


def test_a_folder_is_read_in_order_and_the_broken_image_named(run, images, expected, capsys):
    assert run(images) == 1
    output, errors = capsys.readouterr()
    rows = [line.split("\t") for line in output.splitlines()]
    assert [row[0] for row in rows] == [str(images / f"{index}.png") for index in (0, 2, 3)]
    assert [row[1] for row in rows] == [expected[index] for index in (0, 2, 3)]
    assert all(0.0 <= float(row[2]) <= 1.0 for row in rows)
    assert errors.splitlines() == [
        f"attention-ocr read: {images / '1.png'}: {STATUS_UNREADABLE}",
        "attention-ocr read: 1 of 4 images could not be read",
    ]


def test_all_is_well_when_every_image_was_read(run, images, expected, capsys):
    assert run(images / "3.png", images / "0.png") == 0
    output, errors = capsys.readouterr()
    assert [line.split("\t")[1] for line in output.splitlines()] == [expected[3], expected[0]]
    assert errors == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], (None, None, None)),
        (["--rotate_tall"], (None, True, None)),
        (["--no-deskew"], (None, None, False)),
        (["--no-second_looks"], (SecondLooksConfig(), None, None)),
        (["--second_looks"], (RECOMMENDED, None, None)),
        (
            ["--no-second_looks", "--widths_below=0.8", "--widths=1.3,2"],
            (SecondLooksConfig(widths_below=0.8, widths=(1.3, 2.0)), None, None),
        ),
        (["--deskew_below=0"], ({"deskew_below": 0.0}, None, None)),
    ],
)
def test_flags_choose_which_images_are_re_read(
    run, images, reader, monkeypatch, arguments, expected
):
    given = []

    def load(_, **options):
        given.append(options)
        return reader

    monkeypatch.setattr(reader_module, "load", load)
    assert run(images / "0.png", *arguments) == 0
    names = ("second_looks", "rotate_tall", "deskew")
    assert tuple(given[0][name] for name in names) == expected


def test_a_factor_that_is_no_number_is_named(run, images):
    with pytest.raises(ValueError, match=r"--widths must be numbers. Received: \['wide'\]"):
        run(images / "0.png", "--widths=wide")


def test_an_image_that_was_shrunk_is_marked(run, tmp_path, capsys):
    too_wide = 2 * tiny.SETTINGS["max_image_width"]
    for name, width in (("fits", 32), ("wide", too_wide)):
        image = np.zeros((tiny.SETTINGS["image_height"], width, 3), np.uint8)
        (tmp_path / f"{name}.png").write_bytes(tiny_model.encoded(image))
    assert run(tmp_path) == 0
    fits, wide = capsys.readouterr().out.splitlines()
    assert len(fits.split("\t")) == 3
    assert wide.split("\t")[3:] == ["shrunk"]
    assert run(tmp_path, "--format=jsonl") == 0
    records = map(json.loads, capsys.readouterr().out.splitlines())
    assert [record["shrunk"] for record in records] == [False, True]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_batch_size_changes_no_result(run, images, batch_size, capsys):
    run(images, "--format=jsonl")
    whole = capsys.readouterr().out
    run(images, "--format=jsonl", f"--batch_size={batch_size}")
    for line, other in zip(whole.splitlines(), capsys.readouterr().out.splitlines(), strict=True):
        record, other_record = json.loads(line), json.loads(other)
        assert record["text"] == other_record["text"]
        assert record["confidence"] == pytest.approx(other_record["confidence"], rel=1e-3)


def test_json_lines_hold_all_fields(run, images, expected, capsys):
    assert run(images, images / "no.png", "--format=jsonl") == 1
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["text"] for record in records] == [*expected, ""]
    assert [record["error"] for record in records] == [
        None,
        STATUS_UNREADABLE,
        None,
        None,
        "cannot be opened: No such file or directory",
    ]
    for record in records:
        assert len(record["character_confidences"]) == len(record["text"])
        assert record["overlay"] is None


def test_boxes_are_numbers_of_each_character(run, images, capsys):
    assert run(images / "0.png", "--format=jsonl", "--boxes") == 0
    (record,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert len(record["boxes"]) == len(record["text"])
    with Image.open(images / "0.png") as image:
        for left, top, right, bottom in record["boxes"]:
            assert 0 <= left < right <= image.width
            assert 0 <= top < bottom <= image.height
    with pytest.raises(ValueError, match="--boxes needs --format=jsonl. Received: --format=csv"):
        run(images / "0.png", "--format=csv", "--boxes")


def test_overlays_are_animations_on_request(run, images, tmp_path, capsys):
    folder = tmp_path / "overlays"
    assert run(images / "0.png", f"--overlay_dir={folder}", "--overlay_format=gif") == 0
    assert capsys.readouterr().out.rstrip().endswith("0.attention.gif")
    assert [path.name for path in folder.iterdir()] == ["0.attention.gif"]


def test_csv_holds_all_fields(run, images, expected, capsys):
    assert run(images, "--format=csv") == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["text"] for row in rows] == expected
    assert rows[1]["error"].startswith("unreadable image: ")


def test_a_folder_without_images_is_an_error_that_names_it(run, tmp_path, capsys):
    (tmp_path / "bare").mkdir()
    assert run(tmp_path / "bare") == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"attention-ocr read: {tmp_path / 'bare'}: folder without images")
    assert len(errors.splitlines()) == 1


def test_results_come_out_batch_by_batch(run, images, monkeypatch):
    # Each name is written to the list's pipe only after the results of the one before are out.
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    seen = []

    class Stdin:
        @property
        def buffer(self):
            for index in (0, 2, 3):
                seen.append(sys.stdout.buffer.getvalue().decode().count("\n"))
                yield f"{images}/{index}.png\n".encode()

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert run("-", "--batch_size=1") == 0
    assert seen == [0, 1, 2]


def test_standard_input_may_be_an_image(run, images, expected, monkeypatch, capsys):
    content = io.BytesIO((images / "0.png").read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    assert run("-", "--stdin_image") == 0
    assert capsys.readouterr().out.split("\t")[:2] == ["-", expected[0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["-", "-"], "Expected - once"), (["a.png", "--stdin_image"], "--stdin_image goes with -")],
)
def test_arguments_that_do_not_go_together_are_refused(run, arguments, message):
    with pytest.raises(ValueError, match=message):
        run(*arguments)


@pytest.mark.parametrize("batch_size", ["0", "-1", "many", "1.5"])
def test_a_batch_size_that_is_none_is_refused(run, batch_size, capsys):
    with pytest.raises(SystemExit) as error:
        run("a.png", f"--batch_size={batch_size}")
    assert error.value.code == 2
    assert f"expected a whole number above 0, received '{batch_size}'" in capsys.readouterr().err


def test_the_output_file_appears_whole(run, images, expected, tmp_path, capsys):
    out = tmp_path / "out.csv"
    out.write_text("older", encoding="utf-8")
    assert run(images, "--format=csv", "-o", out) == 1
    with out.open(encoding="utf-8", newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "words"]
    assert capsys.readouterr().out == ""


def test_a_run_that_fails_leaves_the_output_file_of_an_older_one(
    run, images, reader, tmp_path, monkeypatch
):
    out = tmp_path / "out.csv"
    out.write_text("older", encoding="utf-8")

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(reader, "read", fail)
    with pytest.raises(OSError, match="disk full"):
        run(images, "-o", out)
    assert out.read_text(encoding="utf-8") == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "words"]


def test_an_output_that_cannot_be_written_is_named(run, images, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        run(images, "-o", tmp_path / "no such folder" / "out.csv")
    with pytest.raises(OSError, match="words"):
        run(images, "-o", images)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/null")
def test_a_device_is_written_to_and_not_replaced(run, images):
    assert run(images / "0.png", "-o", "/dev/null") == 0


def test_attention_overlays_are_drawn_for_what_was_read(run, images, tmp_path, capsys):
    overlays = tmp_path / "overlays"
    assert run(images, f"--overlay_dir={overlays}") == 1
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[3] for row in rows] == [
        str(overlays / f"{index}.attention.png") for index in (0, 2, 3)
    ]
    for row in rows:
        with Image.open(row[3]) as image:
            assert image.format == "PNG"
            # A line of text, the image and a row for each character.
            assert image.size[1] > 64 * (1 + len(row[1]))
    assert len(list(overlays.iterdir())) == 3

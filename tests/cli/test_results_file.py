"""`attention-ocr read -o FILE`: interrupted, killed, and gone on with."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from attention_ocr.cli import read
from attention_ocr.cli.main import main
from attention_ocr.cli.result_formats import ResultRow, write_csv
from attention_ocr.cli.results_file import ResultsFile
from tests import tiny_model

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "tests" / "fixtures" / "format_version_1" / "model.tflite"
NUM_IMAGES = 7
COMMAND = {"model": "mine"}
TIMEOUT_S = 120


@pytest.fixture
def images(tmp_path):
    """Images of one folder, the third broken, the fourth with a line end in its name."""
    folder = tmp_path / "words"
    folder.mkdir()
    names = [f"{index}.png" for index in range(NUM_IMAGES)]
    if sys.platform != "win32":
        names[3] = '3,"a"\nb.png'
    files = tiny_model.files(NUM_IMAGES, ["PNG"])
    files[2] = b"no image"
    for name, file in zip(names, files, strict=True):
        (folder / name).write_bytes(file)
    return [str(folder / name) for name in names]


def run(*arguments: object) -> int:
    return main(["read", f"--model={MODEL}", *map(str, arguments)])


def interrupt_after(num_images: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the command stop as by Ctrl-C when so many images have been read."""
    original, seen = read._read, []

    def reading(*args: object):
        for result in original(*args):
            if len(seen) == num_images:
                raise KeyboardInterrupt
            seen.append(result)
            yield result

    monkeypatch.setattr(read, "_read", reading)


def opened_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    opened: list[str] = []
    original = read.named_images.__globals__["_open"]

    def opening(path: str):
        opened.append(path)
        return original(path)

    monkeypatch.setitem(read.named_images.__globals__, "_open", opening)
    return opened


@pytest.mark.parametrize("file_format", ["text", "jsonl", "csv"])
def test_an_interrupted_command_goes_on_and_ends_with_the_same_file(
    images, tmp_path, monkeypatch, capsys, file_format
):
    whole, out = tmp_path / "whole", tmp_path / "out"
    arguments = (*images, f"--format={file_format}", "--batch_size=2")
    assert run(*arguments, "-o", whole) == 1
    for num_images in (4, 1):
        with monkeypatch.context() as patch:
            interrupt_after(num_images, patch)
            assert run(*arguments, "-o", out) == 130
        assert not out.exists()
        assert f"results are kept in {out}.partial" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        opened = opened_files(patch)
        assert run(*arguments, "-o", out) == 1
    # What was read is not read again, but for what could not be.
    assert opened == [images[2], *images[4:]]
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole", "words"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("file_format", ["text", "jsonl", "csv"])
def test_a_killed_command_loses_nothing_that_was_read(images, tmp_path, file_format):
    out, journal = tmp_path / "out", tmp_path / "out.partial"
    command = [sys.executable, "-W", "ignore", "-m", "attention_ocr.cli.main", "read", "-"]
    command += [f"--model={MODEL}", f"--format={file_format}", "--batch_size=1", "-o", str(out)]
    listed = [name for name in images if "\n" not in name]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, text=True
    )
    assert process.stdin is not None
    process.stdin.write("".join(f"{name}\n" for name in listed[:4]))
    process.stdin.flush()
    deadline = time.monotonic() + TIMEOUT_S
    # The first line holds the settings.
    while not journal.exists() or journal.read_bytes().count(b"\n") < 5:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(TIMEOUT_S)
    process.stdin.close()
    assert not out.exists()
    # A kill in the middle of a line.
    with journal.open("ab") as file:
        file.write(b'{"path": "half a li')
    again = subprocess.run(
        command,
        input="".join(f"{name}\n" for name in listed),
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=ROOT,
        text=True,
    )
    assert again.returncode == 1, again.stderr
    assert names_in(out, file_format) == [
        name for name in listed if file_format != "text" or name != images[2]
    ]
    assert not journal.exists()


def names_in(path: Path, file_format: str) -> list[str]:
    content = path.read_text(encoding="utf-8")
    if file_format == "jsonl":
        return [json.loads(line)["path"] for line in content.splitlines()]
    if file_format == "csv":
        return [row["path"] for row in csv.DictReader(io.StringIO(content, newline=""))]
    return [line.split("\t")[0] for line in content.splitlines()]


def test_an_image_that_is_named_twice_is_read_twice_and_no_oftener(
    images, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    names = [images[0], images[1], images[0], images[0]]
    with monkeypatch.context() as patch:
        interrupt_after(3, patch)
        assert run(*names, "--batch_size=1", "-o", out) == 130
    assert run(*names, "--batch_size=1", "-o", out) == 0
    assert names_in(out, "text") == names
    capsys.readouterr()


def test_results_come_in_the_order_of_the_images_when_some_came_later(
    images, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        assert run(images[4], images[5], "--batch_size=1", "-o", out) == 130
    assert run(images[0], images[4], images[5], "-o", out) == 0
    assert names_in(out, "text") == [images[0], images[4], images[5]]


def test_attention_overlays_are_kept_with_their_results(images, tmp_path, monkeypatch):
    out, overlays = tmp_path / "out", tmp_path / "overlays"
    twins = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        twins.append(tmp_path / folder / "0.png")
        twins[-1].write_bytes(Path(images[0]).read_bytes())
    arguments = (*twins, "--batch_size=1", f"--overlay_dir={overlays}", "-o", out)
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        assert run(*arguments) == 130
    assert run(*arguments) == 0
    overlays = [line.split("\t")[3] for line in out.read_text(encoding="utf-8").splitlines()]
    assert [Path(name).name for name in overlays] == ["0.attention.png", "0-2.attention.png"]


def test_a_command_with_other_settings_is_refused_and_nothing_is_lost(
    images, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        interrupt_after(2, patch)
        run(*images, "-o", out)
    before = (tmp_path / "out.partial").read_bytes()
    capsys.readouterr()
    assert run(*images, "--max_image_pixels=1000000", "-o", out) == 1
    error = capsys.readouterr().err
    assert "Received: max_image_pixels=1000000 instead of 16777216" in error
    assert (tmp_path / "out.partial").read_bytes() == before
    # Another format or batch size is no other reading.
    assert run(*images, "--format=csv", "--batch_size=5", "-o", out) == 1
    assert len(names_in(out, "csv")) == NUM_IMAGES


@pytest.mark.skipif(not hasattr(os, "fork"), reason="locks of files are those of POSIX")
def test_two_commands_cannot_write_one_file(tmp_path):
    out = tmp_path / "out.csv"
    with ResultsFile(out, COMMAND, write_csv) as results:
        assert not results.has("a.png")
        results.write(ResultRow("a.png", "a"))
        with pytest.raises(OSError, match="Another command is writing"):
            ResultsFile(out, COMMAND, write_csv)
    with ResultsFile(out, COMMAND, write_csv) as results:
        assert [result.path for result in results.recorded] == ["a.png"]


@pytest.mark.parametrize("content", [b"[]\n", b"no journal\n", b'{"format_version": 9}\n'])
def test_a_damaged_journal_is_named(tmp_path, content):
    (tmp_path / "out.csv.partial").write_bytes(content)
    with pytest.raises(ValueError, match="out.csv.partial.*delete it to start again"):
        ResultsFile(tmp_path / "out.csv", COMMAND, write_csv)


def test_progress_is_shown_on_a_terminal_alone(images, tmp_path, monkeypatch, capsys):
    assert run(*images[:2], "-o", tmp_path / "out") == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run(*images, "-o", tmp_path / "out") == 1
    shown = capsys.readouterr().err
    assert "/7" in shown
    assert f"{images[2]}: unreadable image" in shown

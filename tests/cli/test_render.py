import argparse
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from attention_ocr.cli import render
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from tests.synthesis.rendered import fail_on_sevens

COMMON = ("--fonts=bundled", "--num_workers=1")


@pytest.fixture(scope="module", autouse=True)
def font_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTENTION_OCR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def parse(*arguments):
    parser = argparse.ArgumentParser()
    render.add_arguments(parser)
    return parser.parse_args([str(argument) for argument in arguments])


def run(*arguments):
    return render.run(parse(*COMMON, *arguments))


def read(folder):
    lines = (folder / "labels.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    return [
        (cv2.cvtColor(cv2.imread(str(folder / path)), cv2.COLOR_BGR2RGB), text)
        for path, text in rows
    ]


def test_what_is_written_is_what_the_renderer_gives(tmp_path, capsys):
    folder = tmp_path / "new" / "set of words"
    assert run(f"--out_dir={folder}", "--count=9", "--start=4", "--seed=3", "--kinds=words") == 0
    renderer = Renderer(SynthesisConfig(kinds=("words",), fonts="bundled", seed=3))
    expected = list(renderer.generate(4, 13))
    found = read(folder)
    assert [text for _, text in found] == [text for _, text in expected]
    for (image, _), (expected_image, _) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(image, expected_image)
    assert sorted(path.name for path in folder.iterdir()) == ["images", "labels.tsv"]
    assert f"Wrote 9 images to {folder}" in capsys.readouterr().out


def test_several_processes_write_the_same_files(tmp_path):
    for num_workers in (1, 2):
        run(
            f"--out_dir={tmp_path / str(num_workers)}", "--count=70", f"--num_workers={num_workers}"
        )
    folders = [tmp_path / "1", tmp_path / "2"]
    names = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*.*"))
    assert len(names) == 71
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_jpeg_files_hold_nearly_the_same_images(tmp_path):
    run(f"--out_dir={tmp_path}", "--count=3", "--format=jpg", "--difficulty=0")
    expected = Renderer(SynthesisConfig(fonts="bundled", difficulty=0.0)).generate(0, 3)
    for (image, _), (expected_image, _) in zip(read(tmp_path), expected, strict=True):
        assert image.shape == expected_image.shape
        assert np.abs(image.astype(int) - expected_image).mean() < 5


def test_a_sheet_shows_the_first_images(tmp_path, capsys):
    sheet = tmp_path / "deep" / "sheet.png"
    assert run(f"--sheet={sheet}", "--count=500") == 0
    assert cv2.imread(str(sheet)).shape[0] > 20 * 60
    assert "a sheet of 120 images" in capsys.readouterr().out
    assert [path.name for path in sheet.parent.iterdir()] == ["sheet.png"]


def test_every_setting_of_the_renderer_is_an_argument():
    assert set(SynthesisConfig.__dataclass_fields__) <= set(vars(parse()))


def test_an_existing_data_set_is_replaced_only_when_told(tmp_path):
    run(f"--out_dir={tmp_path}", "--count=5")
    before = (tmp_path / "labels.tsv").read_bytes()
    with pytest.raises(FileExistsError, match="labels.tsv exists"):
        run(f"--out_dir={tmp_path}", "--count=2")
    assert (tmp_path / "labels.tsv").read_bytes() == before
    for name in ("notes.txt", "2026.png"):
        (tmp_path / "images" / name).write_text("mine")
    run(f"--out_dir={tmp_path}", "--count=2", "--start=1", "--overwrite")
    assert len(read(tmp_path)) == 2
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == [
        "000000001.png",
        "000000002.png",
        "2026.png",
        "notes.txt",
    ]


def test_a_full_disk_leaves_no_label_file(tmp_path, monkeypatch):
    run(f"--out_dir={tmp_path}", "--count=3")

    def fail(_, index):
        if index == 2:
            raise OSError(28, "No space left on device")
        return np.zeros((4, 5, 3), np.uint8), "text"

    monkeypatch.setattr(Renderer, "render", fail)
    with pytest.raises(OSError, match="No space left"):
        run(f"--out_dir={tmp_path}", "--count=4", "--overwrite")
    assert not (tmp_path / "labels.tsv").exists()


def test_killed_halfway_it_leaves_no_label_file(tmp_path):
    code = (
        "import argparse, sys; from attention_ocr.cli import render;"
        "parser = argparse.ArgumentParser(); render.add_arguments(parser);"
        "render.run(parser.parse_args(sys.argv[1:]))"
    )
    arguments = [*COMMON, f"--out_dir={tmp_path}", "--count=1000000"]
    with subprocess.Popen([sys.executable, "-c", code, *arguments]) as process:
        try:
            deadline = time.monotonic() + 60
            while not list(tmp_path.glob("images/*.png")):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
        finally:
            process.kill()
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--count=3"], "--out_dir or --sheet"),
        (["--out_dir=x", "--count=0"], "--count of at least 1. Received: 0"),
        (["--out_dir=x", "--start=-1"], "--start of at least 0. Received: -1"),
        (["--out_dir=x", "--num_workers=0"], "--num_workers of at least 1. Received: 0"),
        (["--sheet=sheet.gif"], "end in .png. Received: sheet.gif"),
        (["--out_dir=x", "--kinds=poems"], "kinds='poems'"),
        (["--out_dir=x", "--difficulty=hard"], "difficulty=hard"),
        (["--out_dir=x", "--characters=digits"], "a text of kind words"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        run(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_missing_fonts_and_words_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"fonts=.*no fonts"):
        run(f"--out_dir={tmp_path}", f"--fonts={tmp_path / 'no fonts'}")
    with pytest.raises(FileNotFoundError, match="no words"):
        run(f"--out_dir={tmp_path}", f"--words_file={tmp_path / 'no words'}")


def test_an_image_that_cannot_be_rendered_costs_no_other(tmp_path, monkeypatch, capsys, caplog):
    arguments = ("--seed=8", "--kinds=numbers", "--max_length=3")
    run(f"--out_dir={tmp_path / 'whole'}", "--count=80", *arguments)
    fail_on_sevens(monkeypatch)
    run(f"--out_dir={tmp_path / 'cut'}", "--count=80", *arguments)
    texts = [text for _, text in read(tmp_path / "whole")]
    lines = (tmp_path / "whole/labels.tsv").read_text(encoding="utf-8").splitlines()
    kept = [line for line, text in zip(lines, texts, strict=True) if "7" not in text]
    assert (tmp_path / "cut/labels.tsv").read_text(encoding="utf-8").splitlines() == kept
    assert len(list((tmp_path / "cut/images").iterdir())) == len(kept) < 80
    assert f"Wrote {len(kept)} images to" in capsys.readouterr().out
    assert caplog.text.count("cannot be rendered: TypeError") == 80 - len(kept)
    first = next(index for index, text in enumerate(texts) if "7" in text)
    with pytest.raises(ValueError, match="an image that can be rendered. Received: none; Image"):
        run(f"--out_dir={tmp_path / 'none'}", "--count=1", f"--start={first}", *arguments)
    assert not (tmp_path / "none/labels.tsv").exists()

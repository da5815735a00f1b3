import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from attention_ocr.synthesis import font_files, fonts
from attention_ocr.synthesis.font_files import list_font_files, machine_folders
from attention_ocr.synthesis.fonts import find_faces
from attention_ocr.synthesis.typeface_cache import cache_file


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTENTION_OCR_CACHE", str(tmp_path / "cache"))
    return cache_file()


@pytest.fixture
def font_folder(tmp_path, plain_face):
    folder = tmp_path / "own fonts" / "deeper"
    folder.mkdir(parents=True)
    for name in ("b.ttf", "a.TTF"):
        shutil.copy(plain_face.path, folder / name)
    (folder / "notes.txt").write_text("no font")
    return folder.parent


@pytest.fixture
def no_scan(monkeypatch):
    def refuse(path, _references):
        raise AssertionError(f"{path} was looked at again")

    return lambda: monkeypatch.setattr(fonts, "inspect_file", refuse)


def names(faces):
    return [Path(face.path).name for face in faces]


def test_font_packages_bring_many_families(faces):
    assert len({face.family for face in faces}) >= 6
    assert len(faces) >= 40
    keys = [(face.family, face.style) for face in faces]
    assert keys == sorted(keys)
    # One of the two formats of the same face is enough.
    assert len({Path(face.path).stem for face in faces}) >= len({f.path for f in faces})


@pytest.mark.usefixtures("own_cache")
def test_a_folder_a_file_and_a_pattern_name_fonts(font_folder):
    assert names(find_faces(str(font_folder))) == ["a.TTF", "b.ttf"]
    assert names(find_faces(str(font_folder / "deeper" / "b.ttf"))) == ["b.ttf"]
    assert names(find_faces(str(font_folder / "**" / "*.ttf"))) == ["b.ttf"]
    assert names(find_faces(str(font_folder / "deep*" / "*"))) == ["a.TTF", "b.ttf"]


def test_all_fonts_are_those_of_packages_and_of_the_machine(monkeypatch, font_folder):
    monkeypatch.setattr(
        font_files, "machine_folders", lambda: [font_folder, font_folder / "missing"]
    )
    bundled = set(list_font_files("bundled"))
    assert set(list_font_files("all")) - bundled == set(font_folder.glob("deeper/?.*t*f")) | set(
        font_folder.glob("deeper/?.TTF")
    )


@pytest.mark.parametrize(
    ("platform", "expected"),
    [("linux", "share/fonts"), ("darwin", "Library/Fonts"), ("win32", "Fonts")],
)
def test_every_system_has_folders_of_fonts(monkeypatch, platform, expected):
    monkeypatch.setattr(sys, "platform", platform)
    folders = machine_folders()
    assert len(folders) >= 2
    assert any(folder.as_posix().endswith(expected) for folder in folders)


def test_a_machine_without_fonts_is_told_how_to_install_one(monkeypatch, tmp_path):
    monkeypatch.setattr(font_files, "machine_folders", lambda: [tmp_path / "none"])
    monkeypatch.setattr(font_files, "bundled_files", list)
    with pytest.raises(FileNotFoundError, match="fonts=all, .*pip install font-roboto.*none below"):
        find_faces("all")
    with pytest.raises(FileNotFoundError, match="fonts=bundled, .*pip install font-roboto"):
        find_faces("bundled")
    with pytest.raises(FileNotFoundError, match="font files.*fonts=.*missing, none there"):
        find_faces(str(tmp_path / "missing"))


@pytest.mark.usefixtures("own_cache")
def test_a_folder_of_broken_fonts_is_named(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=f"usable fonts.*fonts={tmp_path}"):
        find_faces(str(tmp_path))


@pytest.mark.usefixtures("own_cache")
def test_a_broken_font_beside_good_ones_is_left_out(font_folder):
    (font_folder / "broken.otf").write_bytes(b"nothing")
    assert names(find_faces(str(font_folder))) == ["a.TTF", "b.ttf"]


@pytest.mark.usefixtures("own_cache")
def test_a_second_search_looks_at_no_font_again(font_folder, no_scan):
    (font_folder / "broken.otf").write_bytes(b"nothing")
    first = find_faces(str(font_folder))
    no_scan()
    second = find_faces(str(font_folder))
    assert second == first
    assert [vars(face) for face in second] == [vars(face) for face in first]


@pytest.mark.usefixtures("own_cache")
def test_a_changed_font_is_looked_at_again(font_folder, make_font, no_scan):
    find_faces(str(font_folder))
    changed = font_folder / "deeper" / "b.ttf"
    shutil.copy(make_font("Other", {"I": [(0, 0, 90, 700)], "A": [(0, 0, 400, 300)]}), changed)
    assert sorted(face.family for face in find_faces(str(font_folder))) == ["Other", "Roboto"]
    os.utime(changed, ns=(1, 1))
    no_scan()
    with pytest.raises(AssertionError, match="b.ttf was looked at again"):
        find_faces(str(font_folder))


def test_fonts_that_are_gone_leave_the_cache(own_cache, font_folder):
    find_faces(str(font_folder))
    (font_folder / "deeper" / "b.ttf").unlink()
    (font_folder / "broken.otf").write_bytes(b"nothing")
    assert names(find_faces(str(font_folder))) == ["a.TTF"]
    assert {Path(path).name for path in json.loads(own_cache.read_text())} == {
        "a.TTF",
        "broken.otf",
    }


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "",
        lambda text: text[: len(text) // 2],
        lambda _: "[1, 2]",
        lambda _: "\0" * 99,
        lambda text: text.replace('"faces"', '"eyes"'),
        lambda text: text.replace('"ranges"', '"angels"'),
        lambda text: text.replace('"faces":[', '"faces":[7,'),
        lambda _: "[" * 100_000,
    ],
)
def test_a_damaged_cache_costs_a_scan_and_nothing_else(own_cache, font_folder, damage, no_scan):
    expected = find_faces(str(font_folder))
    own_cache.write_text(damage(own_cache.read_text()))
    assert find_faces(str(font_folder)) == expected
    no_scan()
    assert find_faces(str(font_folder)) == expected


def test_a_cache_that_cannot_be_written_is_skipped(font_folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("ATTENTION_OCR_CACHE", str(tmp_path / "file"))
    assert names(find_faces(str(font_folder))) == ["a.TTF", "b.ttf"]


def test_a_disk_that_fills_up_leaves_the_old_cache(own_cache, font_folder, monkeypatch):
    find_faces(str(font_folder))
    before = own_cache.read_bytes()
    (font_folder / "broken.otf").write_bytes(b"nothing")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dump", fail)
    assert names(find_faces(str(font_folder))) == ["a.TTF", "b.ttf"]
    assert own_cache.read_bytes() == before
    assert [file.name for file in own_cache.parent.iterdir()] == [own_cache.name]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_cache_is_where_the_system_keeps_caches(monkeypatch, tmp_path, platform):
    monkeypatch.delenv("ATTENTION_OCR_CACHE")
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_file().is_relative_to(tmp_path)
    assert cache_file().parent.name == "attention_ocr"


def test_rendering_needs_no_tensorflow():
    code = (
        "import sys, attention_ocr.synthesis.rendering, attention_ocr.synthesis.contact_sheet;"
        "sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

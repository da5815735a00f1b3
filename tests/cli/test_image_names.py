import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attention_ocr.cli.image_names import NamedImage, named_images


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of files whose content is their path, as the current directory."""
    monkeypatch.chdir(tmp_path)
    for name in (
        *("b.png", "a.JPG", "c.gif", "d.tiff", "labels.tsv", "e [1].bmp", "._a.png"),
        *("deep/one.jpeg", "deep/er/two.png", "bare/notes.txt"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return tmp_path


def find(*names: str, recursive: bool = False, stdin_image: bool = False) -> list[NamedImage]:
    return list(named_images(names, recursive, stdin_image))


def paths(images: list[NamedImage]) -> list[str]:
    """Return the names of images, which have to be there."""
    assert [image.error for image in images] == [None] * len(images)
    names = [Path(image.name).as_posix() for image in images]
    assert [image.content.decode() for image in images] == names
    return names


@pytest.fixture
def type_in(monkeypatch):
    def type_in(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return type_in


def test_files_come_in_the_order_of_the_command_line():
    names = ["c.gif", "labels.tsv", "b.png", "c.gif"]
    assert paths(find(*names)) == names


def test_a_folder_stands_for_its_images_sorted():
    assert paths(find(".")) == ["a.JPG", "b.png", "c.gif", "d.tiff", "e [1].bmp"]


def test_skipped_files_of_a_folder_are_listed():
    told = []
    list(named_images(["."], False, False, lambda *what: told.append(what)))
    assert told == [
        (".", "skipped 1 file (labels.tsv): no image suffix"),
        (".", "skipped 2 folders (bare/, deep/): --recursive also searches subfolders"),
    ]
    told.clear()
    list(named_images(["."], True, False, lambda *what: told.append(what)))
    assert told == [(".", "skipped 2 files (bare/notes.txt, labels.tsv): no image suffix")]


def test_a_folder_is_searched_recursively_on_demand():
    assert paths(find(".", recursive=True)) == [
        *("a.JPG", "b.png", "c.gif", "d.tiff"),
        *("deep/er/two.png", "deep/one.jpeg", "e [1].bmp"),
    ]
    assert paths(find("deep", "b.png", recursive=True))[-1] == "b.png"


def test_hidden_folders_are_not_searched(folder):
    for name in (".cache/a.png", "deep/.cache/er/a.png"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(name, encoding="utf-8")
    assert paths(find("deep", recursive=True)) == ["deep/er/two.png", "deep/one.jpeg"]
    assert not any(".cache" in name for name in paths(find(".", recursive=True)))
    assert paths(find(".cache", recursive=True)) == [".cache/a.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_linked_folders_are_searched_once(folder):
    (folder / "linked").mkdir()
    (folder / "linked" / "deep").symlink_to(folder / "deep")
    (folder / "deep" / "up").symlink_to(folder / "deep")
    found = [Path(image.name).as_posix() for image in find("linked", recursive=True)]
    assert found == ["linked/deep/er/two.png", "linked/deep/one.jpeg"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("?.*", ["a.JPG", "b.png", "c.gif", "d.tiff"]),
        ("*/*.jpeg", ["deep/one.jpeg"]),
        ("**/*.png", ["b.png", "deep/er/two.png"]),
        ("d*", ["d.tiff", "deep/one.jpeg"]),
    ],
)
def test_a_pattern_that_no_shell_has_expanded_is_expanded(pattern, names):
    assert paths(find(pattern)) == names


def test_an_absolute_pattern_is_expanded(folder):
    (image,) = find(str(folder / "b.*"))
    assert image.name == str(folder / "b.png")


def test_a_file_whose_name_looks_like_a_pattern_is_itself():
    assert paths(find("e [1].bmp")) == ["e [1].bmp"]


def test_a_folder_without_images_is_reported():
    (image,) = find("bare")
    assert image.content == b""
    assert image.error == (
        "folder without images (of .png, .apng, .jpg, .jpeg, .jfif, .bmp, .gif, .webp, .tif, "
        ".tiff, .avif); "
        "--recursive also searches subfolders"
    )
    (image,) = find("bare", recursive=True)
    assert image.error.endswith(".avif)")


@pytest.mark.parametrize("name", ["missing.png", "*.webp", "b.png/c.png", "a\0b.png", "x" * 5000])
def test_what_cannot_be_opened_is_reported_and_the_rest_is_found(name):
    first, bad, last = find("b.png", name, "c.gif")
    assert (first.name, last.name) == ("b.png", "c.gif")
    assert bad.name == name
    assert bad.error.startswith("cannot be opened: ")
    assert "\n" not in bad.error


@pytest.mark.parametrize(
    "name", ["https://example.org/a.png?x=[1]", "s3://bucket/a.png", f"data:image/png;{5000 * 'a'}"]
)
def test_a_url_is_reported_as_not_fetched(name):
    first, bad = find("b.png", name)
    assert (first.error, bad.name, bad.content) == (None, name, b"")
    assert bad.error.startswith("cannot be opened: URLs are not supported")
    assert "download the image first" in bad.error


@pytest.mark.skipif(sys.platform == "win32", reason="no name has a colon there")
def test_a_file_that_looks_like_a_url_is_itself(folder):
    (folder / "http:").mkdir()
    (folder / "http:" / "a.png").write_text("http:/a.png", encoding="utf-8")
    assert paths(find("http:/a.png")) == ["http:/a.png"]


def test_a_file_of_a_folder_that_cannot_be_opened_does_not_hide_the_others(monkeypatch):
    honest = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "b.png":
            raise PermissionError(13, "Permission denied")
        return honest(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    errors = {image.name: image.error for image in find(".")}
    assert errors.pop("b.png") == "cannot be opened: Permission denied"
    assert len(errors) == 4
    assert set(errors.values()) == {None}


def test_standard_input_lists_names_of_every_kind(type_in):
    type_in(b"c.gif\r\n\ndeep\n*.png\ne [1].bmp")
    assert paths(find("a.JPG", "-", "d.tiff")) == [
        *("a.JPG", "c.gif", "deep/one.jpeg", "b.png", "e [1].bmp", "d.tiff"),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode elsewhere")
def test_a_listed_name_need_not_be_utf_8(type_in, folder):
    (folder / os.fsdecode(b"\xff.png")).write_bytes(b"odd")
    type_in(b"\xff.png\n")
    (image,) = find("-")
    assert (image.content, os.fsencode(image.name)) == (b"odd", b"\xff.png")


def test_a_list_is_read_lazily(monkeypatch):
    def lines() -> Iterator[bytes]:
        yield b"b.png\n"
        yield b"c.gif\n"
        raise AssertionError("read too far")

    class Stdin:
        buffer = lines()

    monkeypatch.setattr(sys, "stdin", Stdin)
    images = named_images(["-"], recursive=False, stdin_image=False)
    assert [next(images).name, next(images).name] == ["b.png", "c.gif"]


def test_standard_input_may_be_an_image(type_in):
    type_in(b"\x89PNG\r\n")
    assert find("b.png", "-", stdin_image=True)[1] == NamedImage("-", b"\x89PNG\r\n")

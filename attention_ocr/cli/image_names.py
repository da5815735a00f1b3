"""From the names on a command line to images: files, folders, patterns, standard input."""

import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from attention_ocr.cli.result_formats import on_one_line
from attention_ocr.images.formats import IMAGE_SUFFIXES
from attention_ocr.io.urls import url_of

STDIN = "-"
NOT_FETCHED = (
    "it is a URL, and nothing is fetched, neither from https:// nor from s3://: download the image "
    "first and name its path, or pass its content by --stdin_image where the command has it"
)
_MAX_SKIPPED_SHOWN = 5


@dataclass(frozen=True)
class NamedImage:
    """An image file, or why there is none.

    Attributes:
        name: for people: a path as it was given, or `-`.
        content: the bytes of the file; none where it cannot be opened.
        error: why it cannot be opened; none if it can.
    """

    name: str
    content: bytes = b""
    error: str | None = None


Skipped = Callable[[str, str], None]
"""Called with a folder and what of it is left out."""


def tell_skipped_of(command: str) -> Skipped:
    """Return what tells on standard error what a command leaves out."""

    def tell(folder: str, what: str) -> None:
        print(on_one_line(f"attention-ocr {command}: {folder}: {what}"), file=sys.stderr)

    return tell


def named_images(
    names: Iterable[str],
    recursive: bool,
    stdin_image: bool,
    tell_skipped: Skipped | None = None,
    is_done: Callable[[str], bool] = lambda _: False,
) -> Iterator[NamedImage]:
    """Open the images that names on a command line stand for, in the order of the names.

    Args:
        names: each an image file, a folder, a pattern such as `words/*.png`, or `-`.
        recursive: whether folders are searched below their first level.
        stdin_image: whether `-` is the content of one image; else it is a list of names, one a
            line, which is read as far as its images are asked for.
        tell_skipped: is told of the files and folders of each folder that are left out.
        is_done: is asked of each name in turn; those that are done are neither opened nor returned.
    """
    for entry in _listed(names, recursive, stdin_image, tell_skipped):
        if is_done(entry if isinstance(entry, str) else entry.name):
            continue
        if isinstance(entry, NamedImage):
            yield entry
        else:
            yield _open(entry)


def count_images(names: Iterable[str], recursive: bool) -> int | None:
    """Return how many images names stand for, without opening one; none where a list will come."""
    names = list(names)
    if STDIN in names:
        return None
    return sum(1 for _ in _listed(names, recursive, stdin_image=False))


def _listed(
    names: Iterable[str],
    recursive: bool,
    stdin_image: bool,
    tell_skipped: Skipped | None = None,
) -> Iterator[str | NamedImage]:
    """Return the path of each image, or what is wrong where there is none."""
    for name in names:
        if name != STDIN:
            yield from _list_all(name, recursive, tell_skipped)
        elif stdin_image:
            yield NamedImage(STDIN, sys.stdin.buffer.read())
        else:
            for line in sys.stdin.buffer:
                # File names are bytes on some systems and need not be UTF-8.
                listed = os.fsdecode(line.rstrip(b"\r\n"))
                if listed:
                    yield from _list_all(listed, recursive, tell_skipped)


def _list_all(
    name: str, recursive: bool, tell_skipped: Skipped | None
) -> Iterator[str | NamedImage]:
    # A name that exists is no pattern, whatever brackets it holds.
    matches = [] if os.path.lexists(name) else sorted(_match(name))
    for match in matches or [name]:
        try:
            listing = _list_folder(Path(match), recursive) if Path(match).is_dir() else None
        except OSError as error:
            yield _not_opened(match, error)
            continue
        if listing is None:
            yield match
            continue
        if tell_skipped is not None:
            for what in listing.left_out():
                tell_skipped(match, what)
        if listing.images:
            yield from listing.images
        else:
            hint = "" if recursive else "; --recursive looks into its folders too"
            looked_for = ", ".join(IMAGE_SUFFIXES)
            yield NamedImage(match, error=f"folder without images (of {looked_for}){hint}")


def _match(pattern: str) -> list[str]:
    # `Path.glob` takes no absolute pattern.
    return glob.glob(pattern, recursive=True)  # noqa: PTH207


def _open(path: str) -> NamedImage:
    try:
        return NamedImage(path, Path(path).read_bytes())
    except OSError as error:
        return _not_opened(path, error)
    except ValueError as error:
        # A zero byte in the name.
        return NamedImage(path, error=f"cannot be opened: {error}")


def _not_opened(path: str, error: OSError) -> NamedImage:
    reason = error.strerror if url_of(path) is None else NOT_FETCHED
    return NamedImage(path, error=f"cannot be opened: {reason}")


@dataclass(frozen=True)
class _Listing:
    """What is in a folder.

    Attributes:
        images: paths of what is named as an image.
        others: names of the other files.
        folders: names of its folders that are not searched.
    """

    images: list[str]
    others: list[str]
    folders: list[str]

    def left_out(self) -> Iterator[str]:
        if self.others:
            yield f"skipped {_some(self.others, 'file')}: not named as an image"
        if self.folders:
            yield f"skipped {_some(self.folders, 'folder')}: --recursive looks into folders too"


def _some(names: list[str], kind: str) -> str:
    shown = ", ".join(names[:_MAX_SKIPPED_SHOWN])
    more = ", …" if len(names) > _MAX_SKIPPED_SHOWN else ""
    return f"{len(names)} {kind}{'s' * (len(names) > 1)} ({shown}{more})"


def _list_folder(folder: Path, recursive: bool) -> _Listing:
    listing = _Listing([], [], [])
    for path in sorted(folder.rglob("*") if recursive else folder.iterdir()):
        if path.name.startswith("."):
            # Left out as a shell's `*` does; among them are macOS's `._word.png`, no images.
            continue
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            if not recursive:
                listing.folders.append(f"{name}/")
        elif path.suffix.lower() not in IMAGE_SUFFIXES:
            listing.others.append(name)
        elif path.is_file():
            listing.images.append(str(path))
    return listing

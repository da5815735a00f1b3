"""Find the images named on a command line: files, folders, patterns, standard input."""

import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from attention_ocr.cli.result_formats import on_one_line
from attention_ocr.images.formats import IMAGE_SUFFIXES
from attention_ocr.io.folder_walk import files_below
from attention_ocr.io.urls import url_of

STDIN = "-"
NOT_FETCHED = (
    "URLs are not supported, neither https:// nor s3://: download the image first and pass its "
    "path, or pipe its content in with --stdin_image if the command has it"
)
_MAX_SKIPPED_SHOWN = 5


@dataclass(frozen=True)
class NamedImage:
    """An image file, or the reason it cannot be opened.

    Attributes:
        name: Display name: the path as given, or `-`.
        content: Content of the file; empty if it cannot be opened.
        error: Why it cannot be opened; `None` if it can.
    """

    name: str
    content: bytes = b""
    error: str | None = None


Skipped = Callable[[str, str], None]
"""Called with a folder and a description of what is skipped in it."""


def tell_skipped_of(command: str) -> Skipped:
    """Return a function that reports skipped files on standard error."""

    def tell(folder: str, skipped: str) -> None:
        print(on_one_line(f"attention-ocr {command}: {folder}: {skipped}"), file=sys.stderr)

    return tell


def named_images(
    names: Iterable[str],
    recursive: bool,
    stdin_image: bool,
    tell_skipped: Skipped | None = None,
    is_done: Callable[[str], bool] = lambda _: False,
) -> Iterator[NamedImage]:
    """Open the images named on a command line, in the order of the names.

    Args:
        names: Image files, folders, patterns such as `words/*.png`, or `-`.
        recursive: Whether subfolders are searched.
        stdin_image: Whether `-` is the content of one image; otherwise it is a list of names, one
            per line, read lazily.
        tell_skipped: Called for the skipped files and folders of each folder.
        is_done: Called with each name; images that are done are neither opened nor returned.
    """
    for entry in listed_files(names, recursive, stdin_image, tell_skipped):
        if is_done(entry if isinstance(entry, str) else entry.name):
            continue
        if isinstance(entry, NamedImage):
            yield entry
        else:
            yield _open(entry)


def count_images(
    names: Iterable[str], recursive: bool, suffixes: Sequence[str] = IMAGE_SUFFIXES
) -> int | None:
    """Count the named images without opening them; `None` if a list comes on standard input."""
    names = list(names)
    if STDIN in names:
        return None
    return sum(1 for _ in listed_files(names, recursive, False, suffixes=suffixes))


def list_images(
    names: Iterable[str], recursive: bool, suffixes: Sequence[str] = IMAGE_SUFFIXES
) -> Iterator[str]:
    """Yield the path of each named image; one that does not exist is included."""
    for entry in listed_files(names, recursive, stdin_image=False, suffixes=suffixes):
        yield entry if isinstance(entry, str) else entry.name


def listed_files(
    names: Iterable[str],
    recursive: bool,
    stdin_image: bool,
    tell_skipped: Skipped | None = None,
    suffixes: Sequence[str] = IMAGE_SUFFIXES,
) -> Iterator[str | NamedImage]:
    """Yield the path of each named file, or a `NamedImage` with content or error.

    Args:
        names: See `named_images`.
        recursive: See `named_images`.
        stdin_image: See `named_images`.
        tell_skipped: See `named_images`.
        suffixes: Suffixes of the files to take from folders.
    """
    for name in names:
        if name != STDIN:
            yield from _list_all(name, recursive, tell_skipped, suffixes)
        elif stdin_image:
            yield NamedImage(STDIN, sys.stdin.buffer.read())
        else:
            for line in sys.stdin.buffer:
                # File names are bytes on some systems and need not be UTF-8.
                listed = os.fsdecode(line.rstrip(b"\r\n"))
                if listed:
                    yield from _list_all(listed, recursive, tell_skipped, suffixes)


def _list_all(
    name: str, recursive: bool, tell_skipped: Skipped | None, suffixes: Sequence[str]
) -> Iterator[str | NamedImage]:
    # A name that exists is not a pattern, even if it contains brackets.
    matches = [] if os.path.lexists(name) else sorted(_match(name))
    for match in matches or [name]:
        try:
            is_folder = Path(match).is_dir()
            listing = _list_folder(Path(match), recursive, suffixes) if is_folder else None
        except OSError as error:
            yield _not_opened(match, error)
            continue
        if listing is None:
            yield match
            continue
        if tell_skipped is not None:
            for skipped in listing.skipped():
                tell_skipped(match, skipped)
        if listing.images:
            yield from listing.images
        else:
            hint = "" if recursive else "; --recursive also searches subfolders"
            kinds = ", ".join(suffixes)
            yield NamedImage(match, error=f"folder without images (of {kinds}){hint}")


def _match(pattern: str) -> list[str]:
    # `Path.glob` does not support absolute patterns.
    return glob.glob(pattern, recursive=True)  # noqa: PTH207


def _open(path: str) -> NamedImage:
    try:
        return NamedImage(path, Path(path).read_bytes())
    except OSError as error:
        return _not_opened(path, error)
    except ValueError as error:
        # A NUL byte in the name.
        return NamedImage(path, error=f"cannot be opened: {error}")


def _not_opened(path: str, error: OSError) -> NamedImage:
    return NamedImage(path, error=why_not_opened(path, error))


def why_not_opened(path: str, error: OSError) -> str:
    """Return the error of a file that cannot be opened."""
    reason = error.strerror if url_of(path) is None else NOT_FETCHED
    return f"cannot be opened: {reason}"


@dataclass(frozen=True)
class _Listing:
    """Contents of a folder.

    Attributes:
        images: Paths of files with an image suffix.
        others: Names of other files.
        folders: Names of subfolders that are not searched.
    """

    images: list[str]
    others: list[str]
    folders: list[str]

    def skipped(self) -> Iterator[str]:
        if self.others:
            yield f"skipped {_some(self.others, 'file')}: no image suffix"
        if self.folders:
            yield f"skipped {_some(self.folders, 'folder')}: --recursive also searches subfolders"


def _some(names: list[str], kind: str) -> str:
    shown = ", ".join(names[:_MAX_SKIPPED_SHOWN])
    more = ", …" if len(names) > _MAX_SKIPPED_SHOWN else ""
    return f"{len(names)} {kind}{'s' * (len(names) > 1)} ({shown}{more})"


def _list_folder(folder: Path, recursive: bool, suffixes: Sequence[str]) -> _Listing:
    listing = _Listing([], [], [])
    # Hidden files are left out, as by a shell's `*`; macOS's `._word.png` files are not images.
    if recursive:
        paths = [folder / name for name in files_below(folder, hidden=False)]
    else:
        paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
    for path in sorted(paths):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            listing.folders.append(f"{name}/")
        elif path.suffix.lower() not in suffixes:
            listing.others.append(name)
        elif path.is_file():
            listing.images.append(str(path))
    return listing

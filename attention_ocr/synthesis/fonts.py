"""Fonts of the machine and of installed font packages, as a sorted list of usable faces."""

import glob
import logging as logging_of_python
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import numpy as np
from absl import logging
from tqdm import tqdm

from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typeface_cache import (
    cache_file,
    describe,
    load_cache,
    recall,
    save_cache,
)
from attention_ocr.synthesis.typefaces import inspect_file, letter_shapes
from attention_ocr.synthesis.typesetting import open_font

_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
# Entry points of font packages; where both exist, the first includes the second.
_ENTRY_POINT_GROUPS = ("fonts_ttf", "fonts_otf")
_PLAIN_FACES = ("Roboto-Regular", "Caladea-Regular", "SourceSerifPro-Regular")


def find_faces(fonts: str = "all") -> tuple[Face, ...]:
    """Find the usable faces.

    Args:
        fonts: `all` (of the machine and of installed font packages), `bundled` (of font packages
            only), a folder, a file, or a pattern of files.

    Returns:
        The faces, by family, style and file name, so that one set of files gives one order.

    Raises:
        FileNotFoundError: If there is no font file.
        ValueError: If no face of the files is usable.
    """
    files = list_font_files(fonts)
    if not files:
        raise FileNotFoundError(_explain("font files", fonts))
    faces = [face for file_faces in _scan(files) for face in file_faces]
    if not faces:
        raise ValueError(_explain("usable fonts", fonts))
    return tuple(
        sorted(
            faces,
            key=lambda face: (
                face.family,
                face.style,
                Path(face.path).name,
                face.path,
                face.index,
                face.axes,
            ),
        )
    )


def list_font_files(fonts: str = "all") -> list[Path]:
    """List font files, usable or not.

    Args:
        fonts: As in `find_faces`.

    Returns:
        The files, sorted.
    """
    if fonts == "bundled":
        return bundled_files()
    if fonts == "all":
        return sorted({*bundled_files(), *_walk(machine_folders())})
    path = Path(fonts).expanduser()
    if path.is_dir():
        return sorted(_walk([path]))
    if path.is_file():
        return [path]
    # `Path.glob` refuses absolute patterns.
    found = (Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207
    return sorted(file for file in found if file.suffix.lower() in _SUFFIXES and file.is_file())


def bundled_files() -> list[Path]:
    """List the files of installed font packages, those that declare a `fonts_ttf` entry point."""
    files: dict[tuple[str, str], Path] = {}
    for group in _ENTRY_POINT_GROUPS:
        for entry_point in metadata.entry_points(group=group):
            package = entry_point.dist
            for file in (package.files or []) if package else []:
                if package and file.suffix.lower() in _SUFFIXES:
                    path = Path(str(package.locate_file(file)))
                    files.setdefault((package.name, path.stem), path)
    return sorted(path for path in files.values() if path.is_file())


def machine_folders() -> list[Path]:
    """List the font folders of the system, whether they exist or not."""
    home = Path.home()
    if sys.platform == "win32":
        windows = Path(os.environ.get("WINDIR", r"C:\Windows"))
        local = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        return [windows / "Fonts", local / "Microsoft" / "Windows" / "Fonts"]
    if sys.platform == "darwin":
        roots = (Path("/System/Library"), Path("/Library"), home / "Library")
        return [root / "Fonts" for root in roots]
    data_home = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    data_dirs = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    shared = [Path(folder) / "fonts" for folder in data_dirs.split(":") if folder]
    return [data_home / "fonts", home / ".fonts", *shared]


def _walk(folders: Iterable[Path]) -> set[Path]:
    return {
        Path(parent) / name
        for folder in folders
        for parent, _, names in os.walk(folder)
        for name in names
        if Path(name).suffix.lower() in _SUFFIXES
    }


def _scan(files: list[Path]) -> list[tuple[Face, ...]]:
    """Return the faces of each file, from the cache where the file is unchanged."""
    file = cache_file()
    entries = load_cache(file)
    found: list[tuple[Face, ...]] = []
    unknown: list[tuple[Path, os.stat_result]] = []
    for path in files:
        try:
            status = path.stat()
        except OSError as error:
            logging.warning("Left out the font %s: %s", path, error)
            continue
        faces = recall(entries.get(str(path)), status)
        if faces is None:
            unknown.append((path, status))
        else:
            found.append(faces)
    if unknown:
        logging.info("Looking through %d font files; the result is kept in %s", len(unknown), file)
        references = _plain_letter_shapes()
        try:
            with _quiet_font_tools():
                # A progress bar on terminals: thousands of files take a minute.
                for path, status in tqdm(unknown, desc="fonts", leave=False, disable=None):
                    faces = inspect_file(path, references)
                    entries[str(path)] = describe(status, faces)
                    found.append(faces)
        finally:
            known = {path: entry for path, entry in entries.items() if Path(path).exists()}
            save_cache(file, known)
    return found


@contextmanager
def _quiet_font_tools() -> Iterator[None]:
    """Suppress fontTools' warnings about slightly wrong tables that are not used here."""
    logger = logging_of_python.getLogger("fontTools")
    level = logger.level
    logger.setLevel(logging_of_python.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _plain_letter_shapes() -> np.ndarray | None:
    shapes = [
        letter_shapes(open_font(Face(str(file)), 32))
        for file in bundled_files()
        if file.stem in _PLAIN_FACES
    ]
    return np.stack(shapes) if shapes else None


def _explain(noun: str, fonts: str) -> str:
    where = {
        "bundled": "no installed font package (pip install font-roboto brings one)",
        "all": "no installed font package (pip install font-roboto brings one) and none below "
        + ", ".join(map(str, machine_folders())),
    }.get(fonts, "none there")
    return f"Expected {noun} to render text with. Received: fonts={fonts}, {where}"

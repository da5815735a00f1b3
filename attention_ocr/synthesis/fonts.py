"""Fonts of the machine and of installed font packages, as a sorted list of usable faces."""

import logging as logging_of_python
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from absl import logging

from attention_ocr.io.progress import with_progress
from attention_ocr.synthesis import font_files
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
    files = font_files.list_font_files(fonts)
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
                for path, status in with_progress(unknown, "fonts", len(unknown), "file"):
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
        for file in font_files.bundled_files()
        if file.stem in _PLAIN_FACES
    ]
    return np.stack(shapes) if shapes else None


def _explain(noun: str, fonts: str) -> str:
    where = {
        "bundled": "no installed font package (pip install font-roboto brings one)",
        "all": "no installed font package (pip install font-roboto brings one) and none below "
        + ", ".join(map(str, font_files.machine_folders())),
    }.get(fonts, "none there")
    return f"Expected {noun} to render text with. Received: fonts={fonts}, {where}"

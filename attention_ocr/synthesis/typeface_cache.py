"""On-disk cache of font scans: a scan takes some 20 ms a file."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from absl import logging

from attention_ocr.synthesis.typeface import Face

# Part of the file's name: raise it when `inspect_file` changes its criteria.
_VERSION = 9


def cache_file() -> Path:
    """Return the path of the cache: in `ATTENTION_OCR_CACHE` if set, else in the user's cache."""
    folder = os.environ.get("ATTENTION_OCR_CACHE")
    if folder:
        return Path(folder) / f"faces-{_VERSION}.json"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "attention_ocr" / f"faces-{_VERSION}.json"


def load_cache(file: Path) -> dict[str, dict[str, Any]]:
    """Read the cache.

    Args:
        file: File of the cache.

    Returns:
        Results of `describe` by path of a font file; empty when there is no readable cache, which
        only costs another scan.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        logging.warning("Ignored the font cache %s: %s", file, error)
        return {}
    return content if isinstance(content, dict) else {}


def save_cache(file: Path, entries: Mapping[str, dict[str, Any]]) -> None:
    """Write the cache, whole or not at all; an unwritable folder is not an error.

    Args:
        file: File of the cache.
        entries: Results of `describe` by path of a font file.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    except OSError as error:
        logging.info("The next start scans the fonts again, %s cannot be written: %s", file, error)
        return
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(entries, stream, separators=(",", ":"))
        os.replace(draft, file)
    except OSError as error:
        Path(draft).unlink(missing_ok=True)
        logging.info("The next start scans the fonts again, %s cannot be written: %s", file, error)


def describe(status: os.stat_result, faces: tuple[Face, ...]) -> dict[str, Any]:
    """Describe a font file for the cache.

    Args:
        status: Size and time of the file.
        faces: Usable faces of the file.

    Returns:
        A JSON-serialisable value.
    """
    return {
        "mtime_ns": status.st_mtime_ns,
        "size": status.st_size,
        "faces": [asdict(face) for face in faces],
    }


def recall(entry: object, status: os.stat_result) -> tuple[Face, ...] | None:
    """Read the faces of a file from its entry in the cache.

    Args:
        entry: Entry of the file's path.
        status: Size and time of the file now.

    Returns:
        Its faces, or `None` when the entry is outdated or damaged.
    """
    if not isinstance(entry, dict):
        return None
    if (entry.get("mtime_ns"), entry.get("size")) != (status.st_mtime_ns, status.st_size):
        return None
    try:
        return tuple(
            Face(**{**face, "axes": tuple(face["axes"]), "ranges": tuple(face["ranges"])})
            for face in entry["faces"]
        )
    except (KeyError, TypeError):
        return None

"""Locate a model: a work directory, an export, or a file. Nothing is loaded."""

import functools
import os
from pathlib import Path

from absl import logging

from attention_ocr.io.urls import url_of
from attention_ocr.settings.formats import FILES

WEIGHTS_FILE = "weights.npz"
NETWORK_FILE = "network.json"
LANGUAGE_MODEL_FILE = "language_model.npz"
SAVED_MODEL_FILE = "saved_model.pb"
BUNDLED_WEIGHTS = Path(__file__).parents[1] / "weights" / "default"
DEFAULT_MODEL = "default"
"""The name of the bundled model of words and codes, wherever a model is named."""
BUNDLED_LINES = Path(__file__).parents[1] / "weights" / "lines"
LINES_MODEL = "lines"
"""The name of the bundled model of lines."""

MODEL_FILES = (WEIGHTS_FILE, SAVED_MODEL_FILE, *FILES.values())
"""A directory is a model if it holds one of these."""

SUFFIX_OF = {"litert": ".tflite", "onnx": ".onnx"}
"""The suffix of a model in one file, by its engine."""


def find_model(path: str | os.PathLike[str] | None = None) -> Path:
    """Return a model: a directory that holds one of `MODEL_FILES`, or a `.tflite` or `.onnx` file.

    Args:
        path: A work directory, an export (its newest version is used), a version of one, or a file;
            `default` or None for the bundled model (name a folder `default` by its absolute path);
            `lines` for the bundled model of lines, unless a folder of that name holds a model,
            which a warning says.

    Raises:
        FileNotFoundError: If there is no model.
    """
    if is_default(path):
        if not (BUNDLED_WEIGHTS / WEIGHTS_FILE).is_file():
            raise FileNotFoundError(
                "No bundled model found in this release: name a work directory or an export."
            )
        return BUNDLED_WEIGHTS
    if is_bundled(path):
        return BUNDLED_LINES
    place = Path(path or "")
    if place.is_file() and place.suffix in SUFFIX_OF.values():
        return place
    if not place.is_dir():
        raise FileNotFoundError(why_no_model(place))
    if _holds_model(place):
        return place
    versions = _versions(place)
    if not versions:
        raise FileNotFoundError(
            f"No model found: {place} has no {WEIGHTS_FILE}, {SAVED_MODEL_FILE} or version."
        )
    return max(versions, key=lambda entry: int(entry.name))


def is_default(path: str | os.PathLike[str] | None) -> bool:
    """Return whether a path, or None, names the bundled model of words."""
    return path is None or os.fspath(path) == DEFAULT_MODEL


def is_bundled(path: str | os.PathLike[str] | None) -> bool:
    """Return whether a path, or None, names a model of the package."""
    if path is None or is_default(path):
        return True
    if os.fspath(path) != LINES_MODEL or lines_model() is None:
        return False
    if not _is_model_directory(Path(path)):
        return True
    _tell_which_lines(Path(path).absolute())
    return False


def lines_model() -> Path | None:
    """Return the bundled model of lines; None in releases without it."""
    return BUNDLED_LINES if (BUNDLED_LINES / WEIGHTS_FILE).is_file() else None


def why_no_model(place: str | os.PathLike[str]) -> str:
    """Return the error message for a model that is not found at a path."""
    url = url_of(place)
    if url is None:
        return f"No model found: {os.fspath(place)} is not a directory."
    return (
        f"{url} is a URL, and models are not fetched, neither from https:// nor from s3://: "
        "download the directory of the model, with all its files, and name its path."
    )


@functools.cache
def _tell_which_lines(folder: Path) -> None:
    logging.warning(
        "`%s` is the model in %s, not the bundled one; rename the folder to use that.",
        LINES_MODEL,
        folder,
    )


def _is_model_directory(place: Path) -> bool:
    return place.is_dir() and (_holds_model(place) or bool(_versions(place)))


def _versions(directory: Path) -> list[Path]:
    return [
        entry for entry in directory.iterdir() if entry.name.isdecimal() and _holds_model(entry)
    ]


def _holds_model(directory: Path) -> bool:
    return any((directory / name).is_file() for name in MODEL_FILES)

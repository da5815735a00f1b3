"""Write a recogniser into a versioned directory in several formats, each checked first."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from absl import logging

from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.sources import Walk, open_source
from attention_ocr.evaluation.evaluate import make_recognize
from attention_ocr.exporting.check import CHECK_FILE, ExportDiffersError
from attention_ocr.exporting.formats import export_format
from attention_ocr.exporting.warmup import write_warmup
from attention_ocr.inference.engines.signature_names import SERVING_SIGNATURE
from attention_ocr.inference.network_file import copy_network
from attention_ocr.inference.work_directory import Model, TrainedModel, to_trained_model
from attention_ocr.io.atomic_write import sync_folder, sync_tree
from attention_ocr.io.processes import is_running
from attention_ocr.io.progress import phase, progress_bar
from attention_ocr.settings.config import Config
from attention_ocr.settings.formats import SAVED_MODEL, parse_formats
from attention_ocr.settings.formats import check_format as check_settings

_UNFINISHED = ".unfinished-"
_LIFETIME_S = 24 * 3600.0
"""Age above which an unfinished export is abandoned."""


def export(
    model: Model,
    export_dir: str | os.PathLike[str],
    *,
    formats: Sequence[str] = (SAVED_MODEL,),
    version: int | None = None,
    check_data: str = "",
    num_check_images: int = 64,
    decoding: Mapping[str, Any] | None = None,
    second_looks: Mapping[str, Any] | None = None,
) -> Path:
    """Export a model to `export_dir/version`, in one format or several.

    The directory appears under its version only after fresh processes have loaded each format and
    read the same texts as the model in memory; an earlier failure leaves `export_dir` unchanged.

    Args:
        model: A work directory; `default` or `lines`, a bundled model; or a model in memory that
            computes in float32.
        export_dir: Base directory of the versions, TF Serving's model base path.
        formats: Some of `settings.formats.FORMATS`, such as `saved_model`, `litert_int8` and
            `onnx`; `saved_model` is the directory itself, the others are files in it.
        version: Version number; by default the one after the highest.
        check_data: Source of the images of the check; by default the validation data of the
            training, or its training data.
        num_check_images: Number of images of the check, at least 1.
        decoding: Decoding settings by name that override those of the model.
        second_looks: Likewise, of second looks.

    Returns:
        The directory of the version.

    Raises:
        FileNotFoundError: If there is no trained model, or no data for the check.
        ValueError: If the model is damaged, the version exists, or a format cannot hold the
            settings.
        ExportDiffersError: If the export and the model in memory read differently; the message
            names an image.
        ImportError: If a format needs a package that is not installed.
        OSError: If the disk is full or cannot be written.

    Example:
        attention_ocr.export("runs/mine", "served", formats=["saved_model", "onnx"])
    """
    _check_version(version)
    trained = _with_settings(to_trained_model(model), decoding or {}, second_looks or {})
    formats = _parse_and_check(formats, trained.config)
    target = _new_version(Path(export_dir), version)
    temporary = _temporary_folder(target.parent)
    try:
        directory = temporary / "model"
        with tempfile.TemporaryDirectory() as check_dir:
            _write_check(trained, check_data, num_check_images, Path(check_dir))
            _write_formats(formats, trained, directory, Path(check_dir))
        if not isinstance(model, TrainedModel):
            copy_network(Path(model), directory)
        _publish(directory, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _check_version(version: int | None) -> None:
    if version is not None and version < 1:
        raise ValueError(f"`version` must be above 0. Received: {version}")


def _publish(directory: Path, target: Path) -> None:
    """Give a finished directory its version number, on disk for good."""
    sync_tree(directory)
    os.replace(directory, target)
    sync_folder(target.parent)


def _parse_and_check(formats: Sequence[str], config: Config) -> tuple[str, ...]:
    parsed = parse_formats(",".join(formats))
    for format_name in parsed:
        check_settings(format_name, config)
        export_format(format_name).check_packages()
    return parsed


def _temporary_folder(export_dir: Path) -> Path:
    """Create a folder that TF Serving ignores, named after the process that writes it.

    Those of killed processes are removed.
    """
    _clear_left_overs(export_dir)
    owner = f"{socket.gethostname()}.{os.getpid()}."
    return Path(tempfile.mkdtemp(prefix=_UNFINISHED + owner, dir=export_dir))


def _with_settings(
    model: TrainedModel, decoding: Mapping[str, Any], second_looks: Mapping[str, Any]
) -> TrainedModel:
    config = model.config.with_decoding(decoding).with_second_looks(second_looks)
    return model._replace(config=config)


def _write_formats(
    formats: Sequence[str], model: TrainedModel, directory: Path, check_dir: Path
) -> None:
    """Write each format and check it in a fresh process."""
    with progress_bar("exporting", 2 * len(formats), "step", delay_s=0.0) as bar:
        for format_name in formats:
            with phase(bar, f"writing {format_name}"):
                write_format(format_name, model, directory, check_dir)
            with phase(bar, f"checking {format_name}"):
                _check_in_fresh_process(format_name, directory, check_dir)
    if SAVED_MODEL in formats:
        write_warmup(directory, check_dir, SERVING_SIGNATURE)


def _new_version(export_dir: Path, version: int | None) -> Path:
    """Return the directory of a new version, which is not created; create `export_dir`."""
    export_dir.mkdir(parents=True, exist_ok=True)
    target = export_dir / str(_next_version(export_dir) if version is None else version)
    if target.exists():
        raise ValueError(f"Expected a new version. Received: {target}, which exists")
    return target


def _clear_left_overs(export_dir: Path) -> None:
    """Remove unfinished directories of killed exports, but none that is being written."""
    for path in export_dir.glob(f"{_UNFINISHED}*"):
        host, _, process = path.name.removeprefix(_UNFINISHED).rpartition(".")[0].rpartition(".")
        if process.isdecimal():
            elsewhere = host != socket.gethostname()
            recent = time.time() - path.stat().st_mtime < _LIFETIME_S
            if recent and (elsewhere or is_running(int(process))):
                continue
        shutil.rmtree(path, ignore_errors=True)
        logging.info("removed %s, left by a killed export", path)


def write_format(
    format_name: str, model: TrainedModel, directory: Path, representative: Path | None = None
) -> None:
    """Write one format of a model into the directory of a version, unchecked.

    Args:
        format_name: One of `settings.formats.FORMATS`.
        model: Model that computes in float32.
        directory: Created if missing; receives settings and characters as well.
        representative: Directory of images `*.png` for formats that need calibration.

    Raises:
        ValueError: If the format cannot hold a part of the model.
        ImportError: If a package is not installed.
        OSError: If the disk is full or cannot be written.
    """
    # A SavedModel creates its own directory, with settings and characters.
    if format_name != SAVED_MODEL:
        directory.mkdir(exist_ok=True)
        model.config.save(directory)
        model.charset.save(directory)
    images = sorted(representative.glob("*.png")) if representative else []
    export_format(format_name).write(model, directory, images)


def _next_version(export_dir: Path) -> int:
    versions = [int(path.name) for path in export_dir.iterdir() if path.name.isdecimal()]
    return max(versions, default=0) + 1


def _write_check(model: TrainedModel, check_data: str, num_images: int, directory: Path) -> None:
    """Write images and the readings of the model in memory."""
    data = model.config.data
    source = open_source(check_data or data.eval_data or data.train_data)
    recognize = make_recognize(model.recognizer, model.config, model.charset)
    readings = []
    batch_size = data.eval_batch_size
    for batch in evaluation_batches(source, model.config).take(-(-num_images // batch_size)):
        recognition = recognize(batch["images"], batch["image_sizes"])
        rows = zip(
            recognition.text.numpy(),
            recognition.confidence.numpy(),
            batch["readable"].numpy(),
            batch["text"].numpy(),
            strict=True,
        )
        for text, confidence, readable, label in rows:
            readings.append(
                {
                    "text": text.decode("utf-8") if readable else "",
                    "confidence": float(confidence) if readable else 0.0,
                    "label": model.charset.fold(label.decode("utf-8", errors="replace")),
                }
            )
    readings = readings[:num_images]
    for index, example in enumerate(source.examples(Walk()).take(len(readings))):
        encoded = tf.io.encode_png(example["image"]).numpy() if len(example["image"]) else b""
        (directory / f"{index:05d}.png").write_bytes(encoded)
    document = {"batch_size": batch_size, "readings": readings}
    (directory / CHECK_FILE).write_text(json.dumps(document), encoding="utf-8")


def _check_in_fresh_process(format_name: str, directory: Path, check_dir: Path) -> None:
    paths = [str(directory), str(check_dir)]
    command = [sys.executable, "-m", "attention_ocr.exporting.check", format_name, *paths]
    # The package and plugins may be importable here without being installed.
    search_path = [str(Path(__file__).parents[2]), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, search_path))}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines()
        reason = lines[-1] if lines else "no output"
        raise ExportDiffersError(f"The export was discarded. {format_name}: {reason}")

"""Serving models that were never exported, such as the one that comes with the package."""

import tempfile
from pathlib import Path

import numpy as np
from absl import logging

from attention_ocr.exporting.warmup import write_warmup
from attention_ocr.images.decode import encode_array
from attention_ocr.inference.engines.signature_names import SERVING_SIGNATURE
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.serving.interface import WARMUP_SIZES
from attention_ocr.serving.servable import Servable


def load_unexported(version: int, directory: Path) -> Servable:
    """Load the model of a work directory through a temporary export.

    Unlike an export by `attention-ocr export`, it is not checked against data.

    Args:
        version: Version number.
        directory: A work directory whose training has saved weights.

    Raises:
        FileNotFoundError: If a file of the model is missing.
        ValueError: If a file is damaged.
        OSError: If the disk is full.
    """
    # Imported late: servers of an export do not need the exporter.
    from attention_ocr.exporting.saved_model import save_recognizer

    logging.info("%s is not an export: exporting it for this server (up to a minute)", directory)
    with tempfile.TemporaryDirectory(prefix="attention_ocr_") as folder:
        images, saved_model = Path(folder, "images"), Path(folder, str(version))
        images.mkdir()
        save_recognizer(load_trained_model(directory), saved_model)
        for number, (height, width) in enumerate(WARMUP_SIZES):
            blank = np.full((height, width, 3), 255, np.uint8)
            (images / f"{number}.png").write_bytes(encode_array(blank))
        write_warmup(saved_model, images, SERVING_SIGNATURE)
        return Servable(version, saved_model)

"""Models that were never exported, as the one that comes with the package: made a servable here."""

import tempfile
from pathlib import Path

import numpy as np
from absl import logging

from attention_ocr.exporting.warmup import write_warmup
from attention_ocr.images.decode import encode_array
from attention_ocr.inference.engines.signature_names import SERVING_SIGNATURE
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.serving.servable import Servable

_WARMUP_SIZES = ((32, 64), (32, 160))


def load_unexported(version: int, directory: Path) -> Servable:
    """Load the model of a work directory by way of an export that is gone when this returns.

    It is not checked, as that of `export.py` is, which asks for data to check with.

    Args:
        version: Its number.
        directory: A work directory whose training has saved weights.

    Raises:
        FileNotFoundError: If a file of the model is not there; the message names it.
        ValueError: If a file is damaged; the message names it.
        OSError: If the disk is full.
    """
    # Who serves an export need not wait for what writes one.
    from attention_ocr.exporting.saved_model import save_recognizer

    logging.info("%s is no export: one is made for this server, in a minute or less", directory)
    with tempfile.TemporaryDirectory(prefix="attention_ocr_") as folder:
        images, saved_model = Path(folder, "images"), Path(folder, str(version))
        images.mkdir()
        save_recognizer(load_trained_model(directory), saved_model)
        for number, (height, width) in enumerate(_WARMUP_SIZES):
            blank = np.full((height, width, 3), 255, np.uint8)
            (images / f"{number}.png").write_bytes(encode_array(blank))
        write_warmup(saved_model, images, SERVING_SIGNATURE)
        return Servable(version, saved_model)

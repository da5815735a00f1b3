"""`attention_ocr.export`: the command `attention-ocr export` for Python."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attention_ocr.exporting.saved_model import export_model
from attention_ocr.inference.work_directory import Model
from attention_ocr.settings.formats import SAVED_MODEL, parse_formats


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
    read the same texts as the model in memory.

    Args:
        model: A work directory; `default`, the bundled model; or a model in memory.
        export_dir: Base directory of the versions.
        formats: Some of `settings.formats.EXPORT_FORMATS`, such as `saved_model`, `litert_int8` and
            `onnx`, in any order.
        version: Version number; by default the one after the highest.
        check_data: Source of the images of the check; by default the validation data of the
            training, or its training data.
        num_check_images: Number of images of the check.
        decoding: Decoding settings by name that override those of the model.
        second_looks: Second-look settings by name that override those of the model.

    Returns:
        The directory of the version.

    Raises:
        FileNotFoundError: If there is no model, or no data for the check.
        ValueError: If the model is damaged, the version exists, or a format cannot hold the
            settings, or its readings differ from those of the model in memory.
        ImportError: If a format needs a package that is not installed.
        OSError: If the disk is full or cannot be written.

    Example:
        attention_ocr.export("runs/mine", "served", formats=["saved_model", "onnx"])
    """
    return export_model(
        *(model, export_dir, version, check_data, num_check_images, decoding),
        *(parse_formats(",".join(formats)), second_looks),
    )

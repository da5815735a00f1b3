"""Export a model on disk: what the command does, for Python."""

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
        model: A work directory; `default`, the model of the package; or a model in memory.
        export_dir: The base directory of the versions.
        formats: Some of `settings.formats.EXPORT_FORMATS`, such as `saved_model`, `litert_int8` and
            `onnx`, in any order.
        version: Its number; the one after the highest by default.
        check_data: Source of the images of the check; the validation data of the training, or its
            training data, by default.
        num_check_images: Images of the check.
        decoding: Settings of decoding in place of those of the model, by name.
        second_looks: Settings of second looks in place of those of the model, by name.

    Returns:
        The directory of the version.

    Raises:
        FileNotFoundError: If there is no model, or no data for the check.
        ValueError: If the model is damaged, the version exists, or a format cannot hold what the
            settings ask for, or reads otherwise than the model in memory.
        ImportError: If a format needs a package that is not installed.
        OSError: If the disk is full or cannot be written.

    Example:
        attention_ocr.export("runs/mine", "served", formats=["saved_model", "onnx"])
    """
    return export_model(
        *(model, export_dir, version, check_data, num_check_images, decoding),
        *(parse_formats(",".join(formats)), second_looks),
    )

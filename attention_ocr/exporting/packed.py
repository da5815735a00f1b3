"""A model to distribute: small weights, and the same model for the fastest engine."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attention_ocr.exporting.litert import write_litert
from attention_ocr.inference.engines.metadata import digest_of_weights
from attention_ocr.inference.locate import is_bundled
from attention_ocr.inference.work_directory import find_model, load_trained_model, pack_model
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.io.progress import phase, progress_bar
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.settings.formats import FILES, check_format

PACKED_FORMAT = "litert_int8"


def pack(
    source: Path,
    target: Path,
    with_litert: bool = True,
    precision: str = "half",
    decoding: Mapping[str, Any] = MappingProxyType({}),
    second_looks: Mapping[str, Any] = MappingProxyType({}),
) -> list[Path]:
    """Write what inference needs of a model, see `work_directory.pack_model`.

    Args:
        source: A work directory.
        target: Created here; a model that it holds is replaced.
        with_litert: Whether to write a LiteRT file of the packed weights beside them,
            in `PACKED_FORMAT`; it records their digest, and is refused beside other weights.
        precision: Precision of the weights, one of `io.weight_quantization.PRECISIONS`.
        decoding: Decoding settings that override those of the model.
        second_looks: Second-look settings that override those of the model.

    Returns:
        The files with the weights.

    Raises:
        FileNotFoundError: If there is no model.
        ValueError: If the model is damaged, a weight has no value in that precision, or LiteRT
            cannot hold the settings.
        OSError: If a file cannot be written.
    """
    if is_bundled(source):
        source = find_model(source)
    if with_litert and (source / CONFIG_FILE).is_file():
        check_format(PACKED_FORMAT, Config.load(source).with_decoding(decoding))
    path = target / FILES[PACKED_FORMAT]
    # A file of older weights would be refused.
    path.unlink(missing_ok=True)
    paths = [pack_model(source, target, precision, decoding, second_looks)]
    if with_litert:
        model = load_trained_model(target)
        with (
            progress_bar("packing", 1, "step", delay_s=0.0) as bar,
            phase(bar, "converting to LiteRT"),
            whole_file(path) as temporary,
        ):
            write_litert(model, temporary, PACKED_FORMAT, source_digest=digest_of_weights(target))
        paths.append(path)
    return paths

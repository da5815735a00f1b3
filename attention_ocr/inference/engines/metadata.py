"""The metadata of a model in one file: its format, settings and characters, and a digest.

A LiteRT file holds them as a ZIP archive after the model, where TensorFlow Lite Metadata keeps
associated files, so that `unzip -p model.tflite config.json` shows them; an ONNX file holds them in
`metadata_props`. Both can be read with the standard library and the runtime of the model.
"""

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attention_ocr.inference.locate import LANGUAGE_MODEL_FILE, WEIGHTS_FILE
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.text.charset import CHARSET_FILE, Charset

FORMAT_VERSION = 1
METADATA_FILE = "attention_ocr.json"
BLANK_DIGEST = "0" * 64
MAX_ENTRY_BYTES = 1 << 24
"""Largest size of an archive entry of this toolkit."""


@dataclasses.dataclass(frozen=True)
class ModelMetadata:
    """The metadata of a model in one file.

    Attributes:
        format_name: One of `settings.formats.EXPORT_FORMATS`.
        config: Settings of the model, with data and training settings at their defaults.
        charset: Its characters.
        widths: Accepted input widths in pixels, ascending; empty for any width.
        source_digest: SHA-256 of the weights beside the model; empty for a stand-alone model.
    """

    format_name: str
    config: Config
    charset: Charset
    widths: tuple[int, ...] = ()
    source_digest: str = ""

    def to_entries(self, digest: str = BLANK_DIGEST) -> dict[str, str]:
        """Return the metadata as strings by name.

        Args:
            digest: SHA-256 of the model, hexadecimal.
        """
        document = {
            "format_version": FORMAT_VERSION,
            "form": self.format_name,
            "widths": list(self.widths),
            "sha256": digest,
        }
        if self.source_digest:
            document["made_of"] = self.source_digest
        return {
            METADATA_FILE: json.dumps(document),
            CONFIG_FILE: json.dumps(self.config.to_dict()),
            CHARSET_FILE: self.charset.to_bytes().decode("utf-8"),
        }


def make_metadata(
    format_name: str,
    config: Config,
    charset: Charset,
    widths: tuple[int, ...] = (),
    source_digest: str = "",
) -> ModelMetadata:
    """Create metadata without the settings that inference does not need."""
    # The file holds the language model itself; its former path means nothing elsewhere.
    language_model = config.decoding.language_model and LANGUAGE_MODEL_FILE
    kept = config.for_reading().with_decoding({"language_model": language_model})
    return ModelMetadata(format_name, kept, charset, widths, source_digest)


def digest_of_weights(work_dir: Path) -> str:
    """Return SHA-256 of the weights of a work directory, for `ModelMetadata.source_digest`.

    A language model that is packed beside them is included.
    """
    digest = hashlib.sha256((work_dir / WEIGHTS_FILE).read_bytes())
    if (work_dir / LANGUAGE_MODEL_FILE).is_file():
        digest.update((work_dir / LANGUAGE_MODEL_FILE).read_bytes())
    return digest.hexdigest()


def check_source_digest(file: Path, metadata: ModelMetadata, work_dir: Path) -> None:
    """Refuse a model file in a work directory that was made from another model.

    Second looks are not compared: those of the work directory apply.

    Args:
        file: The model, for the message.
        metadata: Its metadata.
        work_dir: Work directory with settings, characters and weights.

    Raises:
        ValueError: If the weights, the settings or the characters differ.
    """
    config, charset = Config.load(work_dir), Charset.load(work_dir)
    config = dataclasses.replace(config, second_looks=metadata.config.second_looks)
    digest = digest_of_weights(work_dir)
    if metadata != make_metadata(metadata.format_name, config, charset, metadata.widths, digest):
        raise ValueError(
            f"{file} was made from another model than {work_dir / WEIGHTS_FILE}: pack the model "
            "again, or read with engine=tensorflow. Received: weights "
            f"{metadata.source_digest[:8] or '-'} in place of {digest[:8]}, or other settings or "
            "characters"
        )


def append_metadata(model: bytes, metadata: ModelMetadata, path: Path) -> None:
    """Write a LiteRT file with its metadata.

    Args:
        model: The flatbuffer.
        metadata: Its metadata.
        path: Output file, not written atomically; see `io.atomic_write`.
    """
    path.write_bytes(model)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        for name, text in metadata.to_entries(hashlib.sha256(model).hexdigest()).items():
            # A fixed date, so that the same model gives the same file.
            archive.writestr(zipfile.ZipInfo(name), text.encode("utf-8"))


def rewrite_second_looks(path: Path, values: Mapping[str, Any]) -> ModelMetadata:
    """Change the second looks in the metadata of a LiteRT file; its model is unchanged.

    Args:
        path: The file; replaced atomically.
        values: New values of some settings, by name.

    Returns:
        The new metadata.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a model of this toolkit, or a value is refused.
    """
    content = path.read_bytes()
    metadata = appended_metadata(path, content)
    metadata = dataclasses.replace(metadata, config=metadata.config.with_second_looks(values))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        length = min(entry.header_offset for entry in archive.infolist())
    with whole_file(path) as temporary:
        append_metadata(content[:length], metadata, temporary)
    return metadata


def appended_metadata(path: Path, content: bytes) -> ModelMetadata:
    """Return the metadata of a LiteRT file, and check the model by its digest.

    Args:
        path: Path of the file, for messages.
        content: Its bytes.

    Raises:
        ValueError: If it is not a model of this toolkit, is truncated or changed, or of an unknown
            version; the message names the file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            length = min((entry.header_offset for entry in archive.infolist()), default=0)
            entries = {}
            for name in (METADATA_FILE, CONFIG_FILE, CHARSET_FILE):
                if archive.getinfo(name).file_size > MAX_ENTRY_BYTES:
                    raise ValueError(f"`{name}` is too long")
                entries[name] = archive.read(name).decode("utf-8")
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, NotImplementedError) as error:
        raise ValueError(
            f"{path} is not a complete model of this toolkit: the metadata at its end are missing "
            f"or damaged ({error})."
        ) from error
    digest = hashlib.sha256(memoryview(content)[:length]).hexdigest()
    return metadata_from_entries(path, entries, digest)


def metadata_from_entries(path: Path, entries: Mapping[str, str], digest: str) -> ModelMetadata:
    """Build the metadata from the result of `ModelMetadata.to_entries`.

    Args:
        path: Path of the model.
        entries: Strings by name, among others.
        digest: Actual SHA-256 of the model.

    Raises:
        ValueError: As for `appended_metadata`.
    """
    try:
        document = json.loads(entries[METADATA_FILE])
        version = document["format_version"]
        if version != FORMAT_VERSION:
            raise ValueError(
                f"expected an export of format_version {FORMAT_VERSION}; use the release that "
                f"wrote it, or export the work directory again. Received: {version!r}"
            )
        if document["sha256"] != digest:
            raise ValueError("the model was changed or truncated after the export")
        # Defaults of training change between releases and do not describe the model.
        config = Config.from_dict(json.loads(entries[CONFIG_FILE])).for_reading()
        charset = Charset.from_bytes(entries[CHARSET_FILE].encode("utf-8"))
        return ModelMetadata(
            format_name=str(document["form"]),
            config=config,
            charset=charset,
            widths=tuple(map(int, document["widths"])),
            source_digest=str(document.get("made_of", "")),
        )
    except KeyError as error:
        raise ValueError(f"{path} is not a model of this toolkit: it has no {error}.") from error
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(f"{path}: {error}") from error

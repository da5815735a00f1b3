"""What a model in one file says of itself: its format, settings and characters, and a digest.

A LiteRT file carries the metadata as the entries of a ZIP archive after the model, the place that
TensorFlow Lite Metadata keeps for associated files, so that `unzip -p model.tflite config.json`
shows them; an ONNX file, as its `metadata_props`. Both can be read with the standard library and
what runs the model.
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
"""Of an entry of the archive; a longer one is not of this toolkit."""


@dataclasses.dataclass(frozen=True)
class ModelMetadata:
    """What a model in one file says of itself.

    Attributes:
        format_name: One of `settings.formats.EXPORT_FORMATS`.
        config: Settings of the model, those of data and training at their defaults.
        charset: Its characters.
        widths: Pixels, ascending: the inputs that the model takes; none for any width.
        source_digest: SHA-256 of the file of the weights that the model stands beside; empty for a
            model that stands alone.
    """

    format_name: str
    config: Config
    charset: Charset
    widths: tuple[int, ...] = ()
    source_digest: str = ""

    def to_entries(self, digest: str = BLANK_DIGEST) -> dict[str, str]:
        """Return the metadata as texts by name.

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
    """Return metadata without what reading has no use for."""
    # The language model itself is in the file; where it lay says nothing elsewhere.
    language_model = config.decoding.language_model and LANGUAGE_MODEL_FILE
    kept = config.for_reading().with_decoding({"language_model": language_model})
    return ModelMetadata(format_name, kept, charset, widths, source_digest)


def digest_of_weights(work_dir: Path) -> str:
    """Return SHA-256 of the weights of a work directory, for `ModelMetadata.source_digest`.

    A language model that is packed beside them counts with them.
    """
    digest = hashlib.sha256((work_dir / WEIGHTS_FILE).read_bytes())
    if (work_dir / LANGUAGE_MODEL_FILE).is_file():
        digest.update((work_dir / LANGUAGE_MODEL_FILE).read_bytes())
    return digest.hexdigest()


def check_source_digest(file: Path, metadata: ModelMetadata, work_dir: Path) -> None:
    """Refuse a model in one file that stands in a work directory and is not the same model.

    Second looks are no part of a model: those of the work directory count, whatever the file says.

    Args:
        file: The model, for the message.
        metadata: Of it.
        work_dir: With its settings, characters and weights.

    Raises:
        ValueError: If the weights, the settings or the characters are others.
    """
    config, charset = Config.load(work_dir), Charset.load(work_dir)
    config = dataclasses.replace(config, second_looks=metadata.config.second_looks)
    digest = digest_of_weights(work_dir)
    if metadata != make_metadata(metadata.format_name, config, charset, metadata.widths, digest):
        raise ValueError(
            f"{file} was made of another model than {work_dir / WEIGHTS_FILE}: pack the model "
            "anew, or read with engine=tensorflow. Received: weights "
            f"{metadata.source_digest[:8] or '-'} in place of {digest[:8]}, or other settings or "
            "characters"
        )


def append_metadata(model: bytes, metadata: ModelMetadata, path: Path) -> None:
    """Write a LiteRT file with its metadata.

    Args:
        model: The flatbuffer.
        metadata: Of it.
        path: Written at once; see `io.atomic_write`.
    """
    path.write_bytes(model)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        for name, text in metadata.to_entries(hashlib.sha256(model).hexdigest()).items():
            # A fixed date, so that the same model gives the same file.
            archive.writestr(zipfile.ZipInfo(name), text.encode("utf-8"))


def rewrite_second_looks(path: Path, values: Mapping[str, Any]) -> ModelMetadata:
    """Change the second looks in the metadata of a LiteRT file; the model in it stays as it is.

    Args:
        path: Of the file, which is replaced whole or not at all.
        values: New values of some of the settings, by name.

    Returns:
        The new metadata.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no model of this toolkit, or a value is refused.
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
        path: Of the file, for messages.
        content: Its bytes.

    Raises:
        ValueError: If it is no model of this toolkit, is cut short or changed, or of an unknown
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
            f"{path} is no whole model of this toolkit: the metadata at its end are missing or "
            f"damaged ({error})."
        ) from error
    digest = hashlib.sha256(memoryview(content)[:length]).hexdigest()
    return metadata_from_entries(path, entries, digest)


def metadata_from_entries(path: Path, entries: Mapping[str, str], digest: str) -> ModelMetadata:
    """Build the metadata of what `ModelMetadata.to_entries` returned.

    Args:
        path: Of the model.
        entries: Texts by name; others may stand among them.
        digest: SHA-256 that the model has.

    Raises:
        ValueError: As in `appended_metadata`.
    """
    try:
        document = json.loads(entries[METADATA_FILE])
        version = document["format_version"]
        if version != FORMAT_VERSION:
            raise ValueError(
                f"this release reads exports of format_version {FORMAT_VERSION}; use the release "
                f"that wrote it, or export the work directory anew. Received: {version!r}"
            )
        if document["sha256"] != digest:
            raise ValueError("the model is not the one that was exported: it was changed or cut")
        # Defaults of training change from release to release and say nothing of a model.
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
        raise ValueError(f"{path} is no model of this toolkit: it has no {error}.") from error
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(f"{path}: {error}") from error

"""Initial weights: those of a pretrained model, and the freezing of weights."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from attention_ocr.inference.work_directory import (
    WEIGHTS_FILE,
    make_network,
    read_weights,
    weight_name,
)
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.models.decoder import AttentionDecoder
from attention_ocr.models.encoders.residual import ResidualUnit
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import SPECIAL_TOKENS, Charset
from attention_ocr.training.inherited_settings import model_directory

REPORT_FILE = "initial_weights.json"
NOT_IN_OTHER = "not in the pretrained model"
OTHER_SHAPE = "of another shape"
IDENTITY = "in an additional residual unit, which starts as the identity"

VOCABULARY_AXES: Mapping[str, int] = {
    "decoder/embedding/embeddings": 0,
    "decoder/output/kernel": 1,
    "decoder/output/bias": 0,
    "ctc_head/kernel": 1,
    "ctc_head/bias": 0,
}
"""The axis of a weight that has an entry for each token id, whatever the feedback."""

COLUMN_KERNEL = "sequence_0/projection/kernel"
"""The weight whose first axis has an entry for each feature of each row of a column."""


class SavedWeights(NamedTuple):
    """Weights by their path in the network, and the characters of their model."""

    values: Mapping[str, np.ndarray]
    charset: Charset


class Transfer(NamedTuple):
    """Outcome of the transfer, for each weight.

    Attributes:
        taken: Transferred weights; those with a vocabulary axis, character by character.
        left: Weights that keep their initial values, each with the reason.
        shared_characters: Characters whose entries were transferred.
        new_characters: Characters that start from random values.
    """

    taken: list[str]
    left: dict[str, str]
    shared_characters: str
    new_characters: str

    def describe(self) -> str:
        """Return a summary in one line."""
        reasons = sorted(set(self.left.values()))
        left = f"; {len(self.left)} are new ({', '.join(reasons)})" if self.left else ""
        new = f", new: {self.new_characters}" if self.new_characters else ""
        return (
            f"{len(self.taken)} weights transferred{left}; "
            f"{len(self.shared_characters)} characters shared{new}"
        )

    def save(self, directory: Path) -> None:
        """Write `initial_weights.json`."""
        with whole_file(Path(directory) / REPORT_FILE) as temporary:
            document = json.dumps(self._asdict(), indent=2, ensure_ascii=False)
            temporary.write_text(document + "\n", encoding="utf-8")


def read_saved_weights(name: str) -> SavedWeights:
    """Read the weights of a model.

    Args:
        name: A work directory, an export, a version of one, or `default` or `lines`, a bundled
            model.

    Raises:
        FileNotFoundError: If there is no model.
        ValueError: If a file is damaged or holds no weights; the message names it.
    """
    directory = model_directory(name)
    charset = Charset.load(directory)
    if (directory / WEIGHTS_FILE).is_file():
        return SavedWeights(read_weights(directory / WEIGHTS_FILE), charset)
    return SavedWeights(_read_exported_weights(directory, charset), charset)


def _read_exported_weights(directory: Path, charset: Charset) -> dict[str, np.ndarray]:
    """Read the variables of a SavedModel, stored in the order of the network."""
    recognizer = make_network(directory, Config.load(directory), charset)
    # Besides the weights, the variables include the state of the dropout.
    weights = {weight_name(weight) for weight in recognizer.weights}
    names = [weight_name(variable) for variable in recognizer.variables]
    prefix = directory / "variables" / "variables"
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        return {
            name: reader.get_tensor(f"weights/{index}/.ATTRIBUTES/VARIABLE_VALUE")
            for index, name in enumerate(names)
            if name in weights
        }
    except (tf.errors.OpError, ValueError, IndexError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{prefix} is damaged and cannot be read: {reason}") from error


def load_initial_weights(recognizer: Recognizer, charset: Charset, config: Config) -> Transfer:
    """Load the weights of the pretrained model `init_from`, and log which were transferred.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If one of its files is damaged, or none of its weights fits.
    """
    settings = config.training
    prefixes = settings.init_parts.split(",") if settings.init_parts else []
    saved = read_saved_weights(settings.init_from)
    num_rows = config.image.image_height // recognizer.encoder.stride[0]
    transfer = transfer_weights(recognizer, charset, saved, prefixes, num_rows)
    logging.info("%s: %s", settings.init_from, transfer.describe())
    return transfer


def transfer_weights(
    recognizer: Recognizer,
    charset: Charset,
    saved: SavedWeights,
    prefixes: Sequence[str] = (),
    num_rows: int = 1,
) -> Transfer:
    """Transfer the weights of a pretrained model to a recogniser, as far as they fit.

    A weight with an entry per token id is transferred character by character: the entries of
    characters in both charsets, and of the special tokens, move to their index in the new charset;
    those of new characters keep their random values. If the pretrained feature grid has a multiple
    of the rows of this one, the sequence model starts with the sums over merged rows; if it has a
    divisor of them, with equal shares for the rows that one becomes. If this encoder is deeper, its
    additional residual units start as the identity.

    Args:
        recognizer: The recogniser to train.
        charset: Its characters.
        saved: The pretrained model.
        prefixes: Path prefixes of the weights to transfer (`encoder`, `decoder/lstm`); if empty,
            all are transferred.
        num_rows: Number of rows of the feature grid.

    Returns:
        The outcome for each weight.

    Raises:
        ValueError: If no weight of the recogniser has one of the prefixes, or none fits.
    """
    names = [weight_name(weight) for weight in recognizer.weights]
    for prefix in prefixes:
        matching_names(names, prefix)
    shared = [character for character in charset.characters if character in saved.charset]
    axes = _vocabulary_axes(recognizer)
    taken: list[str] = []
    left: dict[str, str] = {}
    for weight, name in zip(recognizer.weights, names, strict=True):
        if prefixes and not any(has_prefix(name, prefix) for prefix in prefixes):
            left[name] = "not in `init_parts`"
            continue
        if name not in saved.values:
            left[name] = NOT_IN_OTHER
            continue
        value = np.asarray(weight)
        old = saved.values[name]
        if name in axes:
            old = _with_entries_moved(value, old, axes[name], (charset, saved.charset), shared)
        if name == COLUMN_KERNEL:
            old = _with_rows_matched(old, num_rows, value.shape[0] // num_rows)
        if old.shape != value.shape:
            left[name] = f"{OTHER_SHAPE}, {list(old.shape)}"
            continue
        weight.assign(old)
        taken.append(name)
    if not taken:
        raise ValueError("No weight of the pretrained model fits this one.")
    left |= _start_added_units(recognizer, left)
    new = "".join(character for character in charset.characters if character not in saved.charset)
    return Transfer(taken, left, "".join(shared), new)


def _vocabulary_axes(recognizer: Recognizer) -> dict[str, int]:
    """Return the axis of each weight that has an entry for each token id, by its path."""
    decoder = recognizer.decoder
    if not isinstance(decoder, AttentionDecoder) or decoder.embedding or not decoder.autoregressive:
        return dict(VOCABULARY_AXES)
    # With one-hot feedback the rows of the characters are followed by those of the context.
    return {**VOCABULARY_AXES, weight_name(decoder.cells[0].kernel): 0}


def _entry_ids(charset: Charset, characters: Sequence[str], num_entries: int) -> list[int]:
    """Return the indices of the special tokens, of some characters and of what follows them all."""
    rest = range(charset.vocabulary_size, num_entries)
    return [*range(len(SPECIAL_TOKENS)), *(charset.encode(c)[0] for c in characters), *rest]


def _start_added_units(recognizer: Recognizer, left: Mapping[str, str]) -> dict[str, str]:
    """Let residual units that the pretrained encoder lacks start as the identity.

    Returns:
        The reason for each of their weights.
    """
    reasons: dict[str, str] = {}
    for unit in getattr(recognizer.encoder, "residual_units", ()):
        # Encoders of plug-ins may have other layers by this name.
        if not isinstance(unit, ResidualUnit) or unit.shortcut is not None:
            continue
        names = [weight_name(weight) for weight in unit.weights]
        if all(left.get(name) == NOT_IN_OTHER for name in names):
            unit.start_as_identity()
            reasons |= dict.fromkeys(names, IDENTITY)
    return reasons


def freeze_weights(recognizer: Recognizer, prefixes: Sequence[str]) -> None:
    """Exclude weights from training; frozen normalisation also keeps its statistics.

    Args:
        recognizer: The recogniser to train.
        prefixes: Path prefixes of the frozen weights.

    Raises:
        ValueError: If no weight has one of the prefixes, or nothing is left to train.
    """
    trainable = {weight_name(weight): weight for weight in recognizer.trainable_variables}
    for prefix in prefixes:
        for name in matching_names(list(trainable), prefix):
            trainable[name].trainable = False
    _freeze_statistics(recognizer, prefixes)
    if not recognizer.trainable_variables:
        raise ValueError(f"Nothing is left to train. Received: frozen {', '.join(prefixes)}")


def _freeze_statistics(recognizer: Recognizer, prefixes: Sequence[str]) -> None:
    """Let batch normalisation of Keras, which sees only its layer's `trainable`, be frozen."""
    for layer in recognizer._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization) and not layer.trainable_variables:
            names = [weight_name(weight) for weight in layer.weights]
            if any(has_prefix(name, prefix) for name in names for prefix in prefixes):
                layer.trainable = False


def matching_names(names: Sequence[str], prefix: str) -> list[str]:
    """Return the paths of weights that start with `prefix`.

    Raises:
        ValueError: If there is none.
    """
    found = [name for name in names if has_prefix(name, prefix)]
    if not found:
        parts = sorted({name.split("/")[0] for name in names})
        raise ValueError(
            f"Expected a prefix of a weight's path; the parts are {', '.join(parts)}. "
            f"Received: {prefix!r}"
        )
    return found


def has_prefix(name: str, prefix: str) -> bool:
    """Return whether a path starts with the complete names of `prefix`."""
    return f"{name}/".startswith(f"{prefix.rstrip('/')}/")


def _with_entries_moved(
    value: np.ndarray,
    old: np.ndarray,
    axis: int,
    charsets: tuple[Charset, Charset],
    shared: Sequence[str],
) -> np.ndarray:
    """Return `value` with entries of `old` along an axis, or `old` if they do not fit.

    Args:
        value: The weight to fill.
        old: The pretrained weight.
        axis: Has an entry for each token id, and perhaps others after them.
        charsets: The characters of both.
        shared: Those in both charsets.
    """
    if _shape_without(value, axis) != _shape_without(old, axis):
        return old
    new_ids, old_ids = (
        _entry_ids(charset, shared, weight.shape[axis])
        for charset, weight in zip(charsets, (value, old), strict=True)
    )
    if len(new_ids) != len(old_ids):
        return old
    rows = np.moveaxis(value, axis, 0).copy()
    rows[new_ids] = np.moveaxis(old, axis, 0)[old_ids]
    return np.moveaxis(rows, 0, axis)


def _with_rows_matched(kernel: np.ndarray, num_rows: int, num_features: int) -> np.ndarray:
    """Return a kernel [H'' D, G] for H' rows; unchanged if neither divides the other."""
    old_rows, rest = divmod(kernel.shape[0], num_features)
    if rest or (old_rows % num_rows and num_rows % old_rows):
        return kernel
    if num_rows > old_rows:
        shares = num_rows // old_rows
        rows = kernel.reshape(old_rows, 1, num_features, -1) / shares
        split: np.ndarray = rows.repeat(shares, axis=1).reshape(num_rows * num_features, -1)
        return split
    parts = kernel.reshape(num_rows, -1, num_features, kernel.shape[1])
    joined: np.ndarray = parts.sum(axis=1).reshape(num_rows * num_features, -1)
    return joined


def _shape_without(value: np.ndarray, axis: int) -> tuple[int, ...]:
    return value.shape[:axis] + value.shape[axis + 1 :]

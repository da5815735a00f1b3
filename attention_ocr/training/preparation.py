"""Preparation of the work directory before the first step: settings, charset, clean-up."""

import contextlib
import dataclasses
import itertools
from pathlib import Path

from attention_ocr.data.pipeline import explaining
from attention_ocr.data.sources import Source
from attention_ocr.inference.locate import NETWORK_FILE, WEIGHTS_FILE
from attention_ocr.io.atomic_write import TEMPORARY_SUFFIX
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.text.charset import CHARSET_FILE, CHARSETS, Charset
from attention_ocr.training.initial_weights import REPORT_FILE
from attention_ocr.training.own_network import keep_network
from attention_ocr.training.workers import Workers


class KeptSettings:
    """Restores the settings of a work directory after a `with` block that has trained nothing.

    They are thus always the settings that its weights were trained with.

    Args:
        work_dir: Work directory, with or without settings.
        is_chief: Whether this process restores them.

    Attributes:
        before: The earlier settings; None if there were none or they cannot be read.
        are_replaced: Whether the new settings stay.
    """

    def __init__(self, work_dir: Path, is_chief: bool = True) -> None:
        self.before: Config | None = None
        self.are_replaced = False
        self._work_dir = work_dir
        self._is_chief = is_chief
        # Damaged settings are refused when the directory is prepared.
        with contextlib.suppress(FileNotFoundError, ValueError):
            self.before = Config.load(work_dir)

    def __enter__(self) -> "KeptSettings":
        return self

    def __exit__(self, *_: object) -> None:
        if self.before is None or self.are_replaced or not self._is_chief:
            return
        if Config.load(self._work_dir) != self.before:
            self.before.save(self._work_dir)


def clear_left_overs(work_dir: Path, workers: Workers) -> None:
    """Remove incomplete model files of a killed run."""
    if workers.index == 0:
        for name in (CONFIG_FILE, CHARSET_FILE, NETWORK_FILE, WEIGHTS_FILE, REPORT_FILE):
            for path in work_dir.glob(f"{name}*{TEMPORARY_SUFFIX}"):
                path.unlink(missing_ok=True)
    # No worker may write before the clean-up has finished.
    workers.all_true(True)


def prepare_work_directory(
    config: Config, work_dir: Path, source: Source, recognizer: Recognizer | None = None
) -> Charset:
    """Write settings and charset into a new work directory, or check them against an old one.

    Args:
        config: The settings.
        work_dir: Work directory; created if it does not exist.
        source: Training examples.
        recognizer: A recogniser composed of layers, if any.

    Returns:
        The charset of the model.

    Raises:
        ValueError: If the directory holds a model with other image or model settings, another
            network, or another charset than the one in the settings.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    is_new = not (work_dir / CONFIG_FILE).exists()
    if is_new:
        charset = make_charset(config, source)
        if recognizer is None:
            # Written by a run that ended before it wrote its settings.
            (work_dir / NETWORK_FILE).unlink(missing_ok=True)
    else:
        old, charset = Config.load(work_dir), Charset.load(work_dir)
        _check_same_model(old, config, work_dir)
        _check_same_charset(charset, old, config, source, work_dir)
    if recognizer is not None:
        keep_network(recognizer, charset, work_dir)
    if is_new:
        charset.save(work_dir)
    config.save(work_dir)
    return charset


def _check_same_model(old: Config, new: Config, work_dir: Path) -> None:
    for section in ("image", "model", "decoder"):
        before = dataclasses.asdict(getattr(old, section))
        for name, value in dataclasses.asdict(getattr(new, section)).items():
            if before[name] != value:
                raise ValueError(
                    f"{work_dir} holds a model with {name}={before[name]!r}; train another one in "
                    f"another directory. Received: {name}={value!r}"
                )


def _check_same_charset(
    charset: Charset, old: Config, new: Config, source: Source, work_dir: Path
) -> None:
    # A charset built from the labels is kept: new characters in them count as unknown.
    name = new.data.charset
    # Nor is a charset file needed again that has been deleted since.
    gone = name == old.data.charset and name not in CHARSETS and not Path(name).exists()
    if name and not gone and make_charset(new, source) != charset:
        raise ValueError(
            f"{work_dir} holds a model with charset={old.data.charset!r} "
            f"({len(charset.characters)} characters); train another one in another directory. "
            f"Received: charset={name!r}, which has other characters"
        )


def make_charset(config: Config, source: Source) -> Charset:
    """Return the charset of a model with these settings and training data.

    Raises:
        OSError: If the charset file or a label cannot be read.
        ValueError: If the file is not a charset, or a label is damaged.
    """
    name = config.data.charset
    if name in CHARSETS:
        return Charset(CHARSETS[name])
    if name:
        return Charset.load(Path(name))
    with explaining(source):
        # Joined words are separated by a space, which may not occur in the labels.
        joint = " " if config.augmentation.join_words else ""
        return Charset.from_labels(itertools.chain(source.labels(), joint))

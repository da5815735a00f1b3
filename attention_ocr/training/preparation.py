"""The work directory of a run before its first step: settings, characters, what was left there."""

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
from attention_ocr.text.charset import ASCII, CHARSET_FILE, Charset
from attention_ocr.training.initial_weights import REPORT_FILE
from attention_ocr.training.own_network import keep_network
from attention_ocr.training.workers import Workers


class KeptSettings:
    """Gives a work directory its settings back behind a `with` block that has trained nothing.

    So they always are those that its weights were trained with.

    Args:
        work_dir: with settings, or without.
        is_chief: whether this process looks after them.

    Attributes:
        before: the settings that were there; none where there were none that can be read.
        are_replaced: whether the new ones stay.
    """

    def __init__(self, work_dir: Path, is_chief: bool = True) -> None:
        self.before: Config | None = None
        self.are_replaced = False
        self._work_dir = work_dir
        self._is_chief = is_chief
        # Damaged ones are refused where the directory is prepared.
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
    """Remove files of the model that a killed run was still writing."""
    if workers.index == 0:
        for name in (CONFIG_FILE, CHARSET_FILE, NETWORK_FILE, WEIGHTS_FILE, REPORT_FILE):
            for path in work_dir.glob(f"{name}*{TEMPORARY_SUFFIX}"):
                path.unlink(missing_ok=True)
    # Nobody writes before all is cleared.
    workers.all_true(True)


def prepare_work_directory(
    config: Config, work_dir: Path, source: Source, recognizer: Recognizer | None = None
) -> Charset:
    """Write settings and charset into a new work directory, or check them against an old one.

    Args:
        config: The settings.
        work_dir: Made where it does not exist.
        source: Training examples.
        recognizer: One that was composed of layers, if any.

    Returns:
        The charset of the model.

    Raises:
        ValueError: the directory holds a model with other image or model settings, or another
            charset than one that the settings name, or another network.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    is_new = not (work_dir / CONFIG_FILE).exists()
    if is_new:
        charset = make_charset(config, source)
        if recognizer is None:
            # One that a run without settings has left.
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
    # One that is made of the labels stays as it was: what is new in them is counted as unknown.
    name = new.data.charset
    # Nor is a file needed again that has gone since.
    gone = name == old.data.charset and name != "ascii" and not Path(name).exists()
    if name and not gone and make_charset(new, source) != charset:
        raise ValueError(
            f"{work_dir} holds a model with charset={old.data.charset!r} "
            f"({len(charset.characters)} characters); train another one in another directory. "
            f"Received: charset={name!r}, which has others"
        )


def make_charset(config: Config, source: Source) -> Charset:
    """Return the characters that a model of these settings and training data has.

    Raises:
        OSError: the charset file, or a label, cannot be read.
        ValueError: the file is no charset, or a label is damaged.
    """
    name = config.data.charset
    if name == "ascii":
        return Charset(ASCII)
    if name:
        return Charset.load(Path(name))
    with explaining(source):
        # Between two words that are joined stands a space, which their labels may not have.
        joint = " " if config.augmentation.join_words else ""
        return Charset.from_labels(itertools.chain(source.labels(), joint))

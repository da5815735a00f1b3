"""Training, from settings to a trained model in a work directory."""

import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from attention_ocr.data.sources import Source, open_source
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.settings.data import DataConfig
from attention_ocr.training.budget import fit_to_data
from attention_ocr.training.devices import make_strategy
from attention_ocr.training.interruption import Interruption
from attention_ocr.training.own_network import check_network, initial_values
from attention_ocr.training.preparation import (
    KeptSettings,
    clear_left_overs,
    prepare_work_directory,
)
from attention_ocr.training.pretrained import check_encoder
from attention_ocr.training.progress import TrainingResult
from attention_ocr.training.remote_directory import LocalDirectory, local_directory
from attention_ocr.training.run import Run
from attention_ocr.training.run_lock import RunLock
from attention_ocr.training.weight_fit import check_initial_weights
from attention_ocr.training.workers import Workers, explaining_lost_workers


def train(
    config: Config, work_dir: str | os.PathLike[str], recognizer: Recognizer | None = None
) -> TrainingResult:
    """Train a recogniser, or resume training.

    The work directory receives `config.json`, `charset.txt`, the best weights, checkpoints and
    TensorBoard events. If it holds a checkpoint, the run resumes from there: weights, averages,
    optimiser, schedule, position in the data, best score. If not, and `init_from` names a
    pretrained model, the run starts from its weights, and `initial_weights.json` lists which.

    Args:
        config: The settings.
        work_dir: The work directory; created if it does not exist. A local path, or an address
            such as `gs://bucket/runs/mine`, of which the run keeps a local copy.
        recognizer: A recogniser composed of layers, in place of the one described by the model and
            decoder settings. The run starts from a copy of it, including weights, and leaves it
            unchanged. Its layers are written to `network.json` in the work directory, from which
            evaluation and export rebuild it. It must have a CTC head if `ctc_weight` is above 0,
            and a decoder if `attention_weight` is.

    Returns:
        Where the run ended, and its best validation.

    Raises:
        ValueError: If the settings do not match the data or the content of the directory, the
            validation data are endless, another run is training there, no training example is left,
            or too many images cannot be read.
        FileNotFoundError: If the data do not exist.
        FloatingPointError: If the loss is not finite; the message names step and batch.
        OSError: If the disk is full or cannot be written, the store cannot be reached, or another
            worker has ended.
        StoppedError: If a signal stopped the run; a checkpoint has been written.
    """
    with Interruption() as interruption:
        if config.training.deterministic:
            keras.utils.set_random_seed(config.training.seed)
            tf.config.experimental.enable_op_determinism()
        strategy = make_strategy(config.training.strategy)
        workers = Workers(strategy)
        with local_directory(work_dir, workers.index) as directory:
            return _train_in(directory, config, recognizer, strategy, workers, interruption)


def _train_in(
    directory: LocalDirectory,
    config: Config,
    recognizer: Recognizer | None,
    strategy: tf.distribute.Strategy,
    workers: Workers,
    interruption: Interruption,
) -> TrainingResult:
    """Train in a work directory of this machine."""
    work_dir = directory.path
    initial = _check_start(config, work_dir, recognizer)
    train_source = open_source(config.data.train_data)
    eval_source = open_source(config.data.eval_data) if config.data.eval_data else None
    if eval_source is not None:
        eval_source.refuse_endless(" in eval_data")
    _warn_of_other_texts(config.data, train_source)
    config = fit_to_data(config, train_source.num_examples, work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    with (
        RunLock(work_dir, workers.index),
        explaining_lost_workers(workers),
        KeptSettings(work_dir, workers.index == 0) as kept_settings,
    ):
        clear_left_overs(work_dir, workers)
        charset = prepare_work_directory(config, work_dir, train_source, recognizer)
        with strategy.scope():
            run = Run(
                *(config, directory, charset, strategy, train_source, eval_source),
                *(workers, kept_settings.before, initial),
            )
        try:
            return run.train(interruption)
        finally:
            run.close()
            kept_settings.are_replaced = run.has_begun


def _warn_of_other_texts(data: DataConfig, train_source: Source) -> None:
    """Warn if labelled images are trained on, but validation data were not chosen."""
    parts = train_source.parts or (train_source,)
    is_rendered = any(part.spec.name == "synthetic" for part in parts)
    if data.eval_data == DataConfig.eval_data and not is_rendered:
        logging.warning(
            "validation, and the choice of the best weights, use rendered English words, %s: give "
            "--eval_data, a validation part of the data or empty for none",
            data.eval_data,
        )


def _check_start(
    config: Config, work_dir: Path, recognizer: Recognizer | None
) -> list[np.ndarray] | None:
    """Check what the run starts from; return the weights of a composed recogniser."""
    if recognizer is not None:
        check_network(recognizer, config)
        return initial_values(recognizer, config)
    check_encoder(config)
    check_initial_weights(config, work_dir)
    return None

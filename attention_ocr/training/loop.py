"""The training loop."""

import dataclasses
import gc
import itertools
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from tqdm import tqdm

from attention_ocr.charset import ASCII, UNKNOWN_ID, Charset
from attention_ocr.config import CONFIG_FILE, Config
from attention_ocr.data.pipeline import SkipReport, evaluation_batches, explaining, training_batches
from attention_ocr.data.sources import Source, open_source
from attention_ocr.evaluation.evaluate import evaluate, make_recognize
from attention_ocr.evaluation.unreachable import find_unreachable
from attention_ocr.metrics import TextMetrics
from attention_ocr.models.build import build_recognizer
from attention_ocr.training import loss_scale
from attention_ocr.training.budget import Budget, fit_to_data
from attention_ocr.training.checkpoint_numbers import CheckpointNumbers
from attention_ocr.training.checkpoints import CHECKPOINTS, Checkpoints
from attention_ocr.training.devices import make_strategy, resolve_precision, worker_shard
from attention_ocr.training.initial_weights import (
    freeze_weights,
    read_saved_weights,
    transfer_weights,
)
from attention_ocr.training.optimization import (
    AveragedWeights,
    make_learning_rate,
    make_optimizer,
)
from attention_ocr.training.pretrained import check_encoder, load_pretrained
from attention_ocr.training.step import make_train_step
from attention_ocr.training.summaries import Summaries
from attention_ocr.training.weight_fit import check_initial_weights
from attention_ocr.work_directory import WEIGHTS_FILE, save_weights, weight_values

EVENTS = "events"


class TrainingResult(NamedTuple):
    """What a run reached.

    Attributes:
        step: steps done.
        best_exact_match: of the weights that were kept; none without validation data.
        best_step: at which they were.
    """

    step: int
    best_exact_match: float | None
    best_step: int


class Progress:
    """Where the run stands; the variables are part of every checkpoint.

    Attributes:
        step: steps done.
        best_exact_match: of the best validation; -1 before the first.
        best_step: of that validation.
        stale_validations: validations since then.
    """

    def __init__(self) -> None:
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.best_exact_match = tf.Variable(-1.0, dtype=tf.float64, trainable=False)
        self.best_step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.stale_validations = tf.Variable(0, dtype=tf.int64, trainable=False)

    def variables(self) -> list[tf.Variable]:
        """Return the variables for the checkpoint."""
        return [self.step, self.best_exact_match, self.best_step, self.stale_validations]


def train(config: Config, work_dir: Path) -> TrainingResult:
    """Train a recogniser, or go on with one.

    The work directory receives `config.json`, `charset.txt`, the best weights, checkpoints and
    TensorBoard events. If it holds a checkpoint, the run goes on from there: weights, averages,
    optimiser, schedule, position in the data, best score. If not, and `init_from` names a model, it
    begins with the weights of that one, and `initial_weights.json` says with which.

    Args:
        config: the settings.
        work_dir: the work directory; made where it does not exist.

    Raises:
        ValueError: settings that do not go with the data, or with what the directory holds; no
            example left to train on.
        FileNotFoundError: there is no such data.
        FloatingPointError: a loss that is not finite; the message names step and batch.
        OSError: the disk is full or cannot be written.
    """
    if config.training.deterministic:
        keras.utils.set_random_seed(config.training.seed)
        tf.config.experimental.enable_op_determinism()
    strategy = make_strategy(config.training.strategy)
    check_encoder(config)
    check_initial_weights(config, work_dir)
    train_source = open_source(config.data.train_data)
    eval_source = open_source(config.data.eval_data) if config.data.eval_data else None
    config = fit_to_data(config, train_source.num_examples, work_dir)
    charset = prepare_work_directory(config, work_dir, train_source)
    with strategy.scope():
        run = Run(config, work_dir, charset, strategy, train_source, eval_source)
    try:
        return run.to_the_end()
    finally:
        run.close()


def prepare_work_directory(config: Config, work_dir: Path, source: Source) -> Charset:
    """Write settings and charset into a new work directory, or check them against an old one.

    Returns:
        The charset of the model.

    Raises:
        ValueError: the directory holds a model with other image or model settings.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    if (work_dir / CONFIG_FILE).exists():
        _check_same_model(Config.load(work_dir), config, work_dir)
        charset = Charset.load(work_dir)
    else:
        charset = make_charset(config, source)
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


class Run:
    """One run: all that it needs, made once.

    Args:
        config: the settings.
        work_dir: the work directory, with its settings and charset written.
        charset: of the model.
        strategy: whose scope is entered.
        train_source: training examples.
        eval_source: validation examples, if any.
    """

    def __init__(
        self,
        config: Config,
        work_dir: Path,
        charset: Charset,
        strategy: tf.distribute.Strategy,
        train_source: Source,
        eval_source: Source | None,
    ) -> None:
        self.config = config
        self.work_dir = work_dir
        self.charset = charset
        settings = config.training
        worker, num_workers = worker_shard(strategy)
        self.is_chief = worker == 0
        precision = resolve_precision(settings.precision)
        logging.info("computing in %s on %d device(s)", precision, strategy.num_replicas_in_sync)
        self.recognizer = build_recognizer(config, charset, precision)
        if settings.freeze:
            freeze_weights(self.recognizer, settings.freeze.split(","))
        variables = self.recognizer.trainable_variables
        self.optimizer = loss_scale.with_loss_scale(
            make_optimizer(settings, variables), precision, variables
        )
        self.budget = Budget(settings)
        self.budget.pace(self.optimizer, make_learning_rate(settings))
        self.averages = AveragedWeights(self.recognizer.weights, settings.average_decay)
        self.progress = Progress()
        self.train_step = make_train_step(
            strategy, self.recognizer, self.optimizer, self.averages, config
        )
        self.recognize = make_recognize(self.recognizer, config, charset)
        self.report = SkipReport(fails=config.data.on_bad_example == "fail")
        self.train_source = train_source
        batches = training_batches(
            train_source, config, charset, self.report, (worker, num_workers)
        )
        self.batches: Iterator[dict[str, tf.Tensor]] = iter(batches)
        self.eval_batches = evaluation_batches(eval_source, config) if eval_source else None
        self.checkpoints = Checkpoints(
            work_dir / CHECKPOINTS / f"worker_{worker}",
            {
                "model": [variable.value for variable in self.recognizer.variables],
                "optimizer": [
                    v.value for v in loss_scale.unscaled_optimizer(self.optimizer).variables
                ],
                "averages": self.averages.averages,
                "progress": self.progress.variables(),
                "batches": self.batches,
            },
            settings.keep_checkpoints,
            remake={"batches": lambda: iter(batches)},
        )
        self.numbers = CheckpointNumbers(
            work_dir / CHECKPOINTS / f"worker_{worker}.json", settings.keep_checkpoints
        )
        self.summaries = Summaries(work_dir / EVENTS / f"worker_{worker}", config.image.num_views)
        self.num_shrunk = 0
        self.num_unknown = 0

    def close(self) -> None:
        """Free the pipeline and the event file; say what was left out."""
        self.summaries.close()
        # A pipeline that still renders while the interpreter ends would never let it end.
        del self.batches
        gc.collect()
        for line in self.report.lines():
            logging.warning("%s", line)
        if self.num_shrunk:
            logging.warning("shrunk %d images wider than max_image_width", self.num_shrunk)
        if self.num_unknown:
            logging.warning("met %d characters outside the charset", self.num_unknown)

    def to_the_end(self) -> TrainingResult:
        """Train from where the run stands until its last step, or until it stops improving."""
        settings = self.config.training
        if not self.checkpoints.restore():
            if settings.encoder_weights:
                load_pretrained(self.recognizer, settings.encoder_weights)
                self.averages.restart()
            if settings.init_from:
                self._begin_with(settings.init_from, settings.init_parts)
        self.batches = self.checkpoints.state["batches"]
        step = int(self.progress.step.numpy())
        numbers = self.numbers.load(step)
        self.budget.go_on_from(numbers.get("seconds", 0.0))
        loss_scale.go_on_with(self.optimizer, numbers)
        self.summaries.settings(self.config, step)
        window = SpeedWindow()
        with tqdm(
            total=settings.steps or None,
            initial=step,
            unit="step",
            desc="training",
            mininterval=1.0,
        ) as bar:
            while not self.budget.is_spent(step) and not self._is_stale():
                losses = self._train_on_next(step)
                step += 1
                self.progress.step.assign(step)
                self.budget.spend()
                ended = self.budget.is_spent(step)
                window.count(self.config.data.batch_size)
                bar.update()
                if step % settings.summary_every == 0 or ended:
                    values = {name: float(value) for name, value in losses.items()}
                    values["learning_rate"] = float(self.optimizer.learning_rate)
                    values["images_per_second"] = window.images_per_second()
                    window = SpeedWindow()
                    self.summaries.training(values, step)
                    bar.set_postfix(
                        loss=f"{values['loss']:.3f}", best=self._best_for_people(), refresh=False
                    )
                if ended or self.budget.validation_is_due(step):
                    self._validate(step, bar)
                    self.budget.count_validation()
                    window = SpeedWindow()
                if ended or self.budget.checkpoint_is_due(step) or self._is_stale():
                    self.summaries.flush()
                    numbers = loss_scale.numbers_of(self.optimizer)
                    self.numbers.save(step, {"seconds": self.budget.seconds, **numbers})
                    self.checkpoints.save(step)
        best = float(self.progress.best_exact_match.numpy())
        return TrainingResult(
            step, best if self.eval_batches else None, int(self.progress.best_step.numpy())
        )

    def _begin_with(self, model: str, parts: str) -> None:
        """Take over the weights of another model and say which; the averages begin with them."""
        prefixes = parts.split(",") if parts else []
        saved = read_saved_weights(model)
        num_rows = self.config.image.image_height // self.recognizer.encoder.stride[0]
        transfer = transfer_weights(self.recognizer, self.charset, saved, prefixes, num_rows)
        self.averages.restart()
        logging.info("%s: %s", model, transfer.describe())
        if self.is_chief:
            transfer.save(self.work_dir)

    def _is_stale(self) -> bool:
        patience = self.config.training.patience
        return patience > 0 and int(self.progress.stale_validations.numpy()) >= patience

    def _best_for_people(self) -> str:
        best = float(self.progress.best_exact_match.numpy())
        return "-" if best < 0 else f"{best:.1%}"

    def _train_on_next(self, step: int) -> dict[str, tf.Tensor]:
        with explaining(self.train_source, self.report):
            batch = next(self.batches)
        losses = self.train_step(batch)
        loss, norm = float(losses["loss"]), float(losses["gradient_norm"])
        norm = math.inf if loss_scale.has_vanished(losses) else norm
        if not (math.isfinite(loss) and math.isfinite(norm)):
            keys = ", ".join(key.decode("utf-8") for key in batch["key"].numpy())
            raise FloatingPointError(
                f"Step {step + 1} is not finite: loss {loss}, gradient norm {norm}. "
                f"Its batch: {keys}"
            )
        self.num_shrunk += int(tf.math.count_nonzero(batch["shrunk"]))
        self.num_unknown += int(tf.math.count_nonzero(batch["targets"] == UNKNOWN_ID))
        return losses

    def _validate(self, step: int, bar: tqdm) -> None:
        """Validate the averaged weights and keep them if they are the best so far."""
        with self.averages.swapped_in():
            values = weight_values(self.recognizer)
            if self.eval_batches is None:
                self._keep(values)
                return
            evaluation = evaluate(self.recognize, self.eval_batches, self.charset)
            batch = next(iter(self.eval_batches))
            self.summaries.pictures(self.recognize, batch, step)
            if self.recognizer.rectifier is not None:
                self.summaries.rectified(self.recognizer.rectify, batch, step)
        if float(self.progress.best_exact_match.numpy()) < 0:
            reach = (self.charset, self.config.model.max_length)
            for line in find_unreachable(evaluation.predictions, *reach).lines():
                logging.warning("validation data: %s", line)
        self.summaries.validation(evaluation, step)
        bar.write(f"step {step}: {describe(evaluation.metrics)}")
        exact_match = evaluation.metrics.exact_match
        if exact_match > float(self.progress.best_exact_match.numpy()):
            self._keep(values)
            self.progress.best_exact_match.assign(exact_match)
            self.progress.best_step.assign(step)
            self.progress.stale_validations.assign(0)
        else:
            self.progress.stale_validations.assign_add(1)

    def _keep(self, values: Mapping[str, np.ndarray]) -> None:
        if self.is_chief:
            save_weights(values, self.work_dir / WEIGHTS_FILE)


def describe(metrics: TextMetrics) -> str:
    """Return the metrics of a validation in a line for people."""
    low, high = metrics.exact_match_interval
    return (
        f"exact match {metrics.exact_match:.1%} (95 % interval {low:.1%} to {high:.1%}, "
        f"{metrics.num_examples} images), CER {metrics.cer:.2%}"
    )


class SpeedWindow:
    """Images per second since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._num_images = 0

    def count(self, num_images: int) -> None:
        """Count a batch."""
        self._num_images += num_images

    def images_per_second(self) -> float:
        """Return the mean speed of the window."""
        return self._num_images / max(time.monotonic() - self._start, 1e-9)

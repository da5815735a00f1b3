"""One training run: its components, steps, validations and checkpoints."""

import gc
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from attention_ocr.data.pipeline import SkipReport, evaluation_batches, explaining, training_batches
from attention_ocr.data.sources import Source
from attention_ocr.evaluation.evaluate import evaluation_of, predict
from attention_ocr.evaluation.unreachable import find_unreachable
from attention_ocr.inference.network_file import has_network, load_network, precision_of
from attention_ocr.inference.work_directory import WEIGHTS_FILE, save_weights, weight_values
from attention_ocr.io.progress import compiling, progress_bar
from attention_ocr.models.build import build_recognizer
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset
from attention_ocr.training import loss_scale
from attention_ocr.training.budget import Budget
from attention_ocr.training.checkpoints import CHECKPOINTS, Checkpoints
from attention_ocr.training.devices import resolve_precision
from attention_ocr.training.hard_examples import make_selection
from attention_ocr.training.initial_weights import freeze_weights, load_initial_weights
from attention_ocr.training.interruption import Interruption, StoppedError, signal_name
from attention_ocr.training.optimization import (
    AveragedWeights,
    make_learning_rate,
    make_optimizer,
)
from attention_ocr.training.origin import Origin
from attention_ocr.training.pretrained import load_pretrained
from attention_ocr.training.progress import (
    BatchTally,
    Progress,
    SpeedWindow,
    TrainingResult,
    check_readable,
    describe,
)
from attention_ocr.training.remote_directory import LocalDirectory
from attention_ocr.training.shared_evaluation import share_predictions
from attention_ocr.training.step import make_train_step
from attention_ocr.training.summaries import Summaries
from attention_ocr.training.tracking import make_tracker
from attention_ocr.training.validation import Validation
from attention_ocr.training.workers import Workers

EVENTS = "events"


def _make_recognizer(
    config: Config, work_dir: Path, charset: Charset, initial_values: Sequence[np.ndarray] | None
) -> tuple[Recognizer, str]:
    """Build the recogniser, or load its own network; return its precision as well."""
    if has_network(work_dir):
        recognizer = load_network(work_dir, config, charset)
        precision = precision_of(recognizer)
    else:
        precision = resolve_precision(config.training.precision)
        recognizer = build_recognizer(config, charset, precision)
    if initial_values is not None:
        recognizer.set_weights(initial_values)
    if config.training.freeze:
        freeze_weights(recognizer, config.training.freeze.split(","))
    return recognizer, precision


def _share_of(num_examples: int | None, num_workers: int) -> int | None:
    """Return the number of examples of one worker, at most."""
    return None if num_examples is None else -(-num_examples // num_workers)


class Run:
    """One run, with all its components.

    Args:
        config: The settings.
        directory: The work directory, with its settings and charset written.
        charset: Charset of the model.
        strategy: Distribution strategy; its scope has been entered.
        train_source: Training examples.
        eval_source: Validation examples, if any.
        workers: The processes of the run.
        earlier_config: Settings that the directory held before, if any.
        initial_values: Initial weights of a composed network, if any.

    Attributes:
        has_begun: Whether there is something left to train with these settings.
        num_trained: Number of steps trained by this process.
    """

    def __init__(
        self,
        config: Config,
        directory: LocalDirectory,
        charset: Charset,
        strategy: tf.distribute.Strategy,
        train_source: Source,
        eval_source: Source | None,
        workers: Workers,
        earlier_config: Config | None = None,
        initial_values: Sequence[np.ndarray] | None = None,
    ) -> None:
        self.config = config
        self.publish = directory.publish
        self.work_dir = work_dir = directory.path
        self.charset = charset
        self.workers = workers
        settings = config.training
        self.recognizer, precision = _make_recognizer(config, work_dir, charset, initial_values)
        logging.info("computing in %s on %d device(s)", precision, workers.num_devices)
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
        self.validation = Validation(self.recognizer, config, charset)
        self.report = SkipReport(
            fails=config.data.on_bad_example == "fail", max_unreadable=config.data.max_unreadable
        )
        self.train_source = train_source
        self.selection = make_selection(config.data)
        self.origin = Origin(config, train_source, workers, earlier_config, eval_source)
        self.batches = self._draw()
        self.eval_batches, self.num_eval = None, None
        if eval_source:
            shard = (workers.index, workers.count)
            self.eval_batches = evaluation_batches(eval_source, config, shard)
            self.num_eval = _share_of(eval_source.num_examples, workers.count)
        self.checkpoints = self._open_checkpoints()
        self.summaries = Summaries(
            work_dir / EVENTS / f"worker_{workers.index}",
            config.image.num_views,
            make_tracker(config, work_dir) if workers.index == 0 else None,
        )
        self.has_begun = False
        self.num_trained = 0
        self.tally = BatchTally()
        self.kept_step = -1
        self.saved_step = 0
        self.redrawn = False

    def _open_checkpoints(self) -> Checkpoints:
        optimizer = loss_scale.unscaled_optimizer(self.optimizer)
        return Checkpoints(
            self.work_dir / CHECKPOINTS / f"worker_{self.workers.index}",
            {
                "model": [variable.value for variable in self.recognizer.variables],
                "optimizer": [variable.value for variable in optimizer.variables],
                "averages": self.averages.averages,
                "progress": self.progress.variables(),
                "batches": self.batches,
            },
            self.config.training.keep_checkpoints,
            remake={"batches": self._draw},
            reason_to_remake=self.origin.reason_to_reposition,
            group=self.workers,
        )

    def _draw(self) -> Iterator[dict[str, tf.Tensor]]:
        """Return batches from the current position in the data."""
        shard = (self.workers.index, self.workers.count)
        batches: Iterator[dict[str, tf.Tensor]] = iter(
            training_batches(
                *(self.train_source, self.config, self.charset, self.report),
                *(shard, self.origin.start, self.selection),
            )
        )
        return batches

    def close(self) -> None:
        """Close the pipeline and the event file, and log skipped examples."""
        self.summaries.close()
        # A pipeline that still renders would keep the interpreter from exiting.
        del self.batches
        gc.collect()
        for line in (*self.report.lines(), *self.tally.lines()):
            logging.warning("%s", line)

    def train(self, interruption: Interruption) -> TrainingResult:
        """Train from the current step to the last, or until validation stops improving.

        Args:
            interruption: Records signals that stop the run early.
        """
        settings = self.config.training
        self._resume_or_begin()
        # Existing objects are exempt from garbage collection: walking through all of TensorFlow's
        # takes a twentieth of the time of rendering.
        gc.freeze()
        step = int(self.progress.step.numpy())
        window = SpeedWindow()
        with (
            interruption.deferred(),
            progress_bar(
                *("training", self.budget.expected_steps(step), "step"), initial=step, delay_s=0.0
            ) as bar,
        ):
            if self.origin.validation_due:
                self._validate(step, bar, interruption)
                self._save(step)
            while not self.budget.is_spent(step) and not self._is_stale():
                self._stop_if_told(step, interruption)
                with nullcontext() if self.num_trained else compiling(bar, "the first step"):
                    losses = self._train_on_next(step)
                step += 1
                self.num_trained += 1
                self.progress.step.assign(step)
                self.budget.spend()
                ended = self.budget.is_spent(step)
                window.count(self.config.data.batch_size)
                bar.total = self.budget.expected_steps(step)
                bar.update()
                if step % settings.summary_every == 0 or ended:
                    values = {name: float(value) for name, value in losses.items()}
                    values["learning_rate"] = float(self.optimizer.learning_rate)
                    values["images_per_second"] = window.images_per_second()
                    window = SpeedWindow()
                    self.summaries.training(values, step)
                    bar.set_postfix(
                        loss=f"{values['loss']:.3f}",
                        best=self.progress.best_text(),
                        refresh=False,
                    )
                if ended or self.budget.validation_is_due(step):
                    self._validate(step, bar, interruption)
                    self.budget.count_validation()
                    window = SpeedWindow()
                if ended or self.budget.checkpoint_is_due(step) or self._is_stale():
                    self._save(step)
        best = float(self.progress.best_exact_match.numpy())
        return TrainingResult(
            step, best if self.eval_batches else None, int(self.progress.best_step.numpy())
        )

    def _resume_or_begin(self) -> None:
        """Restore the newest checkpoint, or start from the initial weights of the settings."""
        settings = self.config.training
        try:
            restored = self.checkpoints.restore()
        except ValueError as error:
            newest = next(iter(self.checkpoints.steps()), 0)
            record = self.checkpoints.record_of(newest)
            differences = self.origin.differences(newest, record)
            if not differences:
                raise
            raise ValueError(
                f"{error}. {self.work_dir} was trained with other settings; train with those, or "
                f"in another directory. Received: {', '.join(differences)}"
            ) from error
        if not restored:
            if settings.encoder_weights:
                load_pretrained(self.recognizer, settings.encoder_weights)
                self.averages.restart()
            if settings.init_from:
                transfer = load_initial_weights(self.recognizer, self.charset, self.config)
                self.averages.restart()
                if self.workers.index == 0:
                    transfer.save(self.work_dir)
        self.batches = self.checkpoints.state["batches"]
        step = int(self.progress.step.numpy())
        self.origin.resume_at(step, self.checkpoints.record())
        self.budget.resume_from(self.origin.numbers.get("seconds", 0.0))
        self.progress.best_cer = self.origin.numbers.get("best_cer", self.progress.best_cer)
        loss_scale.restore(self.optimizer, self.origin.numbers)
        spent = self.budget.is_spent(step)
        if not spent and (changed := self.origin.validates_otherwise()):
            self.progress.forget_validations()
            logging.warning(
                "%s changed: earlier scores do not count, and later weights replace the kept ones",
                changed,
            )
        ended = not self.origin.validation_due and (spent or self._is_stale())
        if restored:
            self.origin.log_changes(
                self.work_dir, step, ended, self.budget.limit(step) if spent else "patience"
            )
        self.has_begun = not ended
        self.saved_step = step
        self.summaries.settings(self.config, step, str(self.work_dir))
        if not restored and not tf.config.functions_run_eagerly():
            self.summaries.graph(self.validation.graph())

    def _is_stale(self) -> bool:
        patience = self.config.training.patience
        return patience > 0 and int(self.progress.stale_validations.numpy()) >= patience

    def _stop_if_told(
        self, step: int, interruption: Interruption, validation_due: bool = False
    ) -> None:
        """Write a checkpoint and stop if this process, or another worker, has received a signal."""
        number = self.workers.largest(interruption.number)
        if not number:
            return
        reason = f"stopped by {signal_name(number)}"
        if not step:
            raise StoppedError(
                number, f"{reason} before the first step; run the same command to start again."
            )
        if self.saved_step != step:
            self._save(step, validation_due)
        raise StoppedError(
            number,
            f"{reason} after step {step}, of which {self.work_dir} holds a checkpoint; run the "
            "same command to resume.",
        )

    def _save(self, step: int, validation_due: bool = False) -> None:
        """Write a checkpoint; until the first validation, also the current model."""
        self.summaries.flush()
        if not self.progress.has_validated and self.kept_step != step:
            if self.kept_step < 0:
                logging.info(
                    "%s: the averaged weights of step %d, and from now on of each checkpoint%s",
                    *(self.work_dir / WEIGHTS_FILE, step),
                    ", until the first validation" if self.eval_batches else "",
                )
            with self.averages.swapped_in():
                self._keep(weight_values(self.recognizer), step)
        numbers = {
            "seconds": self.budget.seconds,
            "best_cer": self.progress.best_cer,
            **loss_scale.numbers_of(self.optimizer),
        }
        num_skipped = sum(self.report.counts.values())
        record = self.origin.record(step, num_skipped, validation_due, numbers)
        self.checkpoints.save(step, record)
        self.publish()
        self.saved_step = step

    def _next_batch(self, step: int) -> dict[str, tf.Tensor]:
        try:
            with explaining(self.train_source, self.report):
                return next(self.batches)
        except ValueError as error:
            # A checkpoint includes prefetched data, and with them the error that ended the run.
            if self.report.failure or self.redrawn or not self.checkpoints.restored:
                raise
            logging.warning("restarting the input pipeline after step %d: %s", step, error)
        self.redrawn = True
        self.origin.start = self.origin.position(step, sum(self.report.counts.values()))
        self.batches = self._draw()
        self.checkpoints.replace("batches", self.batches)
        return self._next_batch(step)

    def _train_on_next(self, step: int) -> dict[str, tf.Tensor]:
        batch = self._next_batch(step)
        losses = self.train_step(batch)
        loss, norm = float(losses["loss"]), float(losses["gradient_norm"])
        norm = math.inf if loss_scale.has_vanished(losses) else norm
        if not (math.isfinite(loss) and math.isfinite(norm)):
            keys = ", ".join(key.decode("utf-8") for key in batch["key"].numpy())
            raise FloatingPointError(
                f"Step {step + 1} is not finite: loss {loss}, gradient norm {norm}. "
                f"Its batch: {keys}"
            )
        self.tally.count(batch)
        return losses

    def _validate(self, step: int, bar: Any, interruption: Interruption) -> None:
        """Validate the averaged weights and keep them if they are the best so far."""
        if self.eval_batches is None:
            with self.averages.swapped_in():
                self._keep(weight_values(self.recognizer), step)
            return
        # Several workers may only stop at the same point, after the validation.
        batches = self.eval_batches
        watched = interruption.watching(batches) if self.workers.count == 1 else batches
        try:
            with self.averages.swapped_in():
                values = weight_values(self.recognizer)
                self.validation.reset()
                own = predict(self.validation.read, watched, self.charset, self.num_eval)
                evaluation = evaluation_of(share_predictions(own, self.workers))
                # Of fewer images than workers, some have none.
                batch = next(iter(self.eval_batches), None)
                if batch is not None:
                    self.summaries.images(self.validation.recognize, batch, step)
                if batch is not None and self.recognizer.rectifier is not None:
                    self.summaries.rectified(self.recognizer.rectify, batch, step)
        except StoppedError:
            self._stop_if_told(step, interruption, validation_due=True)
        check_readable(evaluation.predictions, self.config.data)
        if not self.progress.has_validated:
            reach = (self.charset, self.config.model.max_length)
            for line in find_unreachable(evaluation.predictions, *reach).lines():
                logging.warning("validation data: %s", line)
        bar.write(f"step {step}: {describe(evaluation.metrics)}")
        metrics = evaluation.metrics
        if self.progress.record_validation(metrics.exact_match, metrics.cer, step):
            self._keep(values, step)
        best = {"best_exact_match": float(self.progress.best_exact_match.numpy())}
        self.summaries.validation(evaluation, step, self.validation.losses() | best)

    def _keep(self, values: Mapping[str, np.ndarray], step: int) -> None:
        self.kept_step = step
        if self.workers.index == 0:
            save_weights(values, self.work_dir / WEIGHTS_FILE)

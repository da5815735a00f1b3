"""The training loop."""

import gc
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from tqdm import tqdm

from attention_ocr.charset import UNKNOWN_ID, Charset
from attention_ocr.config import Config
from attention_ocr.data.pipeline import SkipReport, evaluation_batches, explaining, training_batches
from attention_ocr.data.sources import Source, open_source
from attention_ocr.evaluation.evaluate import evaluate, make_recognize
from attention_ocr.models.build import build_recognizer
from attention_ocr.training.checkpoints import CHECKPOINTS, Checkpoints
from attention_ocr.training.devices import make_strategy, resolve_precision
from attention_ocr.training.initial_weights import (
    freeze_weights,
    read_saved_weights,
    transfer_weights,
)
from attention_ocr.training.interruption import Interruption, StoppedError, signal_name
from attention_ocr.training.optimization import AveragedWeights, make_optimizer
from attention_ocr.training.origin import Origin
from attention_ocr.training.preparation import (
    KeptSettings,
    clear_left_overs,
    prepare_work_directory,
)
from attention_ocr.training.pretrained import check_encoder, load_pretrained
from attention_ocr.training.progress import (
    Progress,
    SpeedWindow,
    TrainingResult,
    check_readable,
    describe,
)
from attention_ocr.training.run_lock import RunLock
from attention_ocr.training.step import make_train_step
from attention_ocr.training.summaries import Summaries
from attention_ocr.training.workers import Workers, explaining_lost_workers
from attention_ocr.work_directory import WEIGHTS_FILE, save_weights, weight_values

EVENTS = "events"


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
        ValueError: settings that do not go with the data, or with what the directory holds; another
            run is training there; no example left to train on, or too many images that cannot be
            read.
        FileNotFoundError: there is no such data.
        FloatingPointError: a loss that is not finite; the message names step and batch.
        OSError: the disk is full or cannot be written, or another worker has ended.
        StoppedError: a signal asked the process to end; a checkpoint has been written.
    """
    with Interruption() as interruption:
        if config.training.deterministic:
            keras.utils.set_random_seed(config.training.seed)
            tf.config.experimental.enable_op_determinism()
        strategy = make_strategy(config.training.strategy)
        check_encoder(config)
        train_source = open_source(config.data.train_data)
        eval_source = open_source(config.data.eval_data) if config.data.eval_data else None
        workers = Workers(strategy)
        work_dir.mkdir(parents=True, exist_ok=True)
        with (
            RunLock(work_dir, workers.index),
            explaining_lost_workers(workers),
            KeptSettings(work_dir, workers.index == 0) as kept_settings,
        ):
            clear_left_overs(work_dir, workers)
            charset = prepare_work_directory(config, work_dir, train_source)
            with strategy.scope():
                run = Run(
                    *(config, work_dir, charset, strategy, train_source, eval_source),
                    *(workers, kept_settings.before),
                )
            try:
                return run.to_the_end(interruption)
            finally:
                run.close()
                kept_settings.are_replaced = run.has_begun


class Run:
    """One run: all that it needs, made once.

    Args:
        config: the settings.
        work_dir: the work directory, with its settings and charset written.
        charset: of the model.
        strategy: whose scope is entered.
        train_source: training examples.
        eval_source: validation examples, if any.
        workers: the processes of the run.
        earlier_config: settings that the directory held before, if any.

    Attributes:
        has_begun: whether there is something left to train, with these settings.
        num_trained: steps done by this process.
    """

    def __init__(
        self,
        config: Config,
        work_dir: Path,
        charset: Charset,
        strategy: tf.distribute.Strategy,
        train_source: Source,
        eval_source: Source | None,
        workers: Workers,
        earlier_config: Config | None = None,
    ) -> None:
        self.config = config
        self.work_dir = work_dir
        self.charset = charset
        self.workers = workers
        settings = config.training
        precision = resolve_precision(settings.precision)
        logging.info("computing in %s on %d device(s)", precision, workers.num_devices)
        self.recognizer = build_recognizer(config, charset, precision)
        if settings.freeze:
            freeze_weights(self.recognizer, settings.freeze.split(","))
        self.optimizer = make_optimizer(settings, self.recognizer.trainable_variables)
        self.averages = AveragedWeights(self.recognizer.weights, settings.average_decay)
        self.progress = Progress()
        self.train_step = make_train_step(
            strategy, self.recognizer, self.optimizer, self.averages, config
        )
        self.recognize = make_recognize(self.recognizer, config, charset)
        self.report = SkipReport(
            fails=config.data.on_bad_example == "fail", max_unreadable=config.data.max_unreadable
        )
        self.train_source = train_source
        self.origin = Origin(config, train_source, workers, earlier_config)
        self.batches = self._draw()
        self.eval_batches = evaluation_batches(eval_source, config) if eval_source else None
        self.checkpoints = Checkpoints(
            work_dir / CHECKPOINTS / f"worker_{workers.index}",
            {
                "model": [variable.value for variable in self.recognizer.variables],
                "optimizer": [variable.value for variable in self.optimizer.variables],
                "averages": self.averages.averages,
                "progress": self.progress.variables(),
                "batches": self.batches,
            },
            settings.keep_checkpoints,
            remake={"batches": self._draw},
            reason_to_remake=self.origin.reason_to_draw_anew,
            group=workers,
        )
        self.summaries = Summaries(
            work_dir / EVENTS / f"worker_{workers.index}", config.image.num_views
        )
        self.has_begun = False
        self.num_trained = 0
        self.num_shrunk = 0
        self.num_unknown = 0
        self.kept_step = -1
        self.saved_step = 0
        self.redrawn = False

    def _draw(self) -> Iterator[dict[str, tf.Tensor]]:
        """Return batches from where the run stands in its data."""
        shard = (self.workers.index, self.workers.count)
        batches: Iterator[dict[str, tf.Tensor]] = iter(
            training_batches(
                *(self.train_source, self.config, self.charset, self.report),
                *(shard, self.origin.start),
            )
        )
        return batches

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

    def to_the_end(self, interruption: Interruption) -> TrainingResult:
        """Train from where the run stands until its last step, or until it stops improving.

        Args:
            interruption: notes the signals that stop the run before.
        """
        settings = self.config.training
        self._go_on_or_begin()
        step = int(self.progress.step.numpy())
        window = SpeedWindow()
        with (
            interruption.deferred(),
            tqdm(
                total=settings.steps, initial=step, unit="step", desc="training", mininterval=1.0
            ) as bar,
        ):
            if self.origin.validation_due:
                self._validate(step, bar, interruption)
                self._save(step)
            while step < settings.steps and not self._is_stale():
                self._stop_if_told(step, interruption)
                losses = self._train_on_next(step)
                step += 1
                self.num_trained += 1
                self.progress.step.assign(step)
                window.count(self.config.data.batch_size)
                bar.update()
                if step % settings.summary_every == 0 or step == settings.steps:
                    values = {name: float(value) for name, value in losses.items()}
                    values["learning_rate"] = float(self.optimizer.learning_rate)
                    values["images_per_second"] = window.images_per_second()
                    window = SpeedWindow()
                    self.summaries.training(values, step)
                    bar.set_postfix(
                        loss=f"{values['loss']:.3f}",
                        best=self.progress.best_for_people(),
                        refresh=False,
                    )
                last = step == settings.steps
                if step % settings.eval_every == 0 or last:
                    self._validate(step, bar, interruption)
                    window = SpeedWindow()
                if step % settings.checkpoint_every == 0 or last or self._is_stale():
                    self._save(step)
        best = float(self.progress.best_exact_match.numpy())
        return TrainingResult(
            step, best if self.eval_batches else None, int(self.progress.best_step.numpy())
        )

    def _go_on_or_begin(self) -> None:
        """Restore the newest checkpoint, or begin with the weights that the settings name."""
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
                self._begin_with(settings.init_from, settings.init_parts)
        self.batches = self.checkpoints.state["batches"]
        step = int(self.progress.step.numpy())
        self.origin.begins_at(step, self.checkpoints.record())
        ended = not self.origin.validation_due and (step >= settings.steps or self._is_stale())
        if restored:
            self.origin.tell(
                self.work_dir, step, ended, "steps" if step >= settings.steps else "patience"
            )
        self.has_begun = not ended
        self.saved_step = step
        self.summaries.settings(self.config, step)

    def _begin_with(self, model: str, parts: str) -> None:
        """Take over the weights of another model and say which; the averages begin with them."""
        prefixes = parts.split(",") if parts else []
        saved = read_saved_weights(model)
        num_rows = self.config.image.image_height // self.recognizer.encoder.stride[0]
        transfer = transfer_weights(self.recognizer, self.charset, saved, prefixes, num_rows)
        self.averages.restart()
        logging.info("%s: %s", model, transfer.describe())
        if self.workers.index == 0:
            transfer.save(self.work_dir)

    def _is_stale(self) -> bool:
        patience = self.config.training.patience
        return patience > 0 and int(self.progress.stale_validations.numpy()) >= patience

    def _stop_if_told(
        self, step: int, interruption: Interruption, validation_due: bool = False
    ) -> None:
        """Write a checkpoint and stop if this process, or another worker, has had a signal."""
        number = self.workers.largest(interruption.number)
        if not number:
            return
        told = f"stopped by {signal_name(number)}"
        if not step:
            raise StoppedError(
                number, f"{told} before the first step; the same command starts again."
            )
        if self.saved_step != step:
            self._save(step, validation_due)
        raise StoppedError(
            number,
            f"{told} after step {step}, of which {self.work_dir} holds a checkpoint; the same "
            "command goes on from there.",
        )

    def _save(self, step: int, validation_due: bool = False) -> None:
        """Write a checkpoint, and the model as it is while no validation has chosen one."""
        self.summaries.flush()
        if not self.progress.has_validated and self.kept_step != step:
            if self.kept_step < 0:
                logging.info(
                    "%s: the averaged weights of step %d, and from here on of each checkpoint%s",
                    *(self.work_dir / WEIGHTS_FILE, step),
                    ", until the first validation" if self.eval_batches else "",
                )
            with self.averages.swapped_in():
                self._keep(weight_values(self.recognizer), step)
        num_left_out = sum(self.report.counts.values())
        self.checkpoints.save(step, self.origin.record(step, num_left_out, validation_due))
        self.saved_step = step

    def _next_batch(self, step: int) -> dict[str, tf.Tensor]:
        try:
            with explaining(self.train_source, self.report):
                return next(self.batches)
        except ValueError as error:
            # A checkpoint holds what was drawn ahead, and with it what ended the run before.
            if self.report.failure or self.redrawn or not self.checkpoints.restored:
                raise
            logging.warning("drawing the data anew after step %d: %s", step, error)
        self.redrawn = True
        self.origin.start = self.origin.position(step, sum(self.report.counts.values()))
        self.batches = self._draw()
        self.checkpoints.replace("batches", self.batches)
        return self._next_batch(step)

    def _train_on_next(self, step: int) -> dict[str, tf.Tensor]:
        batch = self._next_batch(step)
        losses = self.train_step(batch)
        loss, norm = float(losses["loss"]), float(losses["gradient_norm"])
        if not (math.isfinite(loss) and math.isfinite(norm)):
            keys = ", ".join(key.decode("utf-8") for key in batch["key"].numpy())
            raise FloatingPointError(
                f"Step {step + 1} is not finite: loss {loss}, gradient norm {norm}. "
                f"Its batch: {keys}"
            )
        self.num_shrunk += int(tf.math.count_nonzero(batch["shrunk"]))
        self.num_unknown += int(tf.math.count_nonzero(batch["targets"] == UNKNOWN_ID))
        return losses

    def _validate(self, step: int, bar: tqdm, interruption: Interruption) -> None:
        """Validate the averaged weights and keep them if they are the best so far."""
        if self.eval_batches is None:
            with self.averages.swapped_in():
                self._keep(weight_values(self.recognizer), step)
            return
        # Several workers stop at one and the same place only, after the validation.
        batches = self.eval_batches
        watched = interruption.watching(batches) if self.workers.count == 1 else batches
        try:
            with self.averages.swapped_in():
                values = weight_values(self.recognizer)
                evaluation = evaluate(self.recognize, watched, self.charset)
                batch = next(iter(self.eval_batches))
                self.summaries.pictures(self.recognize, batch, step)
                if self.recognizer.rectifier is not None:
                    self.summaries.rectified(self.recognizer.rectify, batch, step)
        except StoppedError:
            self._stop_if_told(step, interruption, validation_due=True)
        check_readable(evaluation.predictions, self.config.data)
        self.summaries.validation(evaluation, step)
        bar.write(f"step {step}: {describe(evaluation.metrics)}")
        exact_match = evaluation.metrics.exact_match
        if exact_match > float(self.progress.best_exact_match.numpy()):
            self._keep(values, step)
            self.progress.best_exact_match.assign(exact_match)
            self.progress.best_step.assign(step)
            self.progress.stale_validations.assign(0)
        else:
            self.progress.stale_validations.assign_add(1)

    def _keep(self, values: Mapping[str, np.ndarray], step: int) -> None:
        self.kept_step = step
        if self.workers.index == 0:
            save_weights(values, self.work_dir / WEIGHTS_FILE)

"""How the recogniser is trained."""

import dataclasses
import math

from attention_ocr.settings.checks import (
    check,
    check_choice,
    check_fraction,
    check_not_negative,
    check_positive,
)

DEFAULT_STEPS = 20000
"""Of a run whose data nobody can count; settings that are counted in steps are made for them."""

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
OPTIMIZERS = ("adamw", "adam", "muon", "sgd", "adadelta", "adagrad", "rmsprop")
SCHEDULES = ("cosine", "exponential", "constant", "trapezoid")
CLIPPINGS = ("global_norm", "per_variable", "none")
LOSS_REDUCTIONS = ("tokens", "examples")
SAMPLINGS = ("none", "linear", "exponential", "inverse_sigmoid")
STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker")

CHOICES = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "clipping": CLIPPINGS,
    "loss_reduction": LOSS_REDUCTIONS,
    "scheduled_sampling": SAMPLINGS,
    "precision": PRECISIONS,
    "strategy": STRATEGIES,
}
"""What each of the settings may be that have a fixed set of values."""


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How the recogniser is trained.

    Args:
        steps: optimiser steps of the whole run; 0 leaves them to `minutes`, or without those to the
            data: a hundred walks through them, from 1,000 to 20,000 steps (`training.budget`).
        minutes: of training and validation, without start-up, after which the run ends; the
            learning rate follows the share that is spent, as it would in a run of 20,000 steps.
            With `steps` too, what is reached first ends the run. 0 counts steps alone.
        optimizer: `adamw`, `adam`, `muon`, `sgd`, `adadelta`, `adagrad` or `rmsprop`.
        momentum: of `optimizer=sgd`, `optimizer=rmsprop` and `optimizer=muon`.
        schedule: how the rate falls: `cosine`, `exponential`, `constant`, or `trapezoid`: not
            before the last `decay_steps`.
        learning_rate: peak of the schedule.
        warmup_steps: steps over which the rate rises from 0 to its peak; at most a twentieth of
            the run where its steps are left to the data.
        final_learning_rate: fraction of the peak at which the schedule ends.
        decay_steps: steps of the fall in `schedule=trapezoid`.
        weight_decay: decoupled decay of `optimizer=adamw` and `optimizer=muon`; biases and
            normalisation scales are spared.
        l2: weight of half of the squared norm of the weights in the loss, for any optimiser;
            biases and normalisation scales are spared.
        clipping: what is at most `clip_norm` long: `global_norm` of the gradient, the gradient
            `per_variable`, or `none`.
        clip_norm: largest norm of the gradient; 0 clips nothing.
        loss_reduction: mean over `tokens`, or over `examples` of the sum of each one's tokens.
        label_smoothing: share of the target's probability spread over the vocabulary.
        scheduled_sampling: how the probability rises with which the decoder is fed its own
            characters in training: `linear`, `exponential`, `inverse_sigmoid`, or `none`.
        sampling_final: that probability at its end.
        sampling_steps: over which it rises.
        reinforce_weight: of hard attention, weight of the loss that teaches it where to look.
        entropy_weight: of hard attention, weight of the entropy that it is rewarded for.
        average_decay: decay of the averaged weights; 0 averages nothing.
        precision: `bfloat16`, `float32`, `float16` with a loss that is scaled, or `auto`: bfloat16
            where every device computes in it, float16 where GPUs have no bfloat16 but fast float16.
        jit_compile: compile the training step by XLA; each shape of a batch is compiled once, so
            batches are padded to the limits of their buckets.
        eval_every: steps between two validations; 0 for twenty in the run, at most 1,000 steps
            apart.
        checkpoint_every: steps between two checkpoints; 0 for forty in the run, at most 500 steps
            or five minutes apart.
        summary_every: steps between two scalars in TensorBoard.
        keep_checkpoints: checkpoints kept besides the best weights.
        patience: validations without a better exact match after which the run ends; 0 never
            ends early.
        strategy: how steps are spread over devices, see `training.devices.make_strategy`.
        deterministic: make two runs equal bit for bit, at some cost in speed.
        seed: of the initial weights, the order of the data, and dropout.
        encoder_weights: file with the weights of a network of `keras.applications`, without its
            classifier, that such an encoder begins with; empty begins with random ones.
        init_from: a work directory or an export whose weights the run begins with, or `default`,
            the weights that come with the package; empty begins with random ones.
        init_parts: which of them, beginnings of their paths with commas between, as
            `encoder,decoder/lstm`; empty takes all that fit.
        freeze: weights that stay as they are, beginnings of their paths with commas between.
        learning_rate_scales: factors of the learning rate by beginnings of the weights' paths, as
            `encoder=0.1,decoder/lstm=0.5`; the longest that fits counts, and weight decay is not
            scaled. Empty trains all at one rate.
    """

    steps: int = 0
    minutes: float = 0.0
    optimizer: str = "adamw"
    momentum: float = 0.9
    schedule: str = "cosine"
    learning_rate: float = 2e-3
    warmup_steps: int = 500
    final_learning_rate: float = 0.01
    decay_steps: int = 2000
    weight_decay: float = 1e-2
    l2: float = 0.0
    clipping: str = "global_norm"
    clip_norm: float = 5.0
    loss_reduction: str = "tokens"
    label_smoothing: float = 0.0
    scheduled_sampling: str = "none"
    sampling_final: float = 0.25
    sampling_steps: int = 10000
    reinforce_weight: float = 1.0
    entropy_weight: float = 0.01
    average_decay: float = 0.999
    precision: str = "auto"
    jit_compile: bool = False
    eval_every: int = 0
    checkpoint_every: int = 0
    summary_every: int = 20
    keep_checkpoints: int = 2
    patience: int = 0
    strategy: str = "auto"
    deterministic: bool = False
    seed: int = 0
    encoder_weights: str = ""
    init_from: str = ""
    init_parts: str = ""
    freeze: str = ""
    learning_rate_scales: str = ""

    def learning_rate_factors(self) -> dict[str, float]:
        """Return the factors of `learning_rate_scales` by prefix.

        Raises:
            ValueError: an entry that is no prefix and number, or a number below 0.
        """
        factors = {}
        for entry in filter(None, self.learning_rate_scales.split(",")):
            prefix, _, number = entry.partition("=")
            try:
                factors[prefix] = float(number)
            except ValueError:
                factors[prefix] = -1.0
            check(
                bool(prefix) and 0.0 <= factors[prefix] < math.inf,
                "`learning_rate_scales` must hold entries like encoder=0.1, of numbers from 0 on.",
                entry,
            )
        return factors

    def __post_init__(self) -> None:
        check_positive(
            self,
            "learning_rate",
            "decay_steps",
            "sampling_steps",
            "summary_every",
            "keep_checkpoints",
        )
        check_not_negative(
            self,
            "steps",
            "minutes",
            "eval_every",
            "checkpoint_every",
            "warmup_steps",
            "weight_decay",
            "l2",
            "clip_norm",
            "patience",
            "seed",
            "reinforce_weight",
            "entropy_weight",
        )
        check_fraction(
            self,
            "momentum",
            "final_learning_rate",
            "label_smoothing",
            "sampling_final",
            "average_decay",
        )
        for name, choices in CHOICES.items():
            check_choice(name, getattr(self, name), choices)
        steps = self.steps or DEFAULT_STEPS
        check(
            self.warmup_steps < steps,
            f"`warmup_steps` must be below `steps` ({steps}).",
            self.warmup_steps,
        )
        check(
            self.schedule != "trapezoid" or self.warmup_steps + self.decay_steps <= steps,
            f"`warmup_steps` and `decay_steps` must fit into `steps` ({steps}).",
            (self.warmup_steps, self.decay_steps),
        )
        check(
            not self.minutes or self.strategy != "multi_worker",
            "`minutes` must be 0 with `strategy=multi_worker`: all workers must end at one step.",
            self.minutes,
        )
        check(
            self.schedule != "exponential" or self.final_learning_rate > 0,
            "`schedule=exponential` needs a `final_learning_rate` above 0.",
            self.final_learning_rate,
        )
        check(
            self.scheduled_sampling == "none" or self.sampling_final > 0,
            f"`scheduled_sampling={self.scheduled_sampling}` needs a `sampling_final` above 0.",
            self.sampling_final,
        )
        self.learning_rate_factors()
        check(
            not self.init_parts or bool(self.init_from),
            "`init_parts` needs `init_from`, the model that they come from.",
            self.init_parts,
        )

"""How the recogniser is trained."""

import dataclasses

from attention_ocr.settings.checks import (
    check,
    check_choice,
    check_fraction,
    check_not_negative,
    check_positive,
)

PRECISIONS = ("auto", "float32", "bfloat16")
STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker")


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How the recogniser is trained.

    Args:
        steps: optimiser steps of the whole run.
        learning_rate: peak of the schedule.
        warmup_steps: steps over which the rate rises from 0 to its peak.
        final_learning_rate: fraction of the peak at which the cosine ends.
        weight_decay: AdamW's decoupled decay; biases and normalisation scales are spared.
        clip_norm: largest global norm of the gradient; 0 clips nothing.
        label_smoothing: share of the target's probability spread over the vocabulary.
        reinforce_weight: of hard attention, weight of the loss that teaches it where to look.
        entropy_weight: of hard attention, weight of the entropy that it is rewarded for.
        average_decay: decay of the averaged weights; 0 averages nothing.
        precision: `bfloat16`, `float32`, or `auto`: bfloat16 where the processor computes in it.
        eval_every: steps between two validations.
        checkpoint_every: steps between two checkpoints.
        summary_every: steps between two scalars in TensorBoard.
        keep_checkpoints: checkpoints kept besides the best weights.
        patience: validations without a better exact match after which the run ends; 0 never
            ends early.
        strategy: how steps are spread over devices, see `training.devices.make_strategy`.
        deterministic: make two runs equal bit for bit, at some cost in speed.
        seed: of the initial weights, the order of the data, and dropout.
        init_from: a work directory or an export whose weights the run begins with, or `default`,
            the weights that come with the package; empty begins with random ones.
        init_parts: which of them, beginnings of their paths with commas between, as
            `encoder,decoder/lstm`; empty takes all that fit.
        freeze: weights that stay as they are, beginnings of their paths with commas between.
    """

    steps: int = 20000
    learning_rate: float = 2e-3
    warmup_steps: int = 500
    final_learning_rate: float = 0.01
    weight_decay: float = 1e-2
    clip_norm: float = 5.0
    label_smoothing: float = 0.0
    reinforce_weight: float = 1.0
    entropy_weight: float = 0.01
    average_decay: float = 0.999
    precision: str = "auto"
    eval_every: int = 1000
    checkpoint_every: int = 500
    summary_every: int = 20
    keep_checkpoints: int = 2
    patience: int = 0
    strategy: str = "auto"
    deterministic: bool = False
    seed: int = 0
    init_from: str = ""
    init_parts: str = ""
    freeze: str = ""

    def __post_init__(self) -> None:
        check_positive(
            self,
            "steps",
            "learning_rate",
            "eval_every",
            "checkpoint_every",
            "summary_every",
            "keep_checkpoints",
        )
        check_not_negative(
            self,
            "warmup_steps",
            "weight_decay",
            "clip_norm",
            "patience",
            "seed",
            "reinforce_weight",
            "entropy_weight",
        )
        check_fraction(self, "label_smoothing", "average_decay", "final_learning_rate")
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("strategy", self.strategy, STRATEGIES)
        check(
            self.warmup_steps < self.steps,
            f"`warmup_steps` must be below `steps` ({self.steps}).",
            self.warmup_steps,
        )
        check(
            not self.init_parts or bool(self.init_from),
            "`init_parts` needs `init_from`, the model that they come from.",
            self.init_parts,
        )

"""Training of the recogniser."""

import dataclasses
import math

from attention_ocr.settings.checks import check
from attention_ocr.settings.fields import (
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    check_fields,
    setting,
)

DEFAULT_STEPS = 20000
"""Steps of a run on data of unknown size; defaults counted in steps suit this number."""

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
OPTIMIZERS = ("adamw", "adam", "muon", "sgd", "adadelta", "adagrad", "rmsprop")
SCHEDULES = ("cosine", "exponential", "constant", "trapezoid")
CLIPPINGS = ("global_norm", "per_variable", "none")
LOSS_REDUCTIONS = ("tokens", "examples")
SAMPLINGS = ("none", "linear", "exponential", "inverse_sigmoid")
STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker")


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Training of the recogniser."""

    steps: int = setting(
        0,
        "Training steps; 0 to train for --minutes or, without --minutes, for 100 epochs, at least "
        "1,000 and at most 20,000 steps.",
        NOT_NEGATIVE,
    )
    minutes: float = setting(
        0.0,
        "Training time in minutes, including validation but not start-up, to which the learning "
        "rate schedule is fitted; with --steps, the first limit reached ends the run. 0 for "
        "--steps alone.",
        NOT_NEGATIVE,
    )
    optimizer: str = setting("adamw", "Optimizer.", choices=OPTIMIZERS)
    momentum: float = setting(0.9, "Momentum of --optimizer=sgd, rmsprop and muon.", FRACTION)
    schedule: str = setting(
        "cosine",
        "Learning rate schedule after the warm-up; trapezoid is constant until the last "
        "--decay_steps.",
        choices=SCHEDULES,
    )
    learning_rate: float = setting(2e-3, "Peak learning rate.", POSITIVE)
    warmup_steps: int = setting(
        500,
        "Warm-up steps, in which the learning rate rises from 0 to its peak; at most a twentieth "
        "of a run whose steps are left to the data.",
        NOT_NEGATIVE,
    )
    final_learning_rate: float = setting(
        0.01, "Final learning rate, as a fraction of the peak.", FRACTION
    )
    decay_steps: int = setting(
        2000, "Steps of the decay at the end of --schedule=trapezoid.", POSITIVE
    )
    weight_decay: float = setting(
        1e-2,
        "Decoupled weight decay of --optimizer=adamw and muon; biases and normalisation scales are "
        "exempt.",
        NOT_NEGATIVE,
    )
    l2: float = setting(
        0.0,
        "L2 regularisation: weight of half the squared norm of the weights in the loss; biases and "
        "normalisation scales are exempt.",
        NOT_NEGATIVE,
    )
    clipping: str = setting(
        "global_norm",
        "Gradient clipping, by the norm of the whole gradient or of that of each variable.",
        choices=CLIPPINGS,
    )
    clip_norm: float = setting(
        5.0, "Largest gradient norm of --clipping; 0 for no clipping.", NOT_NEGATIVE
    )
    loss_reduction: str = setting(
        "tokens",
        "Loss reduction: the mean over tokens, or over examples of the sum of each one's tokens.",
        choices=LOSS_REDUCTIONS,
    )
    label_smoothing: float = setting(
        0.0,
        "Label smoothing: fraction of the target's probability spread over the vocabulary.",
        FRACTION,
    )
    scheduled_sampling: str = setting(
        "none",
        "Scheduled sampling: how the probability rises with which the decoder is fed its own "
        "predictions in training.",
        choices=SAMPLINGS,
    )
    sampling_final: float = setting(0.25, "Final scheduled-sampling probability.", FRACTION)
    sampling_steps: int = setting(
        10000, "Steps over which the scheduled-sampling probability rises.", POSITIVE
    )
    reinforce_weight: float = setting(
        1.0,
        "Weight of the REINFORCE loss, which teaches --attention=hard where to look.",
        NOT_NEGATIVE,
    )
    entropy_weight: float = setting(
        0.01, "Weight of the entropy bonus of --attention=hard.", NOT_NEGATIVE
    )
    average_decay: float = setting(
        0.999, "Decay of the exponential moving average of the weights; 0 for none.", FRACTION
    )
    precision: str = setting(
        "auto",
        "Computation precision; auto is bfloat16 where every device computes in it, and float16, "
        "with loss scaling, on GPUs that have tensor cores without it.",
        choices=PRECISIONS,
    )
    jit_compile: bool = setting(
        False,
        "Compile the training step with XLA, for GPUs: slow to start, once per bucket, to whose "
        "limits batches are padded.",
    )
    eval_every: int = setting(
        0,
        "Steps between validations; 0 for twenty in the run, at most 1,000 steps apart.",
        NOT_NEGATIVE,
    )
    checkpoint_every: int = setting(
        0,
        "Steps between checkpoints; 0 for forty in the run, at most 500 steps or five minutes "
        "apart.",
        NOT_NEGATIVE,
    )
    summary_every: int = setting(20, "Steps between TensorBoard summaries.", POSITIVE)
    tracker: str = setting(
        "",
        "Experiment tracker besides TensorBoard: 'package.module:Class', see docs/evaluation.md; "
        "empty for none.",
    )
    keep_checkpoints: int = setting(2, "Checkpoints kept besides the best weights.", POSITIVE)
    patience: int = setting(
        0,
        "Early stopping: validations without a better exact match (of equal ones, a lower CER) "
        "after which the run ends; 0 for never.",
        NOT_NEGATIVE,
    )
    strategy: str = setting(
        "auto", "Distribution strategy over devices and workers.", choices=STRATEGIES
    )
    deterministic: bool = setting(False, "Bit-exact deterministic training; slower.")
    seed: int = setting(0, "Random seed of weights, data order and dropout.", NOT_NEGATIVE)
    encoder_weights: str = setting(
        "",
        "Weights file (without the classifier) that initialises an encoder of keras.applications; "
        "empty for random weights.",
    )
    init_from: str = setting(
        "",
        "Initial weights: a work directory, an export, or 'default' or 'lines', a bundled model; "
        "flags of the image, the network and the search that are not given take its settings. "
        "Empty for random weights.",
    )
    init_parts: str = setting(
        "",
        "Parts of --init_from to use: prefixes of weight paths, 'encoder,sequence_0'; empty for "
        "all that fit.",
    )
    freeze: str = setting(
        "", "Frozen weights: prefixes of weight paths, 'encoder,decoder/lstm'; empty for none."
    )
    learning_rate_scales: str = setting(
        "",
        "Learning rate factors by prefix of weight paths, 'encoder=0.1,decoder/lstm=0.5'; the "
        "longest matching prefix counts, and weight decay is not scaled. Empty for one rate.",
    )

    def learning_rate_factors(self) -> dict[str, float]:
        """Return the factors of `learning_rate_scales` by prefix.

        Raises:
            ValueError: If an entry is not `prefix=number`, or a number is below 0.
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
                "`learning_rate_scales` must hold entries like encoder=0.1, with numbers not "
                "below 0.",
                entry,
            )
        return factors

    def __post_init__(self) -> None:
        check_fields(self)
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

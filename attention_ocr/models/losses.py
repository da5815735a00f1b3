"""The training losses of the attention and the CTC head, normalized alike."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from attention_ocr.text.charset import BLANK_ID, END_ID, PAD_ID


@keras.saving.register_keras_serializable(package="attention_ocr")
@dataclasses.dataclass(frozen=True)
class RecognitionLoss:
    """The loss of a recogniser, a weighted sum of the losses of its heads; see `recognition_loss`.

    Args:
        attention_weight: Weight of the attention loss.
        ctc_weight: Weight of the CTC loss.
        label_smoothing: Probability mass spread over the vocabulary in the attention loss.
        reinforce_weight: Weight of `reinforce_loss`, for hard attention.
        entropy_weight: Weight of the entropy bonus, for hard attention.
        reduction: `tokens` or `examples`, see `loss_normalizer`.
        compilable: Whether XLA must support all operations, see `ctc_loss`.
    """

    attention_weight: float = 1.0
    ctc_weight: float = 0.5
    label_smoothing: float = 0.0
    reinforce_weight: float = 1.0
    entropy_weight: float = 0.0
    reduction: str = "tokens"
    compilable: bool = False

    def __call__(
        self,
        outputs: Mapping[str, tf.Tensor],
        batch: Mapping[str, tf.Tensor],
        normalizer: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Return `loss` and its parts, float32 scalars, see `recognition_loss`.

        Args:
            outputs: Outputs of the recogniser.
            batch: `targets` int32 [B, T] and `target_weights` float32 [B, T].
            normalizer: Divisor of the sums; `loss_normalizer` of the batch by default.
        """
        if normalizer is None:
            normalizer = loss_normalizer(batch, self.reduction)
        weights = self.get_config()
        del weights["reduction"]
        return recognition_loss(outputs, batch, normalizer=normalizer, **weights)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RecognitionLoss":
        """Build the loss from the result of `get_config`."""
        return cls(**config)


def attention_loss(
    logits: tf.Tensor, targets: tf.Tensor, target_weights: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Return the sum of the cross-entropy over the real tokens, in nats.

    Args:
        logits: float32 [B, T, V].
        targets: int32 [B, T], text and end token.
        target_weights: float32 [B, T], 1 on real tokens and 0 on padding.
        label_smoothing: Probability mass spread evenly over all V tokens (Szegedy et al., 2016,
            section 7).

    Returns:
        float32 scalar.
    """
    log_probabilities = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    target = tf.gather(log_probabilities, targets, axis=2, batch_dims=2)
    if label_smoothing > 0:
        spread = tf.reduce_mean(log_probabilities, axis=-1)
        target = (1.0 - label_smoothing) * target + label_smoothing * spread
    return -tf.reduce_sum(target * target_weights)


def ctc_loss(
    logits: tf.Tensor,
    column_lengths: tf.Tensor,
    targets: tf.Tensor,
    target_weights: tf.Tensor,
    compilable: bool = False,
) -> tf.Tensor:
    """Return the sum of CTC's negative log-likelihood over the batch, in nats.

    The loss is that of Graves et al., 2006, section 4. The path of an empty label consists of
    blanks. A label that does not fit into its columns has no path and a loss of 0.

    Args:
        logits: float32 [B, W, V].
        column_lengths: int32 [B].
        targets: int32 [B, T], text and end token; the end token is not a CTC label.
        target_weights: float32 [B, T], 1 on real tokens and 0 on padding.
        compilable: Whether XLA must support all operations, which take four times as long on a CPU.

    Returns:
        float32 scalar.
    """
    is_label = (target_weights > 0) & (targets != END_ID) & (targets != PAD_ID)
    lengths = tf.reduce_sum(tf.cast(is_label, tf.int32), axis=1)
    repeats = tf.reduce_sum(
        tf.cast(is_label[:, 1:] & (targets[:, 1:] == targets[:, :-1]), tf.int32), axis=1
    )
    fits = lengths + repeats <= column_lengths
    empty = lengths == 0
    # TensorFlow's kernel refuses a row without labels: the first token is a placeholder.
    stands_in = (empty | ~fits)[:, None] & (tf.range(tf.shape(targets)[1]) == 0)
    kept = (is_label & fits[:, None]) | stands_in
    num_kept = tf.reduce_sum(tf.cast(kept, tf.int32), axis=1)
    labels, label_length = tf.where(kept, targets, BLANK_ID), num_kept
    if not compilable:
        # With dense labels the same function takes four times as long.
        ragged = tf.RaggedTensor.from_row_lengths(tf.boolean_mask(targets, kept), num_kept)
        labels, label_length = tf.cast(ragged.to_sparse(), tf.int32), None
    losses = tf.nn.ctc_loss(
        labels=labels,
        logits=tf.transpose(logits, (1, 0, 2)),  # [W, B, V]
        label_length=label_length,
        logit_length=column_lengths,
        blank_index=BLANK_ID,
    )
    blanks = tf.nn.log_softmax(logits)[..., BLANK_ID]
    valid = tf.sequence_mask(column_lengths, tf.shape(logits)[1], dtype=blanks.dtype)
    losses = tf.where(empty, -tf.reduce_sum(blanks * valid, axis=1), losses)
    return tf.reduce_sum(tf.where(fits, losses, 0.0))


def reinforce_loss(
    logits: tf.Tensor,
    log_probabilities: tf.Tensor,
    baselines: tf.Tensor,
    targets: tf.Tensor,
    target_weights: tf.Tensor,
) -> tf.Tensor:
    """Return the sum over the real tokens of the REINFORCE loss of hard attention.

    The reward of a step is the mean log-probability of the true characters from that step on, from
    a variational bound (Xu et al., 2015, section 4.1); as a mean it does not grow with the text.
    `-(reward - baseline) log_probability` has REINFORCE's gradient (Williams, 1992), and half of
    the squared difference trains the baseline (Ba et al., 2015, section 3.1).

    Args:
        logits: float32 [B, T, V], without gradient.
        log_probabilities: float32 [B, T], of the samples.
        baselines: float32 [B, T].
        targets: int32 [B, T], text and end token.
        target_weights: float32 [B, T], 1 on real tokens and 0 on padding.

    Returns:
        float32 scalar.
    """
    token_rewards = tf.gather(tf.nn.log_softmax(logits), targets, axis=2, batch_dims=2)
    rewards = tf.math.divide_no_nan(
        tf.cumsum(token_rewards * target_weights, axis=1, reverse=True),
        tf.cumsum(target_weights, axis=1, reverse=True),
    )
    surprise = tf.stop_gradient(rewards) - baselines
    losses = 0.5 * surprise**2 - tf.stop_gradient(surprise) * log_probabilities
    return tf.reduce_sum(losses * target_weights)


def loss_normalizer(batch: Mapping[str, tf.Tensor], reduction: str) -> tf.Tensor:
    """Return the divisor of the summed losses of `batch`, a float32 scalar.

    Args:
        batch: `target_weights` float32 [B, T].
        reduction: `tokens`, the number of real tokens, or `examples`, the number of examples, so
            that an example counts in proportion to its length.
    """
    weights = batch["target_weights"]
    if reduction == "tokens":
        return tf.reduce_sum(weights)
    return tf.cast(tf.shape(weights)[0], tf.float32)


def recognition_loss(
    outputs: Mapping[str, tf.Tensor],
    batch: Mapping[str, tf.Tensor],
    *,
    attention_weight: float,
    ctc_weight: float,
    label_smoothing: float,
    reinforce_weight: float = 1.0,
    entropy_weight: float = 0.0,
    normalizer: tf.Tensor | None = None,
    compilable: bool = False,
) -> dict[str, tf.Tensor]:
    """Return the loss of a batch and its parts, in nats per token or example.

    Args:
        outputs: Outputs of the recogniser.
        batch: `targets` int32 [B, T] and `target_weights` float32 [B, T].
        attention_weight: Weight of the attention loss.
        ctc_weight: Weight of the CTC loss.
        label_smoothing: Label smoothing of the attention loss.
        reinforce_weight: Weight of `reinforce_loss`.
        entropy_weight: Weight of the entropy bonus of hard attention.
        normalizer: float32 scalar, divisor of the sums, see `loss_normalizer`, for the batch over
            all replicas; the number of real tokens of `batch` by default.
        compilable: See `ctc_loss`.

    Returns:
        `loss`, and `attention_loss` and `ctc_loss` for the heads of the recogniser; with hard
        attention also `reinforce_loss` and `attention_entropy`.
    """
    targets, weights = batch["targets"], batch["target_weights"]
    if normalizer is None:
        normalizer = loss_normalizer(batch, "tokens")
    normalizer = tf.maximum(normalizer, 1.0)
    losses = {"loss": tf.constant(0.0)}
    if "logits" in outputs:
        losses["attention_loss"] = (
            attention_loss(outputs["logits"], targets, weights, label_smoothing) / normalizer
        )
        losses["loss"] += attention_weight * losses["attention_loss"]
    if "choice_log_probabilities" in outputs:
        drawn, baselines = outputs["choice_log_probabilities"], outputs["choice_baselines"]
        losses["reinforce_loss"] = (
            reinforce_loss(outputs["logits"], drawn, baselines, targets, weights) / normalizer
        )
        losses["attention_entropy"] = (
            tf.reduce_sum(outputs["choice_entropies"] * weights) / normalizer
        )
        losses["loss"] += reinforce_weight * losses["reinforce_loss"]
        losses["loss"] -= entropy_weight * losses["attention_entropy"]
    if "ctc_logits" in outputs:
        losses["ctc_loss"] = (
            ctc_loss(outputs["ctc_logits"], outputs["column_lengths"], targets, weights, compilable)
            / normalizer
        )
        losses["loss"] += ctc_weight * losses["ctc_loss"]
    return losses

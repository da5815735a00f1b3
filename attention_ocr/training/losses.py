"""The training loss: attention's cross-entropy and CTC's, over the same number of characters."""

from collections.abc import Callable, Mapping
from functools import partial

import tensorflow as tf

from attention_ocr.charset import BLANK_ID, END_ID, PAD_ID
from attention_ocr.config import Config


def attention_loss(
    logits: tf.Tensor, targets: tf.Tensor, target_weights: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Return the sum of the cross-entropy over the real tokens, in nats.

    Args:
        logits: float32 [B, T, V].
        targets: int32 [B, T], text and end token.
        target_weights: float32 [B, T], 1 on real tokens and 0 on padding.
        label_smoothing: share of the target's probability spread evenly over all V tokens
            (Szegedy et al., 2016, section 7).

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
    logits: tf.Tensor, column_lengths: tf.Tensor, targets: tf.Tensor, target_weights: tf.Tensor
) -> tf.Tensor:
    """Return the sum of CTC's negative log-likelihood over the batch, in nats.

    The loss is that of Graves et al., 2006, section 4. An empty label is spelt by blanks alone. A
    label that does not fit into its columns counts nothing: no path spells it.

    Args:
        logits: float32 [B, W, V].
        column_lengths: int32 [B].
        targets: int32 [B, T], text and end token; the end token is no label of CTC.
        target_weights: float32 [B, T], 1 on real tokens and 0 on padding.

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
    # TensorFlow's kernel refuses a row without labels: the first token stands in.
    stands_in = (empty | ~fits)[:, None] & (tf.range(tf.shape(targets)[1]) == 0)
    kept = (is_label & fits[:, None]) | stands_in
    # With dense labels the same function takes four times as long.
    labels = tf.RaggedTensor.from_row_lengths(
        tf.boolean_mask(targets, kept), tf.reduce_sum(tf.cast(kept, tf.int32), axis=1)
    ).to_sparse()
    losses = tf.nn.ctc_loss(
        labels=tf.cast(labels, tf.int32),
        logits=tf.transpose(logits, (1, 0, 2)),  # [W, B, V]
        label_length=None,
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
    """Return the sum over the real tokens of what trains hard attention to look where it pays.

    A step's reward is the mean log-probability of the true characters from that step on, a
    variational bound's (Xu et al., 2015, section 4.1); as a mean it does not grow with the text.
    `-(reward - baseline) log_probability` has REINFORCE's gradient (Williams, 1992), and half of
    the squared difference teaches the baseline (Ba et al., 2015, section 3.1).

    Args:
        logits: float32 [B, T, V]; no gradient passes to them.
        log_probabilities: float32 [B, T], of what was drawn.
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


def make_loss(config: Config) -> Callable[..., dict[str, tf.Tensor]]:
    """Return `recognition_loss` with the weights and the smoothing of the settings."""
    return partial(
        recognition_loss,
        attention_weight=config.model.attention_weight,
        ctc_weight=config.model.ctc_weight,
        label_smoothing=config.training.label_smoothing,
        reinforce_weight=config.training.reinforce_weight,
        entropy_weight=config.training.entropy_weight,
    )


def recognition_loss(
    outputs: Mapping[str, tf.Tensor],
    batch: Mapping[str, tf.Tensor],
    *,
    attention_weight: float,
    ctc_weight: float,
    label_smoothing: float,
    reinforce_weight: float = 1.0,
    entropy_weight: float = 0.0,
    num_tokens: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """Return the loss of a batch and its parts, each in nats a token.

    Args:
        outputs: what the recogniser returned.
        batch: `targets` int32 [B, T] and `target_weights` float32 [B, T].
        attention_weight: weight of the attention loss.
        ctc_weight: weight of the CTC loss.
        label_smoothing: of the attention loss.
        reinforce_weight: weight of `reinforce_loss`.
        entropy_weight: weight of the entropy that hard attention is rewarded for.
        num_tokens: float32 scalar, real tokens of the batch over all replicas; those of `batch`
            when it is the whole.

    Returns:
        `loss`, and of `attention_loss` and `ctc_loss` those that the recogniser has heads for;
        with hard attention also `reinforce_loss` and `attention_entropy`.
    """
    targets, weights = batch["targets"], batch["target_weights"]
    if num_tokens is None:
        num_tokens = tf.reduce_sum(weights)
    num_tokens = tf.maximum(num_tokens, 1.0)
    losses = {"loss": tf.constant(0.0)}
    if "logits" in outputs:
        losses["attention_loss"] = (
            attention_loss(outputs["logits"], targets, weights, label_smoothing) / num_tokens
        )
        losses["loss"] += attention_weight * losses["attention_loss"]
    if "choice_log_probabilities" in outputs:
        drawn, baselines = outputs["choice_log_probabilities"], outputs["choice_baselines"]
        losses["reinforce_loss"] = (
            reinforce_loss(outputs["logits"], drawn, baselines, targets, weights) / num_tokens
        )
        losses["attention_entropy"] = (
            tf.reduce_sum(outputs["choice_entropies"] * weights) / num_tokens
        )
        losses["loss"] += reinforce_weight * losses["reinforce_loss"]
        losses["loss"] -= entropy_weight * losses["attention_entropy"]
    if "ctc_logits" in outputs:
        losses["ctc_loss"] = (
            ctc_loss(outputs["ctc_logits"], outputs["column_lengths"], targets, weights)
            / num_tokens
        )
        losses["loss"] += ctc_weight * losses["ctc_loss"]
    return losses

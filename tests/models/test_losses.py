import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.losses import (
    attention_loss,
    ctc_loss,
    loss_normalizer,
    recognition_loss,
    reinforce_loss,
)
from attention_ocr.text.charset import BLANK_ID, END_ID
from attention_ocr.training.losses import make_loss
from tests import tiny

B, T, V, W = 3, 4, 7, 6
LENGTHS = (3, 1, 4)
WEIGHTS = np.array([[1.0] * n + [0.0] * (T - n) for n in LENGTHS], np.float32)
COLUMN_LENGTHS = np.array([6, 4, 5], np.int32)
TARGETS = np.array([[4, 6, END_ID, 0], [END_ID, 0, 0, 0], [5, 5, 6, END_ID]], np.int32)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def real_tokens() -> list[tuple[int, int]]:
    return [(index, t) for index, length in enumerate(LENGTHS) for t in range(length)]


def test_attention_loss_equals_the_sum_over_the_real_tokens_in_numpy():
    logits = random(B, T, V)
    expected = -sum(log_softmax(logits)[i, t, TARGETS[i, t]] for i, t in real_tokens())
    loss = attention_loss(logits, TARGETS, WEIGHTS)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_label_smoothing_worked_out_by_hand():
    # Probabilities 1/2, 1/4, 1/4; a tenth of the target's is spread evenly over all three.
    logits = np.log([[[0.5, 0.25, 0.25]]]).astype(np.float32)
    loss = attention_loss(logits, np.array([[1]]), np.array([[1.0]], np.float32), 0.1)
    assert float(loss) == pytest.approx(0.9 * math.log(4) + 0.1 * 5 * math.log(2) / 3, rel=1e-6)


def test_label_smoothing_equals_cross_entropy_with_smoothed_targets():
    logits, smoothing = random(B, T, V), 0.2
    expected = 0.0
    for index, t in real_tokens():
        target = np.full(V, smoothing / V)
        target[TARGETS[index, t]] += 1.0 - smoothing
        expected -= float(target @ log_softmax(logits)[index, t])
    loss = attention_loss(logits, TARGETS, WEIGHTS, smoothing)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def collapse(path: tuple[int, ...]) -> list[int]:
    return [label for label, _ in itertools.groupby(path) if label != BLANK_ID]


@pytest.mark.parametrize("label", [[], [4], [4, 5], [5, 5], [4, 5, 4]])
def test_ctc_loss_equals_the_sum_over_all_paths(label):
    num_columns, vocabulary_size = 3, 6
    logits = random(1, num_columns, vocabulary_size, seed=len(label))
    probabilities = np.exp(log_softmax(logits))[0]
    total = sum(
        math.prod(probabilities[column, step] for column, step in enumerate(path))
        for path in itertools.product(range(vocabulary_size), repeat=num_columns)
        if collapse(path) == label
    )
    targets = np.array([[*label, END_ID, 0]], np.int32)
    weights = np.array([[1.0] * (len(label) + 1) + [0.0]], np.float32)
    loss = ctc_loss(logits, np.array([num_columns], np.int32), targets, weights)
    assert float(loss) == pytest.approx(-math.log(total), rel=1e-5)


def test_ctc_loss_is_the_sum_over_the_batch():
    logits = random(B, W, V)
    together = ctc_loss(logits, COLUMN_LENGTHS, TARGETS, WEIGHTS)
    alone = [
        ctc_loss(
            logits[i : i + 1], COLUMN_LENGTHS[i : i + 1], TARGETS[i : i + 1], WEIGHTS[i : i + 1]
        )
        for i in range(B)
    ]
    assert float(together) == pytest.approx(float(sum(alone)), rel=1e-5)


@pytest.mark.parametrize(
    ("label", "num_columns", "fits"),
    [([4, 5], 2, True), ([4, 5], 1, False), ([4, 4], 3, True), ([4, 4], 2, False)],
)
def test_a_label_that_does_not_fit_has_no_loss(label, num_columns, fits):
    # Beside one that fits, and with columns on the padding that must not help.
    logits = tf.Variable(random(2, W, V))
    targets = np.array([[*label, END_ID], [6, END_ID, 0]], np.int32)
    weights = np.array([[1, 1, 1], [1, 1, 0]], np.float32)
    lengths = np.array([num_columns, W], np.int32)
    with tf.GradientTape() as tape:
        loss = ctc_loss(logits, lengths, targets, weights)
    gradient = tape.gradient(loss, logits).numpy()
    beside = ctc_loss(logits[1:], lengths[1:], targets[1:], weights[1:])
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient[0]).max() > 0.0) == fits
    assert np.abs(gradient[1]).max() > 0.0
    assert (float(loss) > float(beside) + 1e-3) == fits
    np.testing.assert_array_equal(gradient[0, num_columns:], 0.0)


def test_a_batch_in_which_no_label_fits_has_no_loss():
    logits = tf.Variable(random(2, W, V))
    with tf.GradientTape() as tape:
        loss = ctc_loss(logits, np.array([1, 1], np.int32), TARGETS[[0, 2]], WEIGHTS[[0, 2]])
    assert float(loss) == 0.0
    np.testing.assert_array_equal(tape.gradient(loss, logits), np.zeros((2, W, V)))


def outputs_and_batch(steps: int = 0, columns: int = 0) -> tuple[dict, dict]:
    """Return outputs and a batch, optionally with more padding of another value."""
    outputs = {
        "logits": np.pad(random(B, T, V), ((0, 0), (0, steps), (0, 0)), constant_values=9.0),
        "ctc_logits": np.pad(
            random(B, W, V, seed=1), ((0, 0), (0, columns), (0, 0)), constant_values=9.0
        ),
        "column_lengths": COLUMN_LENGTHS,
    }
    padding = ((0, 0), (0, steps))
    batch = {"targets": np.pad(TARGETS, padding), "target_weights": np.pad(WEIGHTS, padding)}
    return outputs, batch


WEIGHTED = {"attention_weight": 2.0, "ctc_weight": 0.25, "label_smoothing": 0.1}


def test_the_loss_is_the_weighted_mean_over_the_real_tokens():
    outputs, batch = outputs_and_batch()
    losses = recognition_loss(outputs, batch, **WEIGHTED)
    attention = attention_loss(outputs["logits"], TARGETS, WEIGHTS, 0.1) / sum(LENGTHS)
    ctc = ctc_loss(outputs["ctc_logits"], COLUMN_LENGTHS, TARGETS, WEIGHTS) / sum(LENGTHS)
    assert float(losses["attention_loss"]) == pytest.approx(float(attention), rel=1e-6)
    assert float(losses["ctc_loss"]) == pytest.approx(float(ctc), rel=1e-6)
    assert float(losses["loss"]) == pytest.approx(2.0 * float(attention) + 0.25 * float(ctc))


def test_more_padding_changes_nothing():
    losses = recognition_loss(*outputs_and_batch(), **WEIGHTED)
    padded = recognition_loss(*outputs_and_batch(steps=3, columns=5), **WEIGHTED)
    for name in ("loss", "attention_loss", "ctc_loss"):
        assert float(padded[name]) == pytest.approx(float(losses[name]), rel=1e-5)


def test_shares_of_a_batch_add_up_to_its_loss():
    outputs, batch = outputs_and_batch()
    whole = recognition_loss(outputs, batch, **WEIGHTED)["loss"]
    shares = []
    for rows in (slice(0, 1), slice(1, 3)):
        share = {name: values[rows] for name, values in outputs.items()}
        part = {name: values[rows] for name, values in batch.items()}
        normalizer = tf.constant(float(sum(LENGTHS)))
        shares.append(recognition_loss(share, part, **WEIGHTED, normalizer=normalizer)["loss"])
    assert float(sum(shares)) == pytest.approx(float(whole), rel=1e-5)


def test_a_missing_head_has_no_loss():
    outputs, batch = outputs_and_batch()
    attention = recognition_loss({"logits": outputs["logits"]}, batch, **WEIGHTED)
    assert attention.keys() == {"loss", "attention_loss"}
    del outputs["logits"]
    ctc = recognition_loss(outputs, batch, **WEIGHTED)
    assert ctc.keys() == {"loss", "ctc_loss"}
    assert float(ctc["loss"]) == pytest.approx(0.25 * float(ctc["ctc_loss"]))


def test_a_share_without_a_token_has_no_loss():
    outputs, batch = outputs_and_batch()
    batch["target_weights"] = np.zeros_like(WEIGHTS)
    losses = recognition_loss({"logits": outputs["logits"]}, batch, **WEIGHTED)
    assert float(losses["loss"]) == 0.0


def test_reinforce_worked_out_by_hand():
    # The true characters have probabilities 1/2, 1/8 and, on the padding, 1/4.
    rows = [[0.5, 0.25, 0.25], [0.125, 0.125, 0.75], [0.25, 0.5, 0.25]]
    logits = tf.Variable(np.log([rows]).astype(np.float32))
    targets, weights = np.array([[0, 1, 0]]), np.array([[1.0, 1.0, 0.0]], np.float32)
    drawn = tf.Variable([[-1.0, -2.0, -3.0]])
    baselines = tf.Variable([[0.5, -1.0, 7.0]])
    with tf.GradientTape() as tape:
        loss = reinforce_loss(logits, drawn, baselines, targets, weights)
    nat = math.log(2)
    # Rewards: the mean of -1 and -3 halvings, then -3.
    surprises = [-2 * nat - 0.5, -3 * nat + 1.0]
    expected = 0.5 * (surprises[0] ** 2 + surprises[1] ** 2) + surprises[0] + 2 * surprises[1]
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    d_drawn, d_baselines, d_logits = tape.gradient(loss, [drawn, baselines, logits])
    # Descent makes a step more probable if its reward exceeds the baseline.
    np.testing.assert_allclose(d_drawn, [[-surprises[0], -surprises[1], 0.0]], rtol=1e-5)
    np.testing.assert_allclose(d_baselines, [[-surprises[0], -surprises[1], 0.0]], rtol=1e-5)
    assert d_logits is None


def test_hard_attention_adds_its_terms_to_the_loss():
    outputs, batch = outputs_and_batch()
    del outputs["ctc_logits"]
    drawn = {
        "choice_log_probabilities": -np.abs(random(B, T, seed=2)),
        "choice_entropies": np.abs(random(B, T, seed=3)),
        "choice_baselines": random(B, T, seed=4),
    }
    plain = recognition_loss(outputs, batch, **WEIGHTED)
    hard = recognition_loss(
        outputs | drawn, batch, **WEIGHTED, reinforce_weight=0.3, entropy_weight=0.2
    )
    entropy = (drawn["choice_entropies"] * WEIGHTS).sum() / sum(LENGTHS)
    assert float(hard["attention_entropy"]) == pytest.approx(entropy, rel=1e-5)
    terms = 0.3 * float(hard["reinforce_loss"]) - 0.2 * entropy
    assert float(hard["loss"]) == pytest.approx(float(plain["loss"]) + terms, rel=1e-5)


def test_reinforce_finds_the_rewarding_cell():
    # Three cells; the true character is probable if the second is seen. Samples by the weights.
    scores = tf.Variable([[0.0, 0.0, 0.0]])
    baseline = tf.Variable(0.0)
    probabilities = tf.constant([[0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
    for step in range(150):
        with tf.GradientTape() as tape:
            log_probabilities = tf.nn.log_softmax(scores)
            cell = tf.random.stateless_categorical(log_probabilities, 16, [step, 0])[0]
            loss = reinforce_loss(
                tf.math.log(tf.gather(probabilities, cell))[:, None],
                tf.gather(log_probabilities[0], cell)[:, None],
                tf.fill((16, 1), 1.0) * baseline,
                tf.zeros((16, 1), tf.int32),
                tf.ones((16, 1)),
            )
        for variable, gradient in zip(
            (scores, baseline), tape.gradient(loss, [scores, baseline]), strict=True
        ):
            variable.assign_sub(0.5 / 16 * gradient)
    assert float(tf.nn.softmax(scores)[0, 1]) > 0.95
    assert float(baseline) == pytest.approx(math.log(0.9), abs=0.2)


def test_the_reduction_is_the_mean_over_tokens_or_over_examples():
    _, batch = outputs_and_batch(steps=2)
    assert float(loss_normalizer(batch, "tokens")) == sum(LENGTHS)
    assert float(loss_normalizer(batch, "examples")) == B
    outputs, batch = outputs_and_batch()
    # The mean over examples of sums over steps.
    examples = [
        attention_loss(outputs["logits"][i : i + 1], TARGETS[i : i + 1], WEIGHTS[i : i + 1])
        for i in range(B)
    ]
    loss = make_loss(tiny.config(loss_reduction="examples"), [])
    losses = loss({"logits": outputs["logits"]}, batch)
    assert float(losses["attention_loss"]) == pytest.approx(np.mean(examples), rel=1e-5)


def test_l2_is_half_of_the_squared_norm_of_the_kernels():
    variables = [
        keras.Variable(np.full((2, 3), 2.0), dtype="float32", name="kernel"),
        keras.Variable(np.full((4,), 9.0), dtype="float32", name="bias"),
        keras.Variable(np.full((5,), 1.0), dtype="float32", name="embeddings"),
    ]
    outputs, batch = outputs_and_batch()
    plain = make_loss(tiny.config(), variables)(outputs, batch)
    assert "l2_penalty" not in plain
    for replicas in (1, 2):
        losses = make_loss(tiny.config(l2=0.1), variables, replicas)(outputs, batch)
        # (6 * 4 + 5 * 1) / 2 = 14.5, of which each replica adds its share.
        assert float(losses["l2_penalty"]) == pytest.approx(1.45 / replicas, rel=1e-6)
        assert float(losses["loss"]) == pytest.approx(
            float(plain["loss"]) + 1.45 / replicas, rel=1e-5
        )

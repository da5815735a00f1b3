"""Prefix beam search over CTC logits."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from attention_ocr.decoding.constraints import (
    Constraints,
    ConstraintState,
    take_rows,
    with_shapes_of,
)
from attention_ocr.decoding.ctc_scores import (
    NEVER,
    align,
    ctc_log_probabilities,
    log_add,
    text_log_probability,
)
from attention_ocr.decoding.protocols import Rule, Weighted
from attention_ocr.decoding.result import Alternatives, DecoderOutput
from attention_ocr.decoding.temperature import Temperature, is_neutral
from attention_ocr.text.charset import BLANK_ID, END_ID, PAD_ID, START_ID, UNKNOWN_ID

DEAD_LENGTH = -9
"""Length of a place without a text: no text is one character longer or shorter."""


class _Prefixes(NamedTuple):
    """The k likeliest prefixes of each example's text, all different."""

    token_ids: tf.Tensor  # int32 [B, k, L]
    lengths: tf.Tensor  # int32 [B, k]
    last: tf.Tensor  # int32 [B, k], last character; blank of an empty one
    by_blank: tf.Tensor  # float32 [B, k], log-probability of ending in a blank column
    by_character: (
        tf.Tensor
    )  # float32 [B, k], log-probability of ending in a column of the last character
    fused: tf.Tensor  # float32 [B, k], sum of the scorers' scores


def ctc_beam_decode(
    logits: tf.Tensor,
    column_lengths: tf.Tensor,
    max_length: int,
    beam_width: int,
    num_best: int = 1,
    scorers: Sequence[Weighted] = (),
    rule: Rule | None = None,
    temperature: Temperature = 1.0,
) -> tuple[DecoderOutput, Alternatives]:
    """Keep the k likeliest prefixes in each column, summed over their alignments.

    Prefix search (Graves, 2012, section 7.5.1) with a beam and scorers as in Hannun et al. (2014),
    algorithm 1, for a whole batch at once. Of equal scores, the text that ranked higher stays
    first.

    Args:
        logits: float [B, W, V].
        column_lengths: int32 [B], columns that lie on the content.
        max_length: L, characters of the longest text.
        beam_width: k, prefixes kept per column.
        num_best: n, texts returned, at most k.
        scorers: Scorers added to the log-probability of a text.
        rule: Constraint that all texts must satisfy.
        temperature: Temperature of the confidences; it changes no text.

    Returns:
        The best text and the n best. A text's confidence is the probability of all its alignments;
        a character's, its highest probability in the columns where it stands; `attention`
        float32 [B, L, W] marks these columns. Where no text that satisfies the rule fits into the
        columns, the text is empty and its confidence 0.
    """
    log_probabilities = ctc_log_probabilities(logits, column_lengths)
    constraints = Constraints(scorers, rule)
    empty = _empty_prefix(tf.shape(logits)[0], beam_width, max_length)
    num_columns = tf.reduce_max(column_lengths)
    columns = log_probabilities, column_lengths, num_columns
    prefixes, state = _search_columns(*columns, constraints, empty)
    token_ids, scores = _best(prefixes, constraints.scores(state), num_best)
    if not is_neutral(temperature):
        log_probabilities = ctc_log_probabilities(logits, column_lengths, temperature)
    return _results(log_probabilities, column_lengths, token_ids, scores)


def _search_columns(
    log_probabilities: tf.Tensor,
    column_lengths: tf.Tensor,
    num_columns: tf.Tensor,
    constraints: Constraints,
    empty: _Prefixes,
) -> tuple[_Prefixes, ConstraintState]:
    """Extend `empty` through the first columns, `log_probabilities` float32 [B, W, V]."""
    columns = tf.transpose(log_probabilities, (1, 0, 2))  # [W, B, V]
    max_length = empty.token_ids.shape[-1]
    num_prefixes = tf.size(empty.last)

    def body(t: tf.Tensor, prefixes: _Prefixes, state: ConstraintState) -> tuple[Any, ...]:
        before = (t, prefixes, state)
        room = tf.minimum(max_length - prefixes.lengths, (column_lengths - t)[:, None])
        may_stay, allowed = _may_go_on(
            room, column_lengths - t, state.rule, constraints.rule, columns.shape[-1]
        )
        scorer_scores = constraints.scores(state)
        prefixes, parents, stays = _advance(prefixes, columns[t], may_stay, allowed, scorer_scores)
        state = take_rows(state, parents)
        moved = constraints.advance(state, tf.reshape(prefixes.last, (-1,)))
        state = _where_rows(tf.reshape(stays, (-1,)), state, moved)
        return with_shapes_of(before, (t + 1, prefixes, state))

    _, prefixes, state = tf.while_loop(
        lambda t, *_: t < num_columns,
        body,
        (tf.constant(0), empty, constraints.initial_state(num_prefixes)),
    )
    return prefixes, state


def _best(
    prefixes: _Prefixes, scorer_scores: tf.Tensor | None, num_best: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the n best texts, int32 [B, n, L], and their scores, float32 [B, n]."""
    scores = log_add(prefixes.by_blank, prefixes.by_character) + prefixes.fused
    if scorer_scores is not None:
        scores += tf.reshape(scorer_scores[:, END_ID], (-1, prefixes.last.shape[1]))
    scores, order = tf.math.top_k(scores, num_best)
    found = scores > NEVER / 2
    token_ids = tf.gather(prefixes.token_ids, order, batch_dims=1)
    token_ids = tf.where(found[..., None], token_ids, PAD_ID)
    return token_ids, tf.where(found, scores, -float("inf"))


def _where_rows(
    rows: tf.Tensor, chosen: ConstraintState, other: ConstraintState
) -> ConstraintState:
    """Return rows of the first where `rows`, bool [B k], is true, else of the second."""
    state: ConstraintState = tf.nest.map_structure(
        lambda yes, no: tf.where(tf.reshape(rows, (-1,) + (1,) * (len(yes.shape) - 1)), yes, no),
        chosen,
        other,
    )
    return state


def _empty_prefix(batch_size: tf.Tensor, width: int, max_length: int) -> _Prefixes:
    shape = (batch_size, width)
    is_first = tf.broadcast_to(tf.range(width) == 0, shape)
    never = tf.fill(shape, NEVER)
    return _Prefixes(
        token_ids=tf.fill((*shape, max_length), PAD_ID),
        lengths=tf.where(is_first, 0, DEAD_LENGTH),
        last=tf.fill(shape, BLANK_ID),
        by_blank=tf.where(is_first, 0.0, never),
        by_character=never,
        fused=tf.zeros(shape),
    )


def _may_go_on(
    room: tf.Tensor,
    columns_left: tf.Tensor,
    rule_state: tf.Tensor,
    rule: Rule | None,
    vocabulary_size: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return bool [B, k], whether a prefix may stay, and bool [B, k, V], how it may grow."""
    labels = tf.range(vocabulary_size)
    is_character = (labels != BLANK_ID) & (labels != START_ID) & (labels != END_ID)
    is_character &= labels != UNKNOWN_ID
    allowed = is_character & (room > 0)[..., None]
    if rule is None:
        return tf.ones_like(room, tf.bool), allowed
    shape = tf.shape(room)
    # An example whose columns are used up stays as it is.
    left = tf.maximum(columns_left - 1, 0)[:, None] + tf.zeros_like(room)
    may_stay = rule.reachable(rule_state, tf.reshape(left, (-1,)))
    follows = rule.allowed(rule_state, tf.reshape(room, (-1,)))
    return tf.reshape(may_stay, shape), allowed & tf.reshape(follows, tf.shape(allowed))


def _advance(
    prefixes: _Prefixes,
    column: tf.Tensor,
    may_stay: tf.Tensor,
    allowed: tf.Tensor,
    scorer_scores: tf.Tensor | None,
) -> tuple[_Prefixes, tf.Tensor, tf.Tensor]:
    """Take one column into account.

    Args:
        prefixes: The prefixes before the column.
        column: float32 [B, V], log-probabilities of its labels.
        may_stay: bool [B, k].
        allowed: bool [B, k, V].
        scorer_scores: float32 [B k, V], or `None`.

    Returns:
        The prefixes after it; `parents` int32 [B, k], the places they come from; and `stays`
        bool [B, k], whether they are unchanged.
    """
    width = prefixes.last.shape[1]
    vocabulary_size = allowed.shape[-1]
    by_blank, by_character, grown = _extend(prefixes, column, may_stay, allowed)
    fused = prefixes.fused[..., None] + tf.zeros((vocabulary_size,))
    if scorer_scores is not None:
        fused += tf.reshape(scorer_scores, (-1, width, vocabulary_size))
    flat_shape = (-1, width * vocabulary_size)
    candidates = tf.concat(
        [
            log_add(by_blank, by_character) + prefixes.fused,
            tf.reshape(grown + fused, flat_shape),
        ],
        axis=1,
    )
    scores, chosen = tf.math.top_k(candidates, width)
    stays, found = chosen < width, scores > NEVER / 2
    growth = tf.maximum(chosen - width, 0)
    parents = tf.where(stays, chosen, growth // vocabulary_size)
    new = growth % vocabulary_size

    def taken(values: tf.Tensor) -> tf.Tensor:
        return tf.gather(values, parents, batch_dims=1)

    def of_growth(values: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.reshape(values, flat_shape), growth, batch_dims=1)

    lengths = taken(prefixes.lengths)
    max_length = prefixes.token_ids.shape[-1]
    here = _is_at(lengths, max_length) & ~stays[..., None]
    after = _Prefixes(
        token_ids=tf.where(here, new[..., None], taken(prefixes.token_ids)),
        lengths=tf.where(found, lengths + tf.cast(~stays, tf.int32), DEAD_LENGTH),
        last=tf.where(stays, taken(prefixes.last), new),
        by_blank=tf.where(stays & found, taken(by_blank), NEVER),
        by_character=tf.where(found, tf.where(stays, taken(by_character), of_growth(grown)), NEVER),
        fused=tf.where(stays, taken(prefixes.fused), of_growth(fused)),
    )
    return after, parents, stays


def _extend(
    prefixes: _Prefixes, column: tf.Tensor, may_stay: tf.Tensor, allowed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return log-probabilities after a column, `NEVER` for what is not allowed.

    Returns:
        `by_blank` and `by_character` float32 [B, k], of the unchanged prefixes; `grown` float32
        [B, k, V], of each with one more character.
    """
    vocabulary_size = allowed.shape[-1]
    total = log_add(prefixes.by_blank, prefixes.by_character)
    by_blank = total + column[:, BLANK_ID, None]
    by_character = prefixes.by_character + tf.gather(column, prefixes.last, batch_dims=1)
    repeats = _is_at(prefixes.last, vocabulary_size)
    grown = column[:, None, :] + tf.where(repeats, prefixes.by_blank[..., None], total[..., None])
    grown = tf.where(allowed, grown, NEVER)
    by_character, grown = _merge(prefixes, by_character, grown, repeats)
    return (
        tf.where(may_stay, by_blank, NEVER),
        tf.where(may_stay, by_character, NEVER),
        grown,
    )


def _merge(
    prefixes: _Prefixes, by_character: tf.Tensor, grown: tf.Tensor, repeats: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Add the score of a prefix that grows into another one in the beam to that one.

    Args:
        prefixes: The prefixes before the column.
        by_character: float32 [B, k], log-probabilities of those that stay.
        grown: float32 [B, k, V], log-probabilities of those that grow.
        repeats: bool [B, k, V], one-hot of each last character.

    Returns:
        Both, with the sums in the first and `NEVER` in the second.
    """
    last_position = _is_at(prefixes.lengths - 1, prefixes.token_ids.shape[-1])
    without_last = tf.where(last_position, PAD_ID, prefixes.token_ids)
    # [B, k, k]: whether the first, with one more character, is the second.
    grows_into = (prefixes.lengths[:, :, None] + 1 == prefixes.lengths[:, None, :]) & tf.reduce_all(
        prefixes.token_ids[:, :, None] == without_last[:, None, :], axis=-1
    )
    reached = tf.gather(grown, prefixes.last, axis=2, batch_dims=1)
    gain = tf.reduce_max(tf.where(grows_into, reached, NEVER), axis=1)
    counted = tf.matmul(tf.cast(grows_into, tf.float32), tf.cast(repeats, tf.float32)) > 0.0
    return log_add(by_character, gain), tf.where(counted, NEVER, grown)


def _is_at(places: tf.Tensor, size: int) -> tf.Tensor:
    """Return bool [..., size], true at the place of int32 [...]: a one-hot that ONNX has."""
    return tf.equal(tf.expand_dims(places, -1), tf.range(size))


def _results(
    log_probabilities: tf.Tensor,
    column_lengths: tf.Tensor,
    token_ids: tf.Tensor,
    scores: tf.Tensor,
) -> tuple[DecoderOutput, Alternatives]:
    """Return the n best texts, int32 [B, n, L], with confidences and positions."""
    num_best, best = token_ids.shape[1], token_ids[:, 0]
    log_probability, posteriors = align(log_probabilities, column_lengths, best)
    if num_best > 1:
        repeated = tf.repeat(log_probabilities, num_best, axis=0)
        flat_ids = tf.reshape(token_ids, (-1, token_ids.shape[-1]))
        log_probability = text_log_probability(repeated, flat_ids)
    confidences = tf.reshape(tf.exp(log_probability), (-1, num_best))
    confidences = tf.where(tf.math.is_finite(scores), tf.minimum(confidences, 1.0), 0.0)
    by_label = tf.transpose(log_probabilities, (0, 2, 1))
    shown = posteriors * tf.exp(tf.gather(by_label, best, batch_dims=1))
    decoded = DecoderOutput(
        token_ids=best,
        lengths=tf.reduce_sum(tf.cast(best != PAD_ID, tf.int32), axis=1),
        character_confidences=tf.reduce_max(shown, axis=-1),
        confidence=confidences[:, 0],
        attention=tf.math.divide_no_nan(
            posteriors, tf.reduce_sum(posteriors, axis=-1, keepdims=True)
        ),
    )
    return decoded, Alternatives(token_ids, confidences, scores)

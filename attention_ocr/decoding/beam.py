"""Beam search with an autoregressive decoder."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from attention_ocr.decoding.constraints import Constraints, take_rows, with_shapes_of
from attention_ocr.decoding.greedy import Step, without_impossible
from attention_ocr.decoding.protocols import Rule, Weighted
from attention_ocr.decoding.result import Alternatives, DecoderOutput, decoded_from_steps
from attention_ocr.decoding.temperature import Temperature, at_temperature, is_neutral
from attention_ocr.text.charset import END_ID, PAD_ID, START_ID, UNKNOWN_ID

NEVER = float("-inf")


class BeamOptions(NamedTuple):
    """Options of a beam search.

    Attributes:
        beam_width: k, hypotheses kept per step.
        num_best: n, hypotheses returned, at most k.
        length_normalization: `none`; `mean`, the mean over the tokens; or `wu`, see
            `length_penalty`.
        length_alpha: Exponent of `wu`.
        attention_weight: Weight of the decoder's log-probabilities relative to the scorers.
    """

    beam_width: int
    num_best: int = 1
    length_normalization: str = "none"
    length_alpha: float = 0.6
    attention_weight: float = 1.0


class _Beam(NamedTuple):
    """The k hypotheses of each example; T = L + 1 steps.

    A text that has ended keeps its place and competes with those that continue. A place without a
    text has the score -inf and counts as ended.
    """

    previous: tf.Tensor  # int32 [B, k]
    ended: tf.Tensor  # bool [B, k]
    scores: tf.Tensor  # float32 [B, k], sums
    ranks: tf.Tensor  # float32 [B, k], normalised, descending
    lengths: tf.Tensor  # int32 [B, k], tokens, the end included
    token_ids: tf.Tensor  # int32 [B, k, T]
    log_confidences: tf.Tensor  # float32 [B, k, T]
    places: tf.Tensor  # int32 [B, k, T], where in the beam the text was before each step


def beam_decode(
    step: Step,
    initial_state: Any,
    batch_size: tf.Tensor,
    num_cells: tf.Tensor,
    max_length: int,
    options: BeamOptions,
    scorers: Sequence[Weighted] = (),
    rule: Rule | None = None,
    temperature: Temperature = 1.0,
) -> tuple[DecoderOutput, Alternatives]:
    """Keep the k best hypotheses in each step until the n best are final.

    The score of a text is the weighted sum of the log-probabilities of its tokens by the decoder
    and by the scorers, divided by the length penalty. Texts that have ended compete with those
    that continue, so that a width of 1 is greedy decoding. The search of an example ends when
    its n best have ended and no other can overtake them. Of equal scores, the text whose prefix
    ranked higher, then the one of the lower token id, comes first. All tensors of the loop keep
    their shape.

    Args:
        step: As in `greedy_decode`, but with B k rows, those of an example side by side: its inputs
            are repeated k times.
        initial_state: State before the first step, any nest of tensors with leading axis B.
        batch_size: int32 scalar B.
        num_cells: int32 scalar N.
        max_length: L, characters of the longest text.
        options: Options of the search.
        scorers: Scorers fused into the search.
        rule: Constraint that all texts must satisfy.
        temperature: Temperature of the confidences; it changes no text.

    Returns:
        The best text with its confidences and attention, and the n best. The confidences are the
        decoder's and the scorers': at each step a softmax over the sum of the decoder's logits at
        the temperature and the weighted scores. Where no text satisfies the rule, the text is empty
        and its confidence 0.
    """
    constraints = Constraints(scorers, rule)
    search = _Search(step, constraints, max_length, num_cells, options, temperature)
    width, num_steps = options.beam_width, max_length + 1
    states = (
        tf.nest.map_structure(lambda part: tf.repeat(part, width, axis=0), initial_state),
        constraints.initial_state(batch_size * width),
    )
    _, beam, _, attention = tf.while_loop(
        lambda t, beam, *_: (t < num_steps) & ~tf.reduce_all(_is_settled(beam, num_steps, options)),
        search.take_step,
        (
            tf.constant(0),
            _empty_beam(batch_size, width, num_steps),
            states,
            tf.zeros((batch_size, num_steps, width, num_cells)),
        ),
    )
    return _results(beam, attention, options.num_best)


class _Search(NamedTuple):
    """The constants of all steps; see `beam_decode`."""

    step: Step
    constraints: Constraints
    max_length: int
    num_cells: tf.Tensor
    options: BeamOptions
    temperature: Temperature

    def take_step(
        self, t: tf.Tensor, beam: _Beam, states: tuple[Any, Any], attention: tf.Tensor
    ) -> tuple[tf.Tensor, _Beam, tuple[Any, Any], tf.Tensor]:
        """Return step, beam, states and attention float32 [B, T, k, N] after a step."""
        before = (t, beam, states, attention)
        width, num_steps = self.options.beam_width, self.max_length + 1
        logits, state, weights = self.step(tf.reshape(beam.previous, (-1,)), states[0])
        log_probabilities = tf.nn.log_softmax(without_impossible(tf.cast(logits, tf.float32)))
        scorer_scores = self.constraints.scores(states[1])
        scores = self._scores(log_probabilities, scorer_scores, states[1], t)
        if scorer_scores is not None or not is_neutral(self.temperature):
            tempered = without_impossible(at_temperature(logits, self.temperature))
            log_probabilities = tf.nn.log_softmax(
                tempered if scorer_scores is None else tempered + scorer_scores
            )
        beam, parents, token_ids = _choose(t, beam, scores, log_probabilities, self.options)
        state, constraint_state = take_rows((state, states[1]), parents)
        constraint_state = self.constraints.advance(constraint_state, tf.reshape(token_ids, (-1,)))
        step_attention = tf.reshape(weights, (tf.shape(parents)[0], 1, width, self.num_cells))
        # A sum: LiteRT is slow where it chooses between tensors of different shapes.
        here = tf.cast(tf.equal(tf.range(num_steps), t), attention.dtype)
        attention += tf.reshape(here, (1, -1, 1, 1)) * step_attention
        after = (t + 1, beam, (state, constraint_state), attention)
        return with_shapes_of(before, after)

    def _scores(
        self,
        log_probabilities: tf.Tensor,
        scorer_scores: tf.Tensor | None,
        constraint_state: Any,
        t: tf.Tensor,
    ) -> tf.Tensor:
        """Return the scores of the next tokens, float32 [B k, V]; -inf for those not allowed."""
        scores = self.options.attention_weight * log_probabilities
        if scorer_scores is not None:
            scores += scorer_scores
        allowed = _possible(tf.shape(log_probabilities)[-1], t == self.max_length)
        rule = self.constraints.rule
        if rule is not None:
            all_fit = rule.longest is not None and rule.longest <= self.max_length
            left = None if all_fit else self.max_length - t
            allowed &= rule.allowed(constraint_state.rule, left)
        return tf.where(allowed, scores, NEVER)


def length_penalty(lengths: tf.Tensor, options: BeamOptions) -> tf.Tensor:
    """Return the divisor of the score of a text: float32, of the shape of `lengths`.

    `wu` is `((5 + length) / 6) ** alpha` (Wu et al., 2016, equation 14), `mean` the length itself;
    the end token counts.
    """
    lengths = tf.cast(lengths, tf.float32)
    if options.length_normalization == "mean":
        return lengths
    if options.length_normalization == "wu":
        return ((5.0 + lengths) / 6.0) ** options.length_alpha
    return tf.ones_like(lengths)


def _empty_beam(batch_size: tf.Tensor, width: int, num_steps: int) -> _Beam:
    shape = (batch_size, width)
    # One empty text, from which the first step fills the other places.
    scores = tf.where(tf.range(width) == 0, tf.zeros(shape), NEVER)
    return _Beam(
        previous=tf.fill(shape, START_ID),
        ended=scores == NEVER,
        scores=scores,
        ranks=scores,
        lengths=tf.zeros(shape, tf.int32),
        token_ids=tf.fill((*shape, num_steps), PAD_ID),
        log_confidences=tf.zeros((*shape, num_steps)),
        places=tf.zeros((*shape, num_steps), tf.int32),
    )


def _choose(
    t: tf.Tensor,
    beam: _Beam,
    scores: tf.Tensor,
    log_probabilities: tf.Tensor,
    options: BeamOptions,
) -> tuple[_Beam, tf.Tensor, tf.Tensor]:
    """Choose the k best of all continuations.

    Args:
        t: int32 scalar, the step.
        beam: The beam before the step.
        scores: float32 [B k, V], of the next tokens.
        log_probabilities: float32 [B k, V], the decoder's, for the confidences.
        options: Options of the search.

    Returns:
        The beam after the step; `parents` int32 [B, k], the places from which its texts come;
        and `token_ids` int32 [B, k], their new tokens, padding for those that had ended.
    """
    width = options.beam_width
    vocabulary_size = tf.shape(scores)[-1]
    shape = (-1, width, vocabulary_size)
    stays = tf.where(tf.range(vocabulary_size) == PAD_ID, 0.0, NEVER)
    totals = tf.expand_dims(beam.scores, -1) + tf.where(
        tf.expand_dims(beam.ended, -1), stays, tf.reshape(scores, shape)
    )
    lengths = beam.lengths + tf.cast(~beam.ended, tf.int32)
    flat_shape = (-1, width * vocabulary_size)
    ranks = totals
    if options.length_normalization != "none":
        ranks /= tf.expand_dims(length_penalty(lengths, options), -1)
    ranks, chosen = tf.math.top_k(tf.reshape(ranks, flat_shape), width)
    parents, token_ids = chosen // vocabulary_size, chosen % vocabulary_size

    def taken(values: tf.Tensor) -> tf.Tensor:
        return tf.gather(values, parents, batch_dims=1)

    def of_choice(values: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.reshape(values, flat_shape), chosen, batch_dims=1)

    ended_before = taken(beam.ended)
    new_scores = ranks if options.length_normalization == "none" else of_choice(totals)
    here = tf.equal(tf.range(beam.token_ids.shape[-1]), t)

    def written(values: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        return tf.where(here, tf.expand_dims(values, -1), taken(before))

    confidences = tf.where(ended_before, 0.0, of_choice(log_probabilities))
    next_beam = _Beam(
        previous=token_ids,
        ended=ended_before | (token_ids == END_ID) | (new_scores == NEVER),
        scores=new_scores,
        ranks=ranks,
        lengths=taken(lengths),
        token_ids=written(token_ids, beam.token_ids),
        log_confidences=written(confidences, beam.log_confidences),
        places=written(parents, beam.places),
    )
    return next_beam, parents, token_ids


def _is_settled(beam: _Beam, num_steps: int, options: BeamOptions) -> tf.Tensor:
    """Tell for each example, bool [B], whether its n best texts are final."""
    first_have_ended = tf.reduce_all(beam.ended[:, : options.num_best], axis=1)
    # Scores only fall, and the longest text has the largest penalty.
    reachable = beam.scores / length_penalty(num_steps, options)
    best_reachable = tf.reduce_max(tf.where(beam.ended, NEVER, reachable), axis=1)
    return first_have_ended & (beam.ranks[:, options.num_best - 1] >= best_reachable)


def _results(
    beam: _Beam, attention: tf.Tensor, num_best: int
) -> tuple[DecoderOutput, Alternatives]:
    found = beam.ranks > NEVER
    token_ids = tf.where(found[..., None], beam.token_ids, PAD_ID)
    confidences = tf.where(found[..., None], tf.exp(beam.log_confidences), 0.0)
    best = decoded_from_steps(
        token_ids[:, 0],
        confidences[:, 0],
        tf.gather(attention, beam.places[:, 0], batch_dims=2),
    )
    is_character = token_ids != END_ID
    alternatives = Alternatives(
        token_ids=tf.where(is_character, token_ids, PAD_ID)[:, :num_best, :-1],
        confidence=tf.reduce_prod(confidences, axis=-1)[:, :num_best],
        scores=beam.ranks[:, :num_best],
    )
    return best, alternatives


def _possible(vocabulary_size: tf.Tensor, only_end: tf.Tensor) -> tf.Tensor:
    """Return bool [V]: the tokens that may follow; in the last step only the end.

    Padding, start and the unknown character, which cannot be displayed, never follow.
    """
    token_ids = tf.range(vocabulary_size)
    possible = (token_ids != PAD_ID) & (token_ids != START_ID) & (token_ids != UNKNOWN_ID)
    return possible & (~only_end | (token_ids == END_ID))

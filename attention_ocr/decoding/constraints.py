"""Constraints of a search: scorers and a rule, with their states."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import tensorflow as tf

from attention_ocr.decoding.protocols import Rule, Weighted

Nest = TypeVar("Nest")


class ConstraintState(NamedTuple):
    """State of the texts of a search; each part has a leading axis B k.

    Attributes:
        scorers: State of each scorer.
        rule: State of the rule; an empty nest without one.
    """

    scorers: tuple[Any, ...]
    rule: Any


class Constraints(NamedTuple):
    """Scorers and a rule that are fused into a search.

    Attributes:
        scorers: Scorers added to the score of a text.
        rule: Constraint that all texts must satisfy, or `None`.
    """

    scorers: Sequence[Weighted]
    rule: Rule | None

    def initial_state(self, num_rows: tf.Tensor) -> ConstraintState:
        """Return the state of `num_rows` empty texts."""
        return ConstraintState(
            tuple(entry.scorer.initial_state(num_rows) for entry in self.scorers),
            () if self.rule is None else self.rule.initial_state(num_rows),
        )

    def scores(self, state: ConstraintState) -> tf.Tensor | None:
        """Return the weighted sum of the scorers' scores, float32 [B k, V]; `None` without."""
        total = None
        for entry, scorer_state in zip(self.scorers, state.scorers, strict=True):
            scores = entry.weight * entry.scorer.scores(scorer_state)
            total = scores if total is None else total + scores
        return total

    def advance(self, state: ConstraintState, token_ids: tf.Tensor) -> ConstraintState:
        """Return the state after one more token each.

        Args:
            state: State before the tokens.
            token_ids: int32 [B k].
        """
        return ConstraintState(
            tuple(
                entry.scorer.advance(scorer_state, token_ids)
                for entry, scorer_state in zip(self.scorers, state.scorers, strict=True)
            ),
            () if self.rule is None else self.rule.advance(state.rule, token_ids),
        )


def take_rows(states: Nest, parents: tf.Tensor) -> Nest:
    """Return the states of the parents of the next step's texts.

    Args:
        states: Any nest of tensors with a leading axis B k.
        parents: int32 [B, k], the place of each parent in the beam of its example.
    """
    batch_size, width = tf.shape(parents)[0], parents.shape[1]
    rows = tf.reshape(parents + width * tf.range(batch_size)[:, None], (-1,))
    taken: Nest = tf.nest.map_structure(lambda part: tf.gather(part, rows), states)
    return taken


def with_shapes_of(before: Nest, after: Nest) -> Nest:
    """Return `after`, its tensors known to have the shapes of `before`.

    Gathering loses a static batch size, and a loop needs constant shapes.
    """
    shaped: Nest = tf.nest.map_structure(
        lambda old, new: tf.ensure_shape(new, old.shape), before, after
    )
    return shaped

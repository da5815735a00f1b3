"""What guides a search beside the network: scorers and a rule, with their states."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import tensorflow as tf

from attention_ocr.decoding.protocols import Rule, Weighted

Nest = TypeVar("Nest")


class ConstraintState(NamedTuple):
    """Where the texts of a search stand; each part has a leading axis B k.

    Attributes:
        scorers: state of each scorer.
        rule: state of the rule; an empty nest without one.
    """

    scorers: tuple[Any, ...]
    rule: Any


class Constraints(NamedTuple):
    """All that has a say in a search beside the network.

    Attributes:
        scorers: add to the score of a text.
        rule: what all texts must keep, if there is one.
    """

    scorers: Sequence[Weighted]
    rule: Rule | None

    def initial_state(self, num_rows: tf.Tensor) -> ConstraintState:
        """Return the state of so many empty texts."""
        return ConstraintState(
            tuple(entry.scorer.initial_state(num_rows) for entry in self.scorers),
            () if self.rule is None else self.rule.initial_state(num_rows),
        )

    def scores(self, state: ConstraintState) -> tf.Tensor | None:
        """Return the weighted sum of the scorers' scores, float32 [B k, V]; none without any."""
        said = None
        for entry, scorer_state in zip(self.scorers, state.scorers, strict=True):
            scores = entry.weight * entry.scorer.scores(scorer_state)
            said = scores if said is None else said + scores
        return said

    def advance(self, state: ConstraintState, token_ids: tf.Tensor) -> ConstraintState:
        """Return the state behind one more token each.

        Args:
            state: before.
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
    """Return the states of the texts from which those of the next step come.

    Args:
        states: any nest of tensors with a leading axis B k.
        parents: int32 [B, k], the place of each in the beam of its example.
    """
    batch_size, width = tf.shape(parents)[0], parents.shape[1]
    rows = tf.reshape(parents + width * tf.range(batch_size)[:, None], (-1,))
    taken: Nest = tf.nest.map_structure(lambda part: tf.gather(part, rows), states)
    return taken


def with_shapes_of(before: Nest, after: Nest) -> Nest:
    """Return `after`, its tensors known to have the shapes of `before`.

    What is gathered forgets a batch size that was known, and a loop wants all shapes to stay.
    """
    shaped: Nest = tf.nest.map_structure(
        lambda old, new: tf.ensure_shape(new, old.shape), before, after
    )
    return shaped

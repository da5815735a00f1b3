"""Protocols of scorers and rules, which are fused into a search."""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf


class Scorer(Protocol):
    """Scores every next token of the R hypotheses of a search.

    The scores of a text's tokens add up, the end token included, and none is above 0, so that a
    search may prune a text that has fallen back.
    """

    def initial_state(self, num_rows: tf.Tensor) -> Any:
        """Return the state of R empty texts: a nest of tensors with leading axis R."""
        ...

    def scores(self, state: Any) -> tf.Tensor:
        """Return float32 [R, V], log-score of each next token."""
        ...

    def advance(self, state: Any, token_ids: tf.Tensor) -> Any:
        """Return the state after the tokens int32 [R]; any state for padding and end."""
        ...


class Rule(Protocol):
    """A constraint on the characters that may follow, which every decoded text satisfies.

    Attributes:
        longest: Length of the longest text that satisfies the rule; `None` if unbounded or unknown.
    """

    longest: int | None

    def initial_state(self, num_rows: tf.Tensor) -> tf.Tensor:
        """Return the state of R empty texts: int32 [R]."""
        ...

    def allowed(self, state: tf.Tensor, remaining: tf.Tensor | None) -> tf.Tensor:
        """Return bool [R, V]: the tokens after which the rule can still be satisfied.

        Args:
            state: int32 [R].
            remaining: int32, scalar or [R], characters that still fit; `None` where the longest
                text fits.
        """
        ...

    def reachable(self, state: tf.Tensor, remaining: tf.Tensor) -> tf.Tensor:
        """Return bool [R]: whether `remaining` more characters can satisfy the rule."""
        ...

    def advance(self, state: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
        """Return the state int32 [R] after the tokens int32 [R]."""
        ...


class Weighted(NamedTuple):
    """A scorer and its weight in a search.

    Attributes:
        scorer: Gives the scores.
        weight: Weight of the scores, 0 or more; for each hypothesis its own as float32 [R, 1].
    """

    scorer: Scorer
    weight: float | tf.Tensor

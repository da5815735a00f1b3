"""What may have a say in a search beside the head that reads: other models, and rules."""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf


class Scorer(Protocol):
    """Scores every next token of every text that a search follows; R is their number.

    The scores of a text's tokens add up, the end token among them, and none is above 0: a search
    may then leave a text that has fallen behind.
    """

    def initial_state(self, num_rows: tf.Tensor) -> Any:
        """Return the state of R empty texts: a nest of tensors with leading axis R."""
        ...

    def scores(self, state: Any) -> tf.Tensor:
        """Return float32 [R, V], log-score of each next token."""
        ...

    def advance(self, state: Any, token_ids: tf.Tensor) -> Any:
        """Return the state behind the tokens int32 [R]; any state for padding and end."""
        ...


class Rule(Protocol):
    """Says which characters may follow, so that every text that is read keeps a rule.

    Attributes:
        longest: characters of the longest text that keeps the rule; none where there is none.
    """

    longest: int | None

    def initial_state(self, num_rows: tf.Tensor) -> tf.Tensor:
        """Return the state of R empty texts: int32 [R]."""
        ...

    def allowed(self, state: tf.Tensor, remaining: tf.Tensor | None) -> tf.Tensor:
        """Return bool [R, V]: the tokens behind which the rule can still be kept.

        Args:
            state: int32 [R].
            remaining: int32, scalar or [R], characters for which there is room; none where the
                longest text fits.
        """
        ...

    def reachable(self, state: tf.Tensor, remaining: tf.Tensor) -> tf.Tensor:
        """Return bool [R]: whether so many more characters suffice to keep the rule."""
        ...

    def advance(self, state: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
        """Return the state int32 [R] behind the tokens int32 [R]."""
        ...


class Weighted(NamedTuple):
    """A scorer and its say in a search.

    Attributes:
        scorer: gives the scores.
        weight: of them, 0 or more.
    """

    scorer: Scorer
    weight: float

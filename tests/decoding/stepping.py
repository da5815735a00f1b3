"""Rules and decoders stepped by hand, to compare searches with."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from attention_ocr.decoding.automaton import TableRule
from attention_ocr.text.charset import END_ID, PAD_ID, START_ID, Charset


def accepted_texts(
    rule: TableRule, row: int = 0, num_rows: int = 1, *, charset: Charset, max_length: int
) -> set[str]:
    """Return all texts that a rule accepts in one of its rows."""
    texts = set()

    def explore(text: str, state: tf.Tensor) -> None:
        allowed = rule.allowed(state, tf.constant(max_length - len(text))).numpy()[0]
        if allowed[END_ID]:
            texts.add(text)
        for character in charset.characters:
            token_id = charset.encode(character)[0]
            if allowed[token_id]:
                explore(text + character, rule.advance(state, tf.constant([token_id])))

    explore("", rule.initial_state(tf.constant(num_rows))[row : row + 1])
    return texts


def bigram_decoder(
    table: np.ndarray, num_cells: int
) -> tuple[Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any, tf.Tensor]], np.ndarray]:
    """Return the step of a decoder and its log-probabilities.

    Args:
        table: float [examples, steps, V, V], logits of each token after each previous one, which
            get their padding and start ruled out.
        num_cells: N.
    """
    table[..., [PAD_ID, START_ID]] = -1e9

    def step(token_ids: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any, tf.Tensor]:
        example, t = state
        logits = tf.gather_nd(
            tf.constant(table, tf.float32), tf.stack([example, t, token_ids], axis=1)
        )
        return logits, (example, t + 1), tf.ones((tf.shape(example)[0], num_cells)) / num_cells

    return step, table - np.log(np.exp(table).sum(axis=-1, keepdims=True))

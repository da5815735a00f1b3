"""A small character LSTM, trained on words and stepped in the graph."""

from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from attention_ocr.io.progress import progress_bar
from attention_ocr.text.charset import END_ID, Charset

KIND = "lstm"
START_SYMBOL, END_SYMBOL, UNKNOWN_SYMBOL, NUM_SPECIAL = 0, 1, 2, 3
SMOOTHING = 0.01
"""Label smoothing over all symbols, so that an unknown character is not impossible."""
_BATCHES_SORTED = 50
WEIGHTS = ("embedding", "kernel", "recurrent_kernel", "bias", "output_kernel", "output_bias")

State = tuple[tf.Tensor, tf.Tensor]


def entries_of(weights: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Return the contribution of each symbol to the gates, float32 [S, 4U]."""
    return tf.matmul(weights["embedding"], weights["kernel"]) + weights["bias"]


def step(entry: tf.Tensor, recurrent_kernel: tf.Tensor, state: State) -> State:
    """Advance an LSTM (Hochreiter and Schmidhuber, 1997; Gers et al., 2000) by a character.

    Args:
        entry: float32 [R, 4U], from `entries_of`; the gates stand in the order input, forget,
            candidate, output.
        recurrent_kernel: float32 [U, 4U].
        state: `hidden` and `cell`, float32 [R, U].
    """
    hidden, cell = state
    gates = entry + tf.matmul(hidden, recurrent_kernel)
    enter, keep, candidate, leave = tf.split(gates, 4, axis=1)
    cell = tf.sigmoid(keep) * cell + tf.sigmoid(enter) * tf.tanh(candidate)
    return tf.sigmoid(leave) * tf.tanh(cell), cell


def project(weights: Mapping[str, tf.Tensor], hidden: tf.Tensor) -> tf.Tensor:
    """Return the logits of the next symbol, float32 [R, S]."""
    return tf.matmul(hidden, weights["output_kernel"]) + weights["output_bias"]


def train_lstm(
    words: Sequence[str],
    units: int = 128,
    epochs: int = 8,
    batch_size: int = 128,
    learning_rate: float = 3e-3,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Train a model by Adam on the cross-entropy of each next character, the end included.

    Args:
        words: Words in NFC, at least one.
        units: U.
        epochs: Passes over the words.
        batch_size: Words in a step.
        learning_rate: Learning rate of the first epoch; it falls to a tenth.
        seed: Seed of the weights and of the order of the words.

    Returns:
        The arrays of a model file, see `LSTMModel`.
    """
    characters = sorted(set("".join(words)))
    symbol = {character: NUM_SPECIAL + index for index, character in enumerate(characters)}
    rows = np.zeros((len(words), max(map(len, words)) + 2), np.int32)
    lengths = np.array([len(word) + 1 for word in words], np.int32)
    for row, word in zip(rows, words, strict=True):
        row[: len(word) + 2] = [START_SYMBOL, *map(symbol.__getitem__, word), END_SYMBOL]
    weights = _initial_weights(NUM_SPECIAL + len(characters), units, seed)
    num_steps = epochs * -(-len(words) // batch_size)
    schedule = keras.optimizers.schedules.PolynomialDecay(
        learning_rate, num_steps, learning_rate / 10
    )
    optimizer = keras.optimizers.Adam(schedule, global_clipnorm=1.0)
    optimizer.build(list(weights.values()))

    @tf.function(reduce_retracing=True)
    def train_step(symbols: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = _loss({name: weight.value for name, weight in weights.items()}, symbols, lengths)
        variables = list(weights.values())
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        return loss

    random = np.random.default_rng(seed)
    with progress_bar("training", num_steps, "step") as bar:
        for _ in range(epochs):
            for chosen in _batches_of_like_length(lengths, batch_size, random):
                longest = lengths[chosen].max() + 1
                train_step(tf.constant(rows[chosen, :longest]), tf.constant(lengths[chosen]))
                bar.update()
    arrays = {name: np.asarray(weight) for name, weight in weights.items()}
    return {"kind": np.array(KIND), "characters": np.array(characters)} | arrays


def _batches_of_like_length(
    lengths: np.ndarray, batch_size: int, random: np.random.Generator
) -> Iterator[np.ndarray]:
    """Draw all indices in random batches, sorted by length in windows of many batches.

    Little of a batch is then padding: lines of a text differ in length by a factor of ten.
    """
    order = random.permutation(len(lengths))
    window = _BATCHES_SORTED * batch_size
    for start in range(0, len(order), window):
        chosen = order[start : start + window]
        chosen = chosen[np.argsort(lengths[chosen], kind="stable")]
        count = -(-len(chosen) // batch_size)
        for batch in random.permutation(count):
            yield chosen[batch * batch_size : (batch + 1) * batch_size]


def _initial_weights(num_symbols: int, units: int, seed: int) -> dict[str, keras.Variable]:
    glorot = keras.initializers.GlorotUniform(seed)
    width = min(units, 32)
    shapes = {
        "embedding": (num_symbols, width),
        "kernel": (width, 4 * units),
        "recurrent_kernel": (units, 4 * units),
        "bias": (4 * units,),
        "output_kernel": (units, num_symbols),
        "output_bias": (num_symbols,),
    }
    return {
        name: keras.Variable(glorot(shape) if len(shape) > 1 else tf.zeros(shape), name=name)
        for name, shape in shapes.items()
    }


def _loss(weights: Mapping[str, tf.Tensor], symbols: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Return the mean cross-entropy of the symbols [R, T + 1] after the first one."""
    num_rows, num_steps = tf.shape(symbols)[0], tf.shape(symbols)[1] - 1
    units = weights["recurrent_kernel"].shape[0]
    num_symbols = weights["output_bias"].shape[0]
    zeros = tf.zeros((num_rows, units))
    entries = entries_of(weights)

    def body(t: tf.Tensor, state: State, total: tf.Tensor) -> tuple[tf.Tensor, State, tf.Tensor]:
        entry = tf.gather(entries, symbols[:, t])
        state = step(entry, weights["recurrent_kernel"], state)
        targets = tf.one_hot(symbols[:, t + 1], num_symbols)
        targets = targets * (1.0 - SMOOTHING) + SMOOTHING / num_symbols
        losses = tf.nn.softmax_cross_entropy_with_logits(targets, project(weights, state[0]))
        return t + 1, state, total + tf.reduce_sum(tf.where(t < lengths, losses, 0.0))

    _, _, total = tf.while_loop(
        lambda t, *_: t < num_steps,
        body,
        (tf.constant(0), (zeros, zeros), tf.constant(0.0)),
        maximum_iterations=num_steps,
    )
    return total / tf.cast(tf.reduce_sum(lengths), tf.float32)


class LSTMModel:
    """Scores tokens with the LSTM in the graph of a search.

    Args:
        arrays: Arrays of a model file: `characters`, and the `WEIGHTS`.
        charset: Charset of the recogniser, whose tokens the model scores. Characters that no
            training word had are scored as the unknown character.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], charset: Charset) -> None:
        self._weights = {name: arrays[name].astype(np.float32) for name in WEIGHTS}
        # Computed once, not in each step of a search.
        self._entries = self._weights["embedding"] @ self._weights["kernel"] + self._weights["bias"]
        self._symbols = np.full(charset.vocabulary_size, UNKNOWN_SYMBOL, np.int32)
        self._symbols[END_ID] = END_SYMBOL
        for index, character in enumerate(arrays["characters"]):
            if character in charset.characters:
                self._symbols[charset.encode(str(character))[0]] = NUM_SPECIAL + index

    def initial_state(self, num_rows: tf.Tensor) -> State:
        """Return the state after the start: float32 [R, U], twice."""
        units = self._weights["recurrent_kernel"].shape[0]
        zeros = tf.zeros((num_rows, units))
        starts = tf.fill(tf.reshape(num_rows, (1,)), START_SYMBOL)
        return self._step(starts, (zeros, zeros))

    def scores(self, state: State) -> tf.Tensor:
        """Return float32 [R, V], log-probability of each next token."""
        log_probabilities = tf.nn.log_softmax(project(self._weights, state[0]))
        return tf.gather(log_probabilities, self._symbols, axis=1)

    def advance(self, state: State, token_ids: tf.Tensor) -> State:
        """Return the state after the tokens int32 [R]."""
        return self._step(tf.gather(self._symbols, token_ids), state)

    def _step(self, symbols: tf.Tensor, state: State) -> State:
        entry = tf.gather(self._entries, symbols)
        return step(entry, self._weights["recurrent_kernel"], state)

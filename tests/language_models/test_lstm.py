import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.language_models.lstm import LSTMModel, train_lstm
from attention_ocr.text.charset import END_ID, Charset

WORDS = ["abc", "bca", "cab"] * 20
CHARSET = Charset("cxab")


@pytest.fixture(scope="module")
def arrays():
    return train_lstm(WORDS, units=16, epochs=40, batch_size=20, learning_rate=0.03)


def likeliest_after(model: LSTMModel, text: str) -> int:
    state = model.initial_state(tf.constant(2))
    for token_id in CHARSET.encode(text):
        state = model.advance(state, tf.fill((2,), token_id))
    scores = model.scores(state).numpy()
    np.testing.assert_array_equal(scores[0], scores[1])
    assert (scores < 0).all()
    return int(scores[0].argmax())


def test_it_learns_which_character_follows(arrays):
    model = LSTMModel(arrays, CHARSET)
    c, x, a, b = CHARSET.encode("cxab")
    assert likeliest_after(model, "a") == b
    assert likeliest_after(model, "b") == c
    assert likeliest_after(model, "ca") == b
    # Its state remembers earlier characters.
    assert likeliest_after(model, "abc") == END_ID
    assert likeliest_after(model, "bc") == a
    scores = model.scores(model.initial_state(tf.constant(1))).numpy()[0]
    assert scores[x] < scores[[a, b, c]].min()
    assert np.isfinite(scores).all()


def test_a_seed_makes_two_trainings_equal(arrays):
    again = train_lstm(WORDS, units=16, epochs=40, batch_size=20, learning_rate=0.03)
    for name, value in arrays.items():
        if value.dtype.kind == "f":
            np.testing.assert_allclose(again[name], value, atol=1e-3)
        else:
            np.testing.assert_array_equal(again[name], value)

import numpy as np
import tensorflow as tf

from attention_ocr.models.attention.interface import Memory
from attention_ocr.models.attention.mean import MeanAttention


def test_every_query_sees_the_mean_of_the_valid_cells():
    attention = MeanAttention()
    attention.build(4, 2)
    values = tf.constant([[[1.0, 2.0], [3.0, 6.0], [99.0, 99.0]], [[5.0, 5.0], [9.0, 9.0], [1, 1]]])
    cells = tf.constant([[True, True, False], [False, False, True]])
    memory = Memory(values, attention.prepare(values, cells), cells)
    for query in (tf.zeros((2, 4)), tf.ones((2, 4))):
        context, weights, _ = attention(query, memory, ())
        np.testing.assert_allclose(context, [[2.0, 4.0], [1.0, 1.0]])
        np.testing.assert_allclose(weights, [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    assert not attention.weights

import math

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.attention.interface import attention_weights, log_weights

SCORES = np.array([[0.0, math.log(3.0), 5.0]], np.float32)
CELLS = np.array([[True, True, False]])


@pytest.mark.parametrize(
    ("normalization", "expected"),
    # Exponentials 1 and 3; sigmoids 1/2 and 3/4.
    [("softmax", [[0.25, 0.75, 0.0]]), ("sigmoid", [[0.4, 0.6, 0.0]])],
)
def test_weights_worked_out_by_hand(normalization, expected):
    weights = attention_weights(SCORES, CELLS, normalization)
    np.testing.assert_allclose(weights, expected, atol=1e-6)
    np.testing.assert_allclose(
        tf.exp(log_weights(SCORES, CELLS, normalization)), expected, atol=1e-6
    )


@pytest.mark.parametrize("normalization", ["softmax", "sigmoid"])
@pytest.mark.parametrize("scores", [[-1e5, -2e5, 9.0], [1e5, 2e5, 9.0]])
def test_large_scores_still_sum_to_one(scores, normalization):
    weights = attention_weights(np.array([scores], np.float32), CELLS, normalization)
    assert float(tf.reduce_sum(weights)) == pytest.approx(1.0)
    assert float(weights[0, 2]) == 0.0

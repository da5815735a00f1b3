import numpy as np
import tensorflow as tf

from attention_ocr.models.sequence import BidirectionalLSTM

B, W, D, U = 3, 5, 4, 6
LENGTHS = np.array([5, 1, 3], np.int32)


def random(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


INPUTS = random(B, W, D, seed=0)


def make_layer() -> BidirectionalLSTM:
    layer = BidirectionalLSTM(U)
    layer(INPUTS, LENGTHS)
    layer.set_weights([random(*weight.shape, seed=1 + i) for i, weight in enumerate(layer.weights)])
    return layer


def unrolled(layer: BidirectionalLSTM, inputs: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Compute the layer per example and column, with TensorFlow's gradients."""
    kernels = tf.split(layer.projection.kernel, 2, axis=1)
    outputs, summaries = [], []
    for index, length in enumerate(LENGTHS):
        directions = []
        for direction in range(2):
            state = cell = tf.zeros((1, U))
            columns = list(range(length))[:: 1 - 2 * direction]
            states = {}
            for column in columns:
                gates = (
                    inputs[index, column][None] @ kernels[direction]
                    + state @ layer.recurrent_kernel[direction]
                    + layer.bias[direction]
                )
                entry, forget, candidate, output = tf.split(gates, 4, axis=-1)
                cell = tf.sigmoid(forget) * cell + tf.sigmoid(entry) * tf.tanh(candidate)
                state = states[column] = tf.sigmoid(output) * tf.tanh(cell)
            directions.append((tf.concat([states[c] for c in range(length)], axis=0), state))
        outputs.append(tf.concat([states for states, _ in directions], axis=-1))
        summaries.append(tf.concat([last for _, last in directions], axis=-1))
    return outputs, tf.concat(summaries, axis=0)


def test_the_explicit_gradient_equals_automatic_differentiation():
    layer, inputs = make_layer(), tf.constant(INPUTS)
    output_weights, summary_weights = random(B, W, 2 * U, seed=8), random(B, 2 * U, seed=9)
    variables = [inputs, *layer.trainable_variables]

    @tf.function
    def gradients_in_graph():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs, summary = layer(inputs, LENGTHS)
            loss = tf.reduce_sum(outputs * output_weights)
            loss += tf.reduce_sum(summary * summary_weights)
        return loss, [tf.convert_to_tensor(value) for value in tape.gradient(loss, variables)]

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs, summary = unrolled(layer, inputs)
        expected_loss = tf.reduce_sum(summary * summary_weights)
        for index, length in enumerate(LENGTHS):
            expected_loss += tf.reduce_sum(outputs[index] * output_weights[index, :length])
    expected = tape.gradient(expected_loss, variables)
    loss, gradients = gradients_in_graph()
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    for one, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(one, tf.convert_to_tensor(other), atol=2e-5)
    # Padding has no gradient.
    for index, length in enumerate(LENGTHS):
        np.testing.assert_array_equal(gradients[0][index, length:], 0.0)


def test_inputs_on_the_padding_change_no_gradient():
    layer = make_layer()
    gradients = []
    for value in (0.0, 50.0):
        inputs = INPUTS.copy()
        for index, length in enumerate(LENGTHS):
            inputs[index, length:] = value
        with tf.GradientTape() as tape:
            outputs, summary = layer(inputs, LENGTHS)
            loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(summary)
        gradients.append(tape.gradient(loss, layer.trainable_variables))
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.gru import BidirectionalGRU
from attention_ocr.models.sequence import BidirectionalLSTM

B, W, D, U = 3, 7, 4, 6
LENGTHS = np.array([7, 1, 4], np.int32)
INPUTS = np.random.default_rng(1).normal(size=(B, W, D)).astype(np.float32)
TENSOR_LISTS = {"TensorListReserve", "TensorListSetItem", "TensorListGetItem", "TensorListStack"}


@pytest.fixture(params=[BidirectionalLSTM, BidirectionalGRU])
def layer(request):
    layer = request.param(U)
    layer(tf.zeros((1, 2, D)), tf.constant([2]))
    random = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    return layer


def operations(function: tf.types.experimental.ConcreteFunction) -> set[str]:
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for part in graph.library.function for node in part.node_def)]
    return {node.op for node in nodes}


@pytest.mark.parametrize("num_columns", [7, 8], ids=["one_at_once", "four_at_once"])
def test_the_portable_loop_equals_the_training_loop(layer, num_columns):
    inputs = np.random.default_rng(2).normal(size=(B, num_columns, D)).astype(np.float32)
    expected = layer(inputs, LENGTHS)
    portable = tf.function(
        layer.portable_copy(),
        input_signature=[tf.TensorSpec(inputs.shape), tf.TensorSpec((B,), tf.int32)],
    )
    for output, other in zip(portable(inputs, LENGTHS), expected, strict=True):
        assert output.shape == other.shape
        np.testing.assert_allclose(output, other, atol=1e-5)


def test_it_needs_neither_tensor_lists_nor_static_shapes(layer):
    expected = layer(INPUTS, LENGTHS)
    # One function per variant, because traces are cached.
    signature = (tf.TensorSpec((None, None, D)), tf.TensorSpec((None,), tf.int32))
    training = tf.function(layer, input_signature=signature).get_concrete_function()
    assert operations(training) & TENSOR_LISTS
    portable = tf.function(layer.portable_copy(), input_signature=signature)
    assert not operations(portable.get_concrete_function()) & TENSOR_LISTS
    for output, other in zip(portable(INPUTS, LENGTHS), expected, strict=True):
        np.testing.assert_allclose(output, other, atol=1e-5)


def test_padding_changes_nothing(layer):
    layer = layer.portable_copy()
    outputs, summary = layer(INPUTS, LENGTHS)
    wider, other_summary = layer(np.pad(INPUTS, ((0, 0), (0, 5), (0, 0))), LENGTHS)
    np.testing.assert_allclose(wider[:, :W], outputs, atol=1e-6)
    np.testing.assert_array_equal(wider[:, W:], 0.0)
    np.testing.assert_allclose(other_summary, summary, atol=1e-6)


def test_a_portable_copy_shares_the_variables_and_leaves_the_layer_unchanged(layer):
    expected = layer(INPUTS, LENGTHS)
    copy = layer.portable_copy()
    assert copy.portable
    assert not layer.portable
    for own, shared in zip(layer.variables, copy.variables, strict=True):
        assert shared is own
    for weight in layer.weights:
        weight.assign(weight * 0.5)
    changed = layer(INPUTS, LENGTHS)
    assert np.abs(changed[0] - expected[0]).max() > 0.01
    for output, other in zip(copy(INPUTS, LENGTHS), changed, strict=True):
        np.testing.assert_allclose(output, other, atol=1e-5)


def test_an_lstm_in_one_operation_equals_the_training_loop():
    layer = BidirectionalLSTM(U)
    layer(tf.zeros((1, 2, D)), tf.constant([2]))
    random = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    expected = layer(INPUTS, LENGTHS)
    layer = layer.portable_copy(fused=True)
    signature = (tf.TensorSpec((None, None, D)), tf.TensorSpec((None,), tf.int32))
    fused = tf.function(layer, input_signature=signature)
    used = operations(fused.get_concrete_function())
    assert "BlockLSTMV2" in used
    assert not used & (TENSOR_LISTS | {"While"})
    for output, other in zip(fused(INPUTS, LENGTHS), expected, strict=True):
        np.testing.assert_allclose(output, other, atol=1e-5)

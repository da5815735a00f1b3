import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.encoders.compact import CompactEncoder
from attention_ocr.models.recognizer import Recognizer, portable_copy
from tests import tiny

BATCH = tiny.random_batch(height=32)
KINDS = [
    (encoder, sequence_layers) for encoder in ("compact", "vgg") for sequence_layers in (0, 1, 2)
]


def build(encoder: str, sequence_layers: int, **values: object) -> Recognizer:
    recognizer = tiny.recognizer(
        encoder=encoder, sequence_layers=sequence_layers, image_height=32, **values
    )
    random = np.random.default_rng(0)
    for weight in recognizer.weights:
        if weight.path.endswith(("beta", "moving_mean")):
            weight.assign(random.normal(scale=0.3, size=weight.shape))
    return recognizer


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"{kind[0]}-{kind[1]}")
def recognizer(request):
    return build(*request.param)


def test_outputs_have_the_promised_shapes(recognizer):
    outputs = recognizer(BATCH)
    assert outputs.keys() == {"logits", "ctc_logits", "column_lengths"}
    assert outputs["logits"].shape == (4, 6, 11)
    assert outputs["ctc_logits"].shape == (4, 12, 11)
    # Widths 32, 48, 40, 23 in columns of four pixels.
    assert outputs["column_lengths"].numpy().tolist() == [8, 12, 10, 6]
    assert outputs["logits"].dtype == outputs["ctc_logits"].dtype == tf.float32


def test_an_example_depends_neither_on_its_batch_nor_on_its_padding(recognizer):
    outputs = recognizer(BATCH)
    for index in (0, 3):
        alone = {name: values[index : index + 1] for name, values in BATCH.items()}
        alone["images"] = tf.pad(alone["images"], ((0, 0), (0, 0), (0, 48), (0, 0)))
        alone["decoder_inputs"] = tf.pad(alone["decoder_inputs"], ((0, 0), (0, 2)))
        single = recognizer(alone)
        columns = int(outputs["column_lengths"][index])
        assert int(single["column_lengths"][0]) == columns
        np.testing.assert_allclose(single["logits"][0, :6], outputs["logits"][index], atol=1e-4)
        np.testing.assert_allclose(
            single["ctc_logits"][0, :columns], outputs["ctc_logits"][index, :columns], atol=1e-4
        )


def test_a_graph_of_unknown_sizes_equals_eager(recognizer):
    run = tf.function(
        recognizer,
        input_signature=(
            {
                "images": tf.TensorSpec((None, 32, None, 1), tf.float32),
                "image_sizes": tf.TensorSpec((None, 2), tf.int32),
                "decoder_inputs": tf.TensorSpec((None, None), tf.int32),
            },
        ),
    )
    inputs = {name: BATCH[name] for name in ("images", "image_sizes", "decoder_inputs")}
    eager, in_graph = recognizer(inputs), run(inputs)
    for name in eager:
        np.testing.assert_allclose(in_graph[name], eager[name], atol=1e-4)


def test_every_variable_gets_a_gradient_from_the_two_heads(recognizer):
    with tf.GradientTape() as tape:
        outputs = recognizer(BATCH, training=True)
        loss = tf.reduce_sum(tf.nn.log_softmax(outputs["logits"])[..., 0]) + tf.reduce_sum(
            tf.nn.log_softmax(outputs["ctc_logits"])[..., 1]
        )
    gradients = tape.gradient(loss, recognizer.trainable_variables)
    for variable, gradient in zip(recognizer.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert float(tf.reduce_max(tf.abs(tf.convert_to_tensor(gradient)))) > 0.0, variable.path


def test_the_memory_is_the_grid_with_its_padding_masked(recognizer):
    encoded = recognizer.encode(BATCH["images"], BATCH["image_sizes"])
    _, memory = recognizer.start_decoding(encoded)
    grid, cells = encoded.feature_grid, encoded.cells
    assert memory.values.shape == (4, grid.shape[1] * grid.shape[2], grid.shape[3])
    np.testing.assert_array_equal(memory.values[1], tf.reshape(grid[1], (-1, grid.shape[3])))
    np.testing.assert_array_equal(memory.cells, tf.reshape(cells, (4, -1)))
    np.testing.assert_array_equal(grid.numpy()[~cells.numpy()], 0.0)
    assert grid.shape[1] == (1 if recognizer.sequence else 32 // recognizer.encoder.stride[0])


def test_columns_without_a_sequence_model_are_means_over_the_valid_rows():
    recognizer = build("compact", 0)
    sizes = tf.constant([[32, 48], [9, 40]])
    images = BATCH["images"][1:3] * tf.cast(tf.range(32)[None, :, None, None] < 9, tf.float32)
    encoded = recognizer.encode(images, sizes)
    # Nine of 32 pixels are two of four rows of the grid.
    expected = encoded.feature_grid[1, :2, :10].numpy().mean(axis=0)
    np.testing.assert_allclose(encoded.columns[1, :10], expected, atol=1e-5)
    np.testing.assert_array_equal(encoded.columns[1, 10:], 0.0)
    np.testing.assert_allclose(encoded.summary[1], expected.mean(axis=0), atol=1e-5)


def test_the_initial_state_sees_both_directions():
    recognizer = build("compact", 1)
    encoded = recognizer.encode(BATCH["images"], BATCH["image_sizes"])
    units = encoded.summary.shape[1] // 2
    for index, length in enumerate(encoded.column_lengths.numpy()):
        forward, backward = encoded.columns[index, length - 1, :units], encoded.columns[index, 0]
        np.testing.assert_allclose(encoded.summary[index, :units], forward, atol=1e-6)
        np.testing.assert_allclose(encoded.summary[index, units:], backward[units:], atol=1e-6)
    summary = tf.Variable(encoded.summary)
    with tf.GradientTape() as tape:
        state, _ = recognizer.start_decoding(encoded._replace(summary=summary + 0.0))
        total = tf.add_n([tf.reduce_sum(value) for value in state.layers[0]])
    assert np.all(tape.gradient(total, summary).numpy() != 0.0)


def test_a_head_can_be_omitted():
    attention = build("compact", 1, ctc_weight=0.0)
    assert attention(BATCH).keys() == {"logits"}
    ctc = build("compact", 1, attention_weight=0.0, decoding="ctc")
    assert ctc(BATCH).keys() == {"ctc_logits", "column_lengths"}


def test_a_recogniser_without_a_head_is_refused():
    with pytest.raises(ValueError, match="needs a decoder or a CTC head"):
        Recognizer(CompactEncoder(), [], None, None)


def test_a_portable_copy_shares_all_variables_and_changes_nothing(recognizer):
    expected = recognizer(BATCH)
    copy = portable_copy(recognizer)
    assert copy.portable
    assert not recognizer.portable
    assert not any(layer.portable for layer in recognizer.sequence)
    for own, shared in zip(recognizer.variables, copy.variables, strict=True):
        assert shared is own
    outputs = copy(BATCH)
    assert outputs.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(outputs[name], value, atol=1e-5, err_msg=name)
    for name, value in recognizer(BATCH).items():
        np.testing.assert_array_equal(value, expected[name])


def test_a_sequence_layer_without_a_portable_version_is_shared_as_it_is():
    class Doubling(keras.layers.Layer):
        def call(self, inputs, lengths):
            return 2.0 * inputs, inputs[:, 0] * tf.cast(lengths[:, None] > 0, inputs.dtype)

    doubling = Doubling()
    recognizer = Recognizer(
        encoder=CompactEncoder(0.25), sequence=[doubling], ctc_head=keras.layers.Dense(7)
    )
    expected = recognizer(BATCH)["ctc_logits"]
    copy = portable_copy(recognizer, fused=True)
    assert copy.sequence[0] is doubling
    np.testing.assert_array_equal(copy(BATCH)["ctc_logits"], expected)

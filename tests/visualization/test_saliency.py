import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.ctc import ctc_greedy_decode
from attention_ocr.models.encoders.residual import ResidualUnit
from attention_ocr.text.charset import END_ID, START_ID
from attention_ocr.visualization.saliency import (
    _Gate,
    _gates,
    _select,
    feedback_saliency,
    gradient_saliency,
)
from tests import tiny

SIZE = tf.constant([[16, 40]], tf.int32)
TOKEN_IDS = [5, 4, 9]


def noise(seed: int = 0) -> tf.Tensor:
    image = np.zeros((1, 16, 48, 1), np.float32)
    image[:, :, :40] = np.random.default_rng(seed).uniform(-1, 1, (1, 16, 40, 1))
    return tf.constant(image)


def build(**values):
    recognizer = tiny.recognizer(**values)
    random = np.random.default_rng(1)
    for weight in recognizer.weights:
        if weight.path.endswith("kernel"):
            weight.assign(weight.numpy() + random.normal(scale=0.1, size=weight.shape))
    return recognizer


@pytest.fixture(scope="module")
def recognizer():
    return build()


def logits_of(recognizer, image) -> np.ndarray:
    inputs = tf.constant([[START_ID, *TOKEN_IDS]], tf.int32)
    batch = {"images": image, "image_sizes": SIZE, "decoder_inputs": inputs}
    return recognizer(batch)["logits"].numpy()[0]


def test_a_gradient_is_that_of_small_differences(recognizer):
    image = noise()
    maps = gradient_saliency(recognizer, image, SIZE, TOKEN_IDS).numpy()
    assert maps.shape == (3, 16, 48)
    step = 1e-2
    for row, column in ((0, 3), (7, 20), (12, 39)):
        moved = image.numpy()
        moved[0, row, column, 0] += step
        upper = logits_of(recognizer, tf.constant(moved))
        moved[0, row, column, 0] -= 2 * step
        lower = logits_of(recognizer, tf.constant(moved))
        for t, token_id in enumerate(TOKEN_IDS):
            slope = abs(upper[t, token_id] - lower[t, token_id]) / (2 * step)
            assert maps[t, row, column] == pytest.approx(slope, rel=0.1, abs=2e-4)


@pytest.mark.parametrize("ask", [gradient_saliency, feedback_saliency])
def test_the_padding_has_no_saliency(recognizer, ask):
    maps = ask(recognizer, noise(), SIZE, TOKEN_IDS[:1]).numpy()
    np.testing.assert_array_equal(maps[:, :, 40:], 0.0)
    assert (maps[:, :, :40].max(axis=(1, 2)) > 0.0).all()
    assert maps.min() >= 0.0


def test_a_column_of_ctc_sees_no_pixel_beyond_its_convolutions():
    recognizer = build(sequence_layers=0, attention_weight=0.0, decoding="ctc")
    image = tf.pad(noise()[:, :, :40], ((0, 0), (0, 0), (0, 152), (0, 0)))
    image += tf.pad(tf.zeros((1, 16, 96, 1)), ((0, 0), (0, 0), (96, 0), (0, 0)))
    size = tf.constant([[16, 192]], tf.int32)
    batch = {"images": image, "image_sizes": size, "decoder_inputs": tf.constant([[START_ID]])}
    outputs = recognizer(batch)
    decoded = ctc_greedy_decode(outputs["ctc_logits"], outputs["column_lengths"], 30)
    read = decoded.token_ids[0, : decoded.lengths[0]].numpy().tolist()
    assert read
    assert END_ID not in read
    maps = gradient_saliency(recognizer, image, size, read, "ctc").numpy()
    assert maps.shape == (len(read), 16, 192)
    reach = 64
    for heat, share in zip(maps, decoded.attention[0].numpy(), strict=False):
        columns = np.flatnonzero(share) * recognizer.encoder.stride[1]
        seen = np.flatnonzero(heat.max(axis=0))
        assert seen.size
        assert seen.min() >= columns.min() - reach
        assert seen.max() <= columns.max() + reach
    with pytest.raises(ValueError, match="reads other characters than those to explain"):
        gradient_saliency(recognizer, image, size, [*read, 4], "ctc")


def test_feedback_changes_the_map_and_removes_its_gates(recognizer):
    image = noise()
    before = logits_of(recognizer, image)
    plain = gradient_saliency(recognizer, image, SIZE, TOKEN_IDS).numpy()
    again = feedback_saliency(recognizer, image, SIZE, TOKEN_IDS).numpy()
    assert np.abs(again - plain).max() > 1e-3
    np.testing.assert_array_equal(logits_of(recognizer, image), before)
    unmoved = feedback_saliency(recognizer, image, SIZE, TOKEN_IDS[:1], num_iterations=0)
    np.testing.assert_allclose(unmoved[0], plain[0], atol=1e-5)


def test_a_gate_stays_open_for_contributions_of_at_least_the_mean():
    contributions = tf.constant([[3.0, 1.0, -5.0, 0.0, 2.0]])
    for threshold, still_open in (
        (0.0, [1, 1, 0, 0, 1]),
        (1.0, [1, 0, 0, 0, 1]),
        (1.25, [1, 0, 0, 0, 0]),
        (2.0, [1, 0, 0, 0, 0]),
    ):
        gates = tf.ones_like(contributions)
        np.testing.assert_array_equal(_select(contributions, gates, threshold)[0], still_open)
    # Where nothing speaks for the character, feedback has nothing to choose.
    gates = tf.constant([[1.0, 0.0]])
    np.testing.assert_array_equal(_select(-contributions[:, :2], gates, 1.0), gates)


def test_feedback_passes_only_open_gates_from_the_top_down():
    gates: list[tf.Variable] = []
    first, second = _Gate(gates, 1.0), _Gate(gates, 1.0)
    inputs = tf.constant([[1.0, 2.0, 3.0]])
    kernel = tf.constant([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])

    def score() -> tf.Tensor:
        hidden = second(first(inputs) @ kernel + [[0.0, 5.0]])
        return tf.reduce_sum(hidden * [[1.0, 2.0]])

    score()
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = score()
    slope, lower, upper = tape.gradient(value, [inputs, *gates])
    # The second hidden unit gives 8 of 9, above the mean of 4.5: nothing comes from the first.
    np.testing.assert_array_equal(upper, [[0.0, 1.0]])
    # By it the inputs give 0, 4 and -6.
    np.testing.assert_array_equal(lower, [[0.0, 1.0, 0.0]])
    np.testing.assert_array_equal(slope, [[0.0, 2.0, 0.0]])


def test_every_relu_of_the_encoder_has_a_gate(recognizer):
    with _gates(recognizer, 1.0) as gates:
        logits_of(recognizer, noise())
        units = recognizer.encoder._flatten_layers()
        num_relus = sum(
            isinstance(unit, ResidualUnit) or getattr(unit, "activate", False) for unit in units
        )
        assert len(gates) == num_relus > 1
        assert all(float(tf.reduce_min(gate)) == 1.0 for gate in gates)


def test_an_encoder_without_gates_and_a_missing_head_are_refused(recognizer):
    with pytest.raises(ValueError, match="lacks the requested head. Received: head='ctc'"):
        gradient_saliency(build(ctc_weight=0.0), noise(), SIZE, TOKEN_IDS, "ctc")
    with pytest.raises(ValueError, match="head='beam'"):
        gradient_saliency(recognizer, noise(), SIZE, TOKEN_IDS, "beam")


def test_no_characters_give_no_maps(recognizer):
    assert gradient_saliency(recognizer, noise(), SIZE, []).shape == (0, 16, 48)
    assert feedback_saliency(recognizer, noise(), SIZE, []).shape == (0, 16, 48)


@pytest.mark.parametrize("rectifier", ["none", "affine"])
def test_the_maps_of_views_stand_side_by_side_without_the_padding_between(rectifier):
    recognizer = build(num_views=2, sequence_layers=0, rectifier=rectifier)
    # An image of which no unit is so close to zero that rounding decides whether it is active.
    first, second = noise(2), noise(2)[:, ::-1]
    views = tf.concat([first, second], axis=1)
    maps = gradient_saliency(recognizer, views, SIZE, TOKEN_IDS).numpy()
    assert maps.shape == (3, 16, 96)
    np.testing.assert_array_equal(maps[:, :, 80:], 0.0)
    assert (maps[:, :, :40].max(axis=(1, 2)) > 0.0).all()
    assert (maps[:, :, 40:80].max(axis=(1, 2)) > 0.0).all()
    # Views in the other order change places.
    other = tf.concat([second, first], axis=1)
    swapped = gradient_saliency(recognizer, other, SIZE, TOKEN_IDS).numpy()
    np.testing.assert_allclose(maps[:, :, :40], swapped[:, :, 40:80], rtol=1e-3, atol=1e-5)
    assert gradient_saliency(recognizer, views, SIZE, []).shape == (0, 16, 96)

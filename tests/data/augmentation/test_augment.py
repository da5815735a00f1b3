import cv2
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.data.augmentation.augment import augment
from attention_ocr.data.augmentation.chance import Chance, draw_amounts
from attention_ocr.data.augmentation.geometry import _corners, warp
from attention_ocr.settings.augmentation import BLURS, GEOMETRY, OPS, parse_policy

B, H, W = 3, 16, 48
SIZES = np.array([[16, 40], [16, 23], [9, 48]], np.int32)
SEED = tf.constant([1, 2])


def random_images(channels: int = 3, seed: int = 0) -> tf.Tensor:
    """Blocks of noise, zero on the padding."""
    random = np.random.default_rng(seed)
    images = np.zeros((B, H, W, channels), np.float32)
    for image, (height, width) in zip(images, SIZES, strict=True):
        coarse = random.uniform(-0.9, 0.9, (8, 24, channels)).repeat(2, 0).repeat(2, 1)
        image[:height, :width] = coarse[:height, :width]
    return tf.constant(images)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_op_alone_changes_images_within_their_range_and_leaves_the_padding(op, channels):
    images = random_images(channels)
    changed = augment(images, SIZES, SEED, parse_policy(op), 1.0, full=True).numpy()
    assert changed.shape == images.shape
    assert np.abs(changed).max() <= 1.0
    for image, before, (height, width) in zip(changed, images.numpy(), SIZES, strict=True):
        assert not image[height:].any()
        assert not image[:, width:].any()
        differs = np.abs(image[:height, :width] - before[:height, :width]).max() > 0.02
        # a gray image has no colour to change.
        assert differs == (op != "colour" or channels == 3)


@pytest.mark.parametrize("op", OPS)
def test_no_op_sees_the_padding_or_the_other_images(op):
    if op == "jpeg":
        pytest.skip("blocks at the edge of an image are coded with what lies beside it")
    images, policy = random_images(), parse_policy(op)
    whole = augment(images, SIZES, SEED, policy, 1.0, full=True)
    others = tf.concat([images[:1], random_images(seed=5)[1:]], axis=0)
    again = augment(others, SIZES, SEED, policy, 1.0, full=True)
    np.testing.assert_allclose(again[0], whole[0], atol=1e-5)
    # Noise and fields are drawn for the whole batch, means and resolutions taken over it.
    if op in (*GEOMETRY[:3], *BLURS, "brightness", "gamma", "colour", "inversion"):
        wider = tf.pad(images, ((0, 0), (0, 0), (0, 16), (0, 0)))
        padded = augment(wider, SIZES, SEED, policy, 1.0, full=True)
        np.testing.assert_allclose(padded[:, :, :W], whole, atol=1e-4)


def test_a_pipeline_converts_the_ops_without_a_warning(caplog):
    batches = tf.data.Dataset.from_tensors((random_images(), SIZES))
    policy = parse_policy("default")
    batches = batches.map(lambda images, sizes: augment(images, sizes, SEED, policy, 0.5))
    assert next(iter(batches)).shape == (B, H, W, 3)
    assert [record.getMessage() for record in caplog.records] == []


@pytest.mark.parametrize("policy", ["default", "affine+jpeg", "gamma"])
def test_the_same_seed_gives_the_same_images_and_another_gives_others(policy):
    images, parsed = random_images(), parse_policy(policy)
    once = augment(images, SIZES, SEED, parsed, 0.7)
    np.testing.assert_array_equal(augment(images, SIZES, SEED, parsed, 0.7), once)
    assert np.abs(augment(images, SIZES, [1, 3], parsed, 0.7) - once).max() > 0.01


def test_the_graph_and_eager_calls_agree():
    images, policy = random_images(), parse_policy("default")
    eager = augment(images, SIZES, SEED, policy, 0.7)
    graph = tf.function(
        lambda *inputs: augment(*inputs, policy, 0.7),
        input_signature=(
            tf.TensorSpec((None, H, None, 3), tf.float32),
            tf.TensorSpec((None, 2), tf.int32),
            tf.TensorSpec((2,), tf.int32),
        ),
    )
    np.testing.assert_allclose(graph(images, SIZES, SEED), eager, atol=1e-3)


def test_a_strength_of_zero_changes_nothing():
    images = random_images()
    policy = parse_policy("default")._replace(ops=tuple(op for op in OPS if op != "jpeg"))
    np.testing.assert_allclose(augment(images, SIZES, SEED, policy, 0.0), images, atol=1e-3)


def test_each_image_gets_as_many_ops_as_the_policy_says():
    policy = parse_policy("default,num_ops=2")
    amounts = draw_amounts(policy, 0.5, Chance(SEED, 200))
    met = np.stack([amounts[op] for op in OPS])
    assert (np.count_nonzero(met, axis=0) == 2).all()
    assert 0.0 <= met.min() <= met.max() <= 0.5
    # Two of eighteen: each op about 22 times of 200.
    assert np.count_nonzero(met, axis=1).min() > 5


@pytest.mark.parametrize("width", [16, 48, 400])
def test_rotated_and_tilted_images_stay_inside(width):
    aspect = tf.fill((500,), width / 16)
    amounts = {"affine": tf.ones(500), "perspective": tf.ones(500)}
    corners = _corners(aspect, amounts, Chance(SEED, 500)).numpy()
    assert corners.min() >= -1e-5
    assert corners.max() <= 1 + 1e-5
    # And they remain large enough to be read.
    heights = np.abs(corners[:, 3, 1] - corners[:, 0, 1])
    assert heights.min() > 0.3


@pytest.mark.parametrize("op", ["affine", "perspective", "curve"])
def test_ink_at_the_edges_is_not_cut_off(op):
    """A thin frame around the image is still closed after the image has changed shape."""
    image = np.full((1, 32, 96, 1), 1.0, np.float32)
    image[:, 2:30, 2:94] = -1.0
    image[:, 6:26, 6:90] = 1.0
    for seed in range(6):
        chance, sizes = Chance(tf.constant([seed, 0]), 1), tf.constant([[32, 96]])
        changed = warp(tf.constant(image), sizes, {op: tf.ones(1)}, chance)[0, ..., 0]
        dark = (changed.numpy() < 0.2).astype(np.uint8)
        # A closed frame cuts the ground in two: outside and inside.
        num_parts = cv2.connectedComponents(1 - dark, connectivity=4)[0] - 1
        assert num_parts >= 2, (op, seed)


@pytest.mark.parametrize("op", ["gaussian_blur", "motion_blur", "defocus"])
def test_a_blur_keeps_the_brightness_of_a_plain_image(op):
    images = tf.fill((2, 16, 32, 1), 0.4)
    changed = augment(images, [[16, 32], [16, 32]], SEED, parse_policy(op), 1.0, full=True)
    np.testing.assert_allclose(changed, images, atol=1e-4)


def test_inversion_turns_dark_into_light():
    images = random_images()
    changed = augment(images, SIZES, SEED, parse_policy("inversion"), 0.5, full=True)
    np.testing.assert_allclose(changed, -images, atol=1e-6)

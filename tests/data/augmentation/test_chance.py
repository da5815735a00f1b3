"""Random numbers of a batch: by seed, by name, and by image."""

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.data.augmentation.chance import Chance, draw_amounts
from attention_ocr.settings.augmentation import Policy, parse_policy

SIZE = 64


def chance(seed=(3, 5), size=SIZE):
    return Chance(tf.constant(seed), size)


def test_a_name_draws_the_same_numbers_and_another_name_others():
    first, second = chance(), chance()
    np.testing.assert_array_equal(first.uniform("slope"), second.uniform("slope"))
    assert (first.uniform("slope").numpy() != first.uniform("shift").numpy()).all()


@pytest.mark.parametrize("seed", [(3, 6), (4, 5), (5, 3)])
def test_either_part_of_the_seed_changes_the_numbers(seed):
    assert (chance().uniform("slope").numpy() != chance(seed).uniform("slope").numpy()).any()


def test_the_type_of_the_seed_does_not_matter():
    wide = Chance(tf.constant([3, 5], tf.int64), SIZE)
    np.testing.assert_array_equal(wide.uniform("a"), chance().uniform("a"))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-2.0, -1.0), (5.0, 9.0)])
def test_numbers_are_in_their_range_for_each_image(low, high):
    drawn = chance(size=2_000).uniform("a", low, high).numpy()
    assert drawn.shape == (2_000,)
    assert drawn.dtype == np.float32
    assert low <= drawn.min() < drawn.max() < high
    assert drawn.mean() == pytest.approx((low + high) / 2, abs=0.05 * (high - low))


def test_an_image_may_have_several_numbers():
    drawn = chance().uniform("corners", shape=(4, 2)).numpy()
    assert drawn.shape == (SIZE, 4, 2)
    assert len(np.unique(drawn)) > 0.99 * drawn.size


def test_signs_are_evenly_minus_and_plus_one():
    drawn = chance(size=2_000).sign("a").numpy()
    assert set(drawn) == {-1.0, 1.0}
    assert abs(drawn.mean()) < 0.1


@pytest.mark.parametrize("places", [[0], [5, 2, 5], [SIZE - 1, 0]])
def test_some_images_have_the_numbers_that_they_have_in_the_batch(places):
    some = chance().of(tf.constant(places))
    for shape in ((), (3,)):
        whole = chance().uniform("a", shape=shape).numpy()
        np.testing.assert_array_equal(some.uniform("a", shape=shape), whole[places])
    np.testing.assert_array_equal(some.sign("b"), chance().sign("b").numpy()[places])


def test_no_images_have_no_numbers():
    none = chance().of(tf.zeros((0,), tf.int32))
    assert none.uniform("a", shape=(2,)).shape == (0, 2)


def test_numbers_in_a_graph_are_those_outside():
    @tf.function
    def drawn(seed):
        return Chance(seed, SIZE).uniform("a", shape=(2,))

    np.testing.assert_array_equal(drawn(tf.constant([3, 5])), chance().uniform("a", shape=(2,)))


@pytest.mark.parametrize("num_ops", [1, 2, 4])
def test_each_image_has_as_many_ops_as_the_policy_draws(num_ops):
    policy = Policy(("a", "b", "c", "d"), num_ops)
    amounts = draw_amounts(policy, 0.5, chance(size=500))
    stacked = np.stack([amount.numpy() for amount in amounts.values()], axis=1)
    assert list(amounts) == ["a", "b", "c", "d"]
    assert ((stacked > 0.0).sum(axis=1) == num_ops).all()
    assert stacked.max() < 0.5
    # Each op is as frequent as the others.
    np.testing.assert_allclose((stacked > 0.0).mean(axis=0), num_ops / 4, atol=0.08)


def test_full_amounts_are_the_strength():
    amounts = draw_amounts(Policy(("a", "b"), 2), 0.25, chance(), full=True)
    assert {value for amount in amounts.values() for value in amount.numpy()} == {0.25}


def test_the_amount_of_an_op_does_not_depend_on_the_other_ops():
    few = draw_amounts(Policy(("affine", "jpeg"), 2), 1.0, chance())
    more = draw_amounts(Policy(("affine", "jpeg", "blur"), 3), 1.0, chance())
    for op in few:
        np.testing.assert_array_equal(few[op], more[op])


def test_no_strength_changes_nothing():
    amounts = draw_amounts(parse_policy("default"), 0.0, chance())
    assert not any(amount.numpy().any() for amount in amounts.values())

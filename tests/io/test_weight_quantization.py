import numpy as np
import pytest

from attention_ocr.io.weight_quantization import SCALE, restore, to_half, to_int8


def test_each_channel_in_eight_bits_has_its_own_scale():
    rng = np.random.default_rng(0)
    sizes = np.array([1e-3, 1.0, 50.0], np.float32)
    kernel = rng.standard_normal((3, 3, 8, 3)).astype(np.float32) * sizes
    small = to_int8({"kernel": kernel})
    assert small["kernel"].dtype == np.int8
    assert small["kernel" + SCALE].shape == (1, 1, 1, 3)
    error = np.abs(restore(small)["kernel"] - kernel).reshape(-1, 3).max(axis=0)
    largest = np.abs(kernel).reshape(-1, 3).max(axis=0)
    assert (error <= largest / 254 * 1.001).all()


def test_channels_of_a_depthwise_kernel_lie_on_the_axis_before_the_last():
    small = to_int8({"kernel": np.ones((3, 3, 5, 1), np.float32)})
    assert small["kernel" + SCALE].shape == (1, 1, 5, 1)


def test_vectors_and_channels_of_zeros_are_restored_exactly():
    values = {"bias": np.array([1e-9, 3.0], np.float32), "kernel": np.zeros((2, 2), np.float32)}
    back = restore(to_int8(values))
    for name, value in values.items():
        np.testing.assert_array_equal(back[name], value)


def test_packing_twice_changes_nothing():
    rng = np.random.default_rng(1)
    once = restore(to_int8({"kernel": rng.standard_normal((7, 9)).astype(np.float32)}))
    np.testing.assert_allclose(restore(to_int8(once))["kernel"], once["kernel"], rtol=1e-6)


@pytest.mark.parametrize("make_small", [to_half, to_int8])
def test_values_that_cannot_be_stored_are_named(make_small):
    with pytest.raises(ValueError, match="`a/kernel` holds values"):
        make_small({"a/kernel": np.full((2, 2), np.inf, np.float32)})


def test_scales_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="`b:scale` holds scales without a weight"):
        restore({"b:scale": np.ones(3, np.float32)})
    with pytest.raises(ValueError, match="`b` has scales of another shape"):
        restore({"b": np.ones((2, 1), np.int8), "b:scale": np.ones((1, 3), np.float32)})

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.images.formats import STATUS_UNREADABLE, STATUS_UNSUPPORTED
from attention_ocr.images.headers import ImageLimits
from attention_ocr.serving.guard import blank_refused, name_refused, normalize_images
from tests import tiny_model

SMALL = tiny_model.encoded(np.zeros((3, 4, 3), np.uint8))
LARGE = tiny_model.encoded(np.zeros((30, 40, 3), np.uint8))
LIMITS = ImageLimits(max_image_pixels=12)
REASON = "image of 40x30 pixels, the limit is 12"


def column(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def example(content, feature="image/encoded"):
    features = {feature: tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def test_only_what_is_too_large_is_blanked():
    inputs = {"images": column(SMALL, LARGE, b"no image")}
    kept, refused, num_pixels = blank_refused(inputs, LIMITS)
    assert kept["images"].tolist() == [SMALL, b"", b"no image"]
    assert refused == {1: REASON}
    assert num_pixels == 12
    # What the client sent is not touched.
    assert inputs["images"][1] == LARGE


def test_nothing_is_copied_when_all_is_well():
    inputs = {"images": column(SMALL)}
    assert blank_refused(inputs, LIMITS) == (inputs, {}, 12)
    assert blank_refused(inputs, LIMITS).inputs is inputs


def test_an_image_in_an_example_is_blanked_and_the_example_stays_one():
    rows = column(example(SMALL), example(LARGE), example(LARGE, "other"), b"\xff no example")
    kept, refused, num_pixels = blank_refused({"inputs": rows}, LIMITS)
    assert refused == {1: REASON}
    assert num_pixels == 12
    assert kept["inputs"].tolist() == [rows[0], example(b""), rows[2], rows[3]]


def test_what_a_graph_would_read_otherwise_is_rewritten():
    pixels = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    tiff, cut = tiny_model.encoded(pixels, "TIFF"), SMALL[:40]
    files = column(SMALL, tiff, cut, b"no image", b"")
    kept, refused, _ = normalize_images({"images": files})
    assert kept["images"][[0, 3, 4]].tolist() == [SMALL, b"no image", b""]
    np.testing.assert_array_equal(tf.io.decode_png(kept["images"][1]), pixels)
    assert kept["images"][2] == b""
    assert refused == {2: STATUS_UNREADABLE, 3: STATUS_UNSUPPORTED}
    assert files[1] == tiff
    kept, refused, _ = normalize_images({"inputs": column(example(tiff), example(SMALL))})
    parsed = tf.train.Example.FromString(kept["inputs"][0]).features.feature["image/encoded"]
    np.testing.assert_array_equal(tf.io.decode_png(parsed.bytes_list.value[0]), pixels)
    assert (kept["inputs"][1], refused) == (example(SMALL), {})


@pytest.mark.parametrize(
    "inputs",
    [
        {"pixels": np.zeros((2, 30, 40, 3), np.uint8)},
        {"images": np.zeros((2, 30, 40, 3), np.uint8)},
        {},
    ],
)
def test_what_is_not_encoded_is_passed_on(inputs):
    assert blank_refused(inputs, LIMITS) == (inputs, {}, 0)


def test_the_status_of_a_refused_row_says_why():
    outputs = {"text": column(b"a", b""), "status": column(b"ok", b"unreadable image")}
    named = name_refused(outputs, {1: REASON})
    assert named["status"].tolist() == [b"ok", REASON.encode()]
    assert named["text"] is outputs["text"]
    assert outputs["status"][1] == b"unreadable image"
    assert name_refused({"classes": column(b"a")}, {0: REASON}) == {"classes": column(b"a")}

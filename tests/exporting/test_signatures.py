"""The other signatures of an export: pixels and the Classification API."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.saved_model.loader_impl import parse_saved_model

from attention_ocr.data.records import serialize_example
from attention_ocr.inference.engines.signature_names import STATUS_UNREADABLE
from attention_ocr.inference.serving_function import make_signatures
from attention_ocr.inference.work_directory import load_trained_model
from tests import tiny, tiny_model

MAX_LENGTH = tiny.SETTINGS["max_length"]
READING = {
    "text": (tf.string, [None]),
    "confidence": (tf.float32, [None]),
    "character_confidences": (tf.float32, [None, MAX_LENGTH]),
    "attention": (tf.float32, [None, MAX_LENGTH, 1, None]),
    "attention_extent": (tf.float32, [None, 2]),
    "status": (tf.string, [None]),
}
INTERFACE = {
    "serving_default": ("predict", {"images": (tf.string, [None])}, READING),
    "images": ("predict", {"images": (tf.uint8, [None] * 4)}, READING),
    "images_float": ("predict", {"images": (tf.float32, [None] * 4)}, READING),
    "raw_pixels": (
        "predict",
        {"pixels": (tf.string, [None]), "sizes": (tf.int32, [None, 2])},
        READING,
    ),
    "classify": (
        "classify",
        {"inputs": (tf.string, [None])},
        {"classes": (tf.string, [None, 1]), "scores": (tf.float32, [None, 1])},
    ),
}
"""What clients are written for: method, inputs and outputs of each signature."""


@pytest.fixture(scope="module")
def signatures(export):
    loaded = tf.saved_model.load(str(export))
    yield loaded.signatures
    # The signatures do not keep their variables alive.
    del loaded


def test_the_signatures_are_what_clients_were_written_for(export, signatures):
    definitions = parse_saved_model(str(export)).meta_graphs[0].signature_def
    found = {}
    for name, signature in signatures.items():
        method = definitions[name].method_name.removeprefix("tensorflow/serving/")
        inputs, outputs = signature.structured_input_signature[1], signature.structured_outputs
        found[name] = (
            method,
            *(
                {key: (spec.dtype, spec.shape.as_list()) for key, spec in specs.items()}
                for specs in (inputs, outputs)
            ),
        )
    assert found == INTERFACE


@pytest.mark.parametrize(("name", "dtype"), [("images", np.uint8), ("images_float", np.float32)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_read_as_a_file_of_them_does(signatures, name, dtype, channels):
    random = np.random.default_rng(3)
    image = random.integers(0, 256, (31, 67, channels), np.uint8)
    file = tiny_model.encoded(image[..., 0] if channels == 1 else image)
    expected = signatures["serving_default"](images=tf.constant([file]))
    outputs = signatures[name](images=tf.constant(image[None].astype(dtype)))
    assert outputs["text"][0] == expected["text"][0]
    for output, value in expected.items():
        if value.dtype == tf.float32:
            np.testing.assert_allclose(outputs[output], value, rtol=1e-3, atol=1e-6)


def test_pixels_of_a_batch_are_read_each_alone(signatures):
    images = np.random.default_rng(5).integers(0, 256, (3, 20, 50, 3), np.uint8)
    together = signatures["images"](images=tf.constant(images))
    for index, image in enumerate(images):
        alone = signatures["images"](images=tf.constant(image[None]))
        assert together["text"][index] == alone["text"][0]
    assert signatures["images"](images=tf.constant(images[:0]))["text"].shape == (0,)


def test_an_empty_batch_takes_no_memory_whatever_its_claimed_image_size(signatures):
    # Padded as one batch these are three terabytes.
    images = tf.constant(np.zeros((0, 2**20, 2**20, 3), np.uint8))
    assert signatures["images"](images=images)["text"].shape == (0,)


def test_invalid_pixels_fail_alone(signatures):
    images = np.random.default_rng(5).uniform(0, 255, (2, 20, 50, 3)).astype(np.float32)
    expected = signatures["images_float"](images=tf.constant(images))
    images[0, 3, 4, 1] = np.nan
    outputs = signatures["images_float"](images=tf.constant(images))
    assert outputs["status"].numpy().tolist() == [STATUS_UNREADABLE.encode(), b"ok"]
    assert outputs["text"][0] == b""
    assert outputs["confidence"][0] == 0.0
    assert outputs["text"][1] == expected["text"][1]
    without = signatures["images"](images=tf.zeros((1, 0, 5, 3), tf.uint8))
    assert without["status"].numpy().tolist() == [STATUS_UNREADABLE.encode()]


def test_another_number_of_channels_is_refused(signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"1 \(gray\), 3 \(RGB\) or 4"):
        signatures["images"](images=tf.zeros((1, 5, 5, 2), tf.uint8))


def test_classify_reads_the_images_of_examples(signatures):
    files = [*tiny_model.files(3), b"no image"]
    expected = signatures["serving_default"](images=tf.constant(files))
    examples = [serialize_example(file, "", "", 1, 1) for file in files]
    # The last has no image at all.
    outputs = signatures["classify"](inputs=tf.constant([*examples, b""]))
    assert outputs["classes"][:, 0].numpy().tolist() == [*expected["text"].numpy(), b""]
    np.testing.assert_allclose(outputs["scores"][:4, 0], expected["confidence"], rtol=1e-5)
    assert outputs["scores"][4, 0] == 0.0


def test_classify_gives_the_best_texts_of_a_search(work_dir):
    model = load_trained_model(work_dir)
    config = model.config.with_decoding({"beam_width": 4, "num_best": 3})
    signatures = make_signatures(model._replace(config=config))
    file = tiny_model.files(1)[0]
    outputs = signatures["classify"](tf.constant([serialize_example(file, "", "", 1, 1)]))
    expected = signatures["beam"](tf.constant([file]))
    np.testing.assert_array_equal(outputs["classes"], expected["texts"])
    np.testing.assert_allclose(outputs["scores"], expected["text_confidences"], rtol=1e-5)
    assert set(signatures["images"](tf.zeros((1, 9, 9, 3), tf.uint8))) == set(READING)


def test_raw_pixels_of_several_sizes_read_as_their_files(signatures):
    random = np.random.default_rng(4)
    images = [random.integers(0, 256, (*size, 3), np.uint8) for size in ((31, 67), (20, 30))]
    files = [tiny_model.encoded(image) for image in images]
    expected = signatures["serving_default"](images=tf.constant([*files, b"", b""]))
    rows = [*(image.tobytes() for image in images), b"", b"too few"]
    sizes = [*(image.shape[:2] for image in images), (0, 0), (2**31 - 1, 2**31 - 1)]
    outputs = signatures["raw_pixels"](pixels=tf.constant(rows), sizes=tf.constant(sizes, tf.int32))
    for name, value in expected.items():
        np.testing.assert_array_equal(outputs[name], value, err_msg=name)
    assert outputs["status"][3] == STATUS_UNREADABLE.encode()


def test_an_empty_batch_of_raw_pixels_gives_no_readings(signatures):
    outputs = signatures["raw_pixels"](
        pixels=tf.zeros((0,), tf.string), sizes=tf.zeros((0, 2), tf.int32)
    )
    assert outputs["text"].shape == (0,)

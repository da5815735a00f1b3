import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.inference.engines.signature_names import STATUS_NOT_IN_GRAPH, STATUS_UNREADABLE
from attention_ocr.inference.serving_function import make_serving_function
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.settings.config import Config
from tests import tiny, tiny_model

UNREADABLE, OTHER_KIND = STATUS_UNREADABLE.encode(), STATUS_NOT_IN_GRAPH.encode()
MAX_LENGTH = tiny.SETTINGS["max_length"]


@pytest.fixture(scope="module")
def signature(export):
    loaded = tf.saved_model.load(str(export))
    yield loaded.signatures["serving_default"]
    # The signature does not keep its variables alive.
    del loaded


def serve(signature, files):
    outputs = signature(images=tf.constant(files, tf.string))
    return {name: value.numpy() for name, value in outputs.items()}


def assert_rows_equal(outputs, rows, expected, expected_rows):
    """Compare rows of two answers, whose attention may be padded to different widths."""
    for row, expected_row in zip(rows, expected_rows, strict=True):
        for name in ("text", "status"):
            assert outputs[name][row] == expected[name][expected_row]
        for name in ("confidence", "character_confidences"):
            np.testing.assert_allclose(
                outputs[name][row], expected[name][expected_row], rtol=1e-3, atol=1e-7
            )
        attention, other = outputs["attention"][row], expected["attention"][expected_row]
        columns = min(attention.shape[-1], other.shape[-1])
        np.testing.assert_allclose(
            attention[..., :columns], other[..., :columns], rtol=1e-2, atol=1e-5
        )


def test_the_signature_is_what_clients_were_written_for(signature):
    _, inputs = signature.structured_input_signature
    assert inputs == {"images": tf.TensorSpec((None,), tf.string, name="images")}
    outputs = {
        name: (spec.dtype, spec.shape.as_list())
        for name, spec in signature.structured_outputs.items()
    }
    assert outputs == {
        "text": (tf.string, [None]),
        "confidence": (tf.float32, [None]),
        "character_confidences": (tf.float32, [None, MAX_LENGTH]),
        # A layer over the columns leaves one row.
        "attention": (tf.float32, [None, MAX_LENGTH, 1, None]),
        "attention_extent": (tf.float32, [None, 2]),
        "status": (tf.string, [None]),
    }


@pytest.mark.parametrize("batch_size", [0, 1, 5])
def test_a_batch_may_have_any_size(signature, batch_size):
    outputs = serve(signature, tiny_model.files()[:batch_size])
    assert {len(value) for value in outputs.values()} == {batch_size}
    assert all(status == b"ok" for status in outputs["status"])


def test_sizes_and_formats_may_be_mixed(signature):
    files = tiny_model.files()
    outputs = serve(signature, files)
    assert len(set(outputs["text"])) > 3
    for row, file in enumerate(files):
        assert_rows_equal(outputs, [row], serve(signature, [file]), [0])


def test_formats_without_loss_read_alike(signature):
    image = tiny_model.images(1)[0]
    gray = np.repeat(image[..., :1], 3, axis=-1)
    outputs = serve(signature, [tiny_model.encoded(gray, name) for name in ("PNG", "BMP", "GIF")])
    assert_rows_equal(outputs, [1, 2], outputs, [0, 0])


@pytest.mark.parametrize("places", [[0], [2], [1, 3, 4], [5]])
def test_a_broken_image_changes_no_other_row(signature, places):
    good = tiny_model.files(5)
    files = list(good)
    for place in places:
        files.insert(place, b"\x89PNG is how it starts")
    outputs = serve(signature, files)
    rows = [row for row in range(len(files)) if row not in places]
    assert_rows_equal(outputs, rows, serve(signature, good), range(len(good)))


def test_a_broken_image_is_empty_and_says_so(signature):
    outputs = serve(signature, [b"", tiny_model.files(1)[0], b"no image"])
    assert outputs["status"].tolist() == [UNREADABLE, b"ok", OTHER_KIND]
    for row in (0, 2):
        assert outputs["text"][row] == b""
        assert outputs["confidence"][row] == 0.0
        assert not outputs["character_confidences"][row].any()
        assert not outputs["attention"][row].any()


def test_broken_images_alone_are_answered(signature):
    outputs = serve(signature, [b"", b"no image"])
    assert outputs["text"].tolist() == [b"", b""]
    assert all(np.isfinite(outputs[name]).all() for name in ("confidence", "attention"))


def test_confidences_and_attention_end_with_the_text(signature):
    outputs = serve(signature, tiny_model.files())
    for row, text in enumerate(outputs["text"]):
        length = len(text.decode("utf-8"))
        confidences = outputs["character_confidences"][row]
        assert ((confidences[:length] > 0.0) & (confidences[:length] <= 1.0)).all()
        assert not confidences[length:].any()
        sums = outputs["attention"][row].sum(axis=(1, 2))
        np.testing.assert_allclose(sums[:length], 1.0, rtol=1e-4)
        assert not sums[length:].any()
        assert 0.0 < outputs["confidence"][row] <= 1.0


def test_the_extent_is_the_fraction_of_the_content(signature):
    # Heights of 16 pixels and widths up to 96 enter as they are; a wider one is shrunk.
    shapes = [(16, 48), (16, 32), (32, 20), (16, 192)]
    files = [tiny_model.encoded(np.zeros((*shape, 3), np.uint8)) for shape in shapes]
    extents = serve(signature, files)["attention_extent"]
    expected = [[1, 48 / 96], [1, 32 / 96], [1, 10 / 96], [0.5, 1]]
    np.testing.assert_allclose(extents, expected, rtol=1e-6)


def test_the_ctc_head_serves_the_same_outputs(work_dir, tmp_path):
    folder = tiny_model.write_work_dir(
        tmp_path / "ctc", decoding="ctc", attention_weight=0.0, ctc_weight=1.0
    )
    assert Config.load(folder) != Config.load(work_dir)
    serving = make_serving_function(load_trained_model(folder))
    files = [*tiny_model.files(3), b"broken"]
    outputs = {name: value.numpy() for name, value in serving(tf.constant(files)).items()}
    assert outputs["status"].tolist() == [b"ok"] * 3 + [OTHER_KIND]
    assert outputs["character_confidences"].shape == (4, MAX_LENGTH)
    assert outputs["attention"].shape[:3] == (4, MAX_LENGTH, 1)
    assert any(outputs["text"])
    assert outputs["text"][3] == b""

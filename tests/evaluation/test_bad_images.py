import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.sources import open_source
from attention_ocr.evaluation.evaluate import evaluate_batches
from attention_ocr.evaluation.report import format_table
from attention_ocr.inference.recognize import RecognitionOutput
from tests import tiny, tiny_model


@pytest.fixture
def labels(tmp_path):
    """Twelve files labelled "ab"; four of them are not images."""
    pixels = tiny_model.images(1)[0]
    image = Image.fromarray(pixels)
    tall, wide = (np.zeros((*shape, 3), np.uint8) for shape in ((4000, 1), (1, 4000)))
    contents = {
        "good.png": tiny_model.encoded(pixels),
        "cut.png": tiny_model.encoded(pixels)[:-50],
        "empty.png": b"",
        "text.png": b"no image",
        "cut.jpg": tiny_model.encoded(pixels, "JPEG")[:200],
        "pixel.png": tiny_model.encoded(pixels[:1, :1]),
        "wide.png": tiny_model.encoded(wide),
        "tall.bmp": tiny_model.encoded(tall, "BMP"),
        "deep.png": b"",
        "print.jpg": b"",
        "palette.png": b"",
        "moving.gif": b"",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    image.convert("CMYK").save(tmp_path / "print.jpg")
    image.convert("P").save(tmp_path / "palette.png", transparency=0)
    image.save(
        tmp_path / "moving.gif", save_all=True, append_images=[Image.fromarray(pixels[::-1])]
    )
    return tiny.write_labels(tmp_path, dict.fromkeys(contents, "ab"))


def read_always_ab(images: tf.Tensor, image_sizes: tf.Tensor) -> RecognitionOutput:
    tf.debugging.assert_all_finite(images, "images")
    tf.debugging.assert_positive(image_sizes)
    num_images = len(images)
    return RecognitionOutput(tf.repeat("ab", num_images), tf.ones(num_images), None, None)


def test_every_image_is_counted_once_and_broken_ones_as_empty_predictions(labels):
    batches = evaluation_batches(open_source(str(labels)), tiny.config())
    evaluation = evaluate_batches(read_always_ab, batches)
    names = [line.split("\t")[0] for line in labels.read_text(encoding="utf-8").splitlines()]
    assert [prediction.key for prediction in evaluation.predictions] == names
    broken = {"cut.png", "empty.png", "text.png", "cut.jpg"}
    for prediction in evaluation.predictions:
        assert prediction.readable == (prediction.key not in broken)
        assert prediction.prediction == ("ab" if prediction.readable else "")
        assert prediction.confidence == (1.0 if prediction.readable else 0.0)
    assert {each.key for each in evaluation.predictions if each.shrunk} == {"wide.png"}
    assert evaluation.metrics.exact_match == 8 / 12
    assert "unreadable images" in format_table(evaluation)

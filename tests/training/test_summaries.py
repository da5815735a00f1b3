from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from attention_ocr.settings.config import Config
from attention_ocr.settings.data import DataConfig
from attention_ocr.training.summaries import Summaries
from tests import tiny


def test_an_image_is_shown_above_its_rectified_image(tmp_path):
    batch = tiny.random_batch(widths=(32, 48, 40, 23))
    summaries = Summaries(tmp_path)
    summaries.rectified(lambda images, _: -images, batch, step=7)
    summaries.close()
    shown = {}
    for path in tmp_path.iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
                shown[value.tag] = tf.io.decode_png(value.tensor.string_val[2]).numpy()
    assert [shown[f"rectified/{index}"].shape for index in range(4)] == [
        (16 + 2 + 16, width, 3) for width in (32, 48, 40, 23)
    ]
    before, gap, after = np.split(shown["rectified/3"], (16, 18))
    assert gap.min() == 255
    expected = ((batch["images"][3, :, :23] + 1.0) * 127.5).numpy()
    assert abs(before.astype(float) - expected).max() <= 1.0
    assert abs(after.astype(float) - (255.0 - expected)).max() <= 1.0


def test_a_label_that_is_not_utf_8_is_drawn_with_its_image(tmp_path):
    batch = tiny.random_batch(2, widths=(32, 48)) | {"text": tf.constant([b"caf\xe9", b"\x1b[31m"])}
    recognition = SimpleNamespace(
        text=tf.constant(["ab", ""]),
        confidence=tf.constant([0.5, 0.25]),
        attention=tf.ones((2, 5, 2, 12)),
    )
    summaries = Summaries(tmp_path)
    summaries.images(lambda *_: recognition, batch, step=7)
    summaries.close()
    tags = [
        value.tag
        for path in tmp_path.iterdir()
        for record in tf.data.TFRecordDataset(str(path))
        for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value
    ]
    assert sorted(tags) == ["attention/0", "attention/1", "validation/0", "validation/1"]


def test_the_settings_are_shown_without_control_characters(tmp_path):
    config = Config(data=DataConfig(eval_data="\x1b[31m.tsv"))
    summaries = Summaries(tmp_path)
    summaries.settings(config, step=0)
    summaries.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"\\u001b[31m.tsv" in content
    assert b"\x1b[31m" not in content

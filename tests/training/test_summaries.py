from types import SimpleNamespace

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import plugin_data_pb2

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


def events_of(folder):
    for path in folder.iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            yield tf.compat.v1.Event.FromString(record.numpy())


def test_label_and_prediction_stand_above_the_attention(tmp_path):
    batch = tiny.random_batch(1, widths=(32,)) | {"text": tf.constant([b"cab"])}
    heights = []
    for name, text in (("long", "a label that is much wider than its image"), ("short", "a")):
        recognition = SimpleNamespace(
            text=tf.constant(["ab"]),
            confidence=tf.constant([0.5]),
            attention=tf.ones((1, 5, 2, 12)),
        )
        summaries = Summaries(tmp_path / name)
        texts = tf.constant([text.encode()])
        summaries.images(lambda *_, out=recognition: out, batch | {"text": texts}, step=1)
        summaries.close()
        (shown,) = (
            tf.io.decode_png(value.tensor.string_val[2])
            for event in events_of(tmp_path / name)
            for value in event.summary.value
            if value.tag == "attention/0"
        )
        heights.append(shown.shape[1])
    # The image is as wide as the label above it.
    assert heights[0] > 2 * heights[1]


def test_runs_are_comparable_by_their_settings(tmp_path):
    for rate in (0.5, 0.25):
        summaries = Summaries(tmp_path / str(rate))
        summaries.settings(tiny.config(learning_rate=rate), step=0, name=f"runs/{rate}")
        summaries.close()
    found = {}
    for rate in (0.5, 0.25):
        for event in events_of(tmp_path / str(rate)):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "hparams":
                    content = plugin_data_pb2.HParamsPluginData.FromString(
                        value.metadata.plugin_data.content
                    )
                    if content.HasField("session_start_info"):
                        found[rate] = content.session_start_info.hparams
                        assert content.session_start_info.group_name == f"runs/{rate}"
    assert set(found) == {0.5, 0.25}
    assert all(found[rate]["learning_rate"].number_value == rate for rate in found)
    assert found[0.5]["batch_size"].number_value == 4
    assert found[0.5]["encoder"].string_value == "compact"
    assert "train_data" not in found[0.5]


def test_a_tracker_receives_every_scalar_and_is_closed(tmp_path):
    logged, closed = [], []
    tracker = SimpleNamespace(
        log=lambda values, step: logged.append((dict(values), step)),
        close=lambda: closed.append(True),
    )
    summaries = Summaries(tmp_path, tracker=tracker)
    summaries.training({"loss": 2.0, "learning_rate": 0.5}, step=3)
    summaries.close()
    assert logged == [({"training/loss": 2.0, "training/learning_rate": 0.5}, 3)]
    assert closed == [True]


def test_the_settings_are_shown_without_control_characters(tmp_path):
    config = Config(data=DataConfig(eval_data="\x1b[31m.tsv"))
    summaries = Summaries(tmp_path)
    summaries.settings(config, step=0, name="run")
    summaries.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"\\u001b[31m.tsv" in content
    assert b"\x1b[31m" not in content

import pytest
import tensorflow as tf

from attention_ocr.exporting import warmup
from attention_ocr.exporting.warmup import WARMUP_FILE, read_warmup, write_warmup
from tests import tiny_model


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for index, image in enumerate(tiny_model.images(3)):
        (folder / f"{index}.png").write_bytes(tiny_model.encoded(image))
    return folder


def files_of(log):
    return list(tf.make_ndarray(log.predict_log.request.inputs["images"]))


def test_an_export_comes_with_images_to_warm_up_with(export, reader):
    assert (export / WARMUP_FILE).is_file()
    logs = list(read_warmup(export))
    assert [len(files_of(log)) for log in logs] == [1, 1, 1, 1, 4]
    for log in logs:
        assert log.WhichOneof("log_type") == "predict_log"
        assert log.predict_log.request.model_spec.signature_name == "serving_default"
    assert all(reading.error is None for reading in reader.read(files_of(logs[-1])))


def test_images_are_warmed_up_with_one_at_a_time_and_all_at_once(images, tmp_path):
    (images / "00.png").write_bytes(b"")
    assert write_warmup(tmp_path / "model", images, "other") == 4
    files = [(images / f"{index}.png").read_bytes() for index in range(3)]
    logs = list(read_warmup(tmp_path / "model"))
    assert [files_of(log) for log in logs] == [[files[0]], [files[1]], [files[2]], files]
    assert logs[0].predict_log.request.model_spec.signature_name == "other"


def test_without_a_readable_image_nothing_is_replayed(tmp_path):
    (tmp_path / "0.png").write_bytes(b"")
    assert write_warmup(tmp_path, tmp_path) == 0
    assert list(read_warmup(tmp_path)) == []
    assert list(read_warmup(tmp_path / "elsewhere")) == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "other"])
def test_a_damaged_file_is_named(images, tmp_path, damage):
    write_warmup(tmp_path, images)
    path = tmp_path / WARMUP_FILE
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[40] ^= 1
    else:
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(b"\xff no message")
        content = bytearray(path.read_bytes())
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged and cannot be read") as error:
        list(read_warmup(tmp_path))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_with_more_requests_than_a_server_takes_is_refused(images, tmp_path, monkeypatch):
    write_warmup(tmp_path, images)
    monkeypatch.setattr(warmup, "MAX_RECORDS", 3)
    with pytest.raises(ValueError, match="Expected at most 3 requests. Received: "):
        list(read_warmup(tmp_path))


def test_a_file_that_cannot_be_written_is_an_os_error(images, tmp_path):
    (tmp_path / WARMUP_FILE).mkdir(parents=True)
    with pytest.raises(OSError, match="tf_serving_warmup_requests"):
        write_warmup(tmp_path, images)

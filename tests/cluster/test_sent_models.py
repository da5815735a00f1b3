"""Models that processes of a cluster open: those of `load`, in one thread."""

import json
import shutil

import pytest

from attention_ocr.cluster.parts import open_job
from attention_ocr.cluster.sent_models import describe, open_sent, send
from attention_ocr.data.shared_folder import SharedFolder
from attention_ocr.inference.locate import BUNDLED_WEIGHTS
from attention_ocr.inference.reader import load
from attention_ocr.settings.second_looks import SecondLooksConfig


@pytest.fixture
def work_dir(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(BUNDLED_WEIGHTS, folder)
    return folder


def test_the_second_looks_of_a_work_directory_are_those_of_its_settings(work_dir, tmp_path):
    config = json.loads((work_dir / "config.json").read_text())
    config["second_looks"] |= {"widths_below": 0.123, "deskew_below": 0.0}
    (work_dir / "config.json").write_text(json.dumps(config))
    job = open_job(SharedFolder(tmp_path / "job"), {})
    sent = describe("model", work_dir, {"rotate_180_below": 0.25})
    send(job, sent, work_dir)
    reader = open_sent(job, sent)
    expected = load(work_dir, second_looks={"rotate_180_below": 0.25}).config.second_looks
    assert reader.config.second_looks == expected
    assert (expected.widths_below, expected.rotate_180_below) == (0.123, 0.25)
    assert reader.engine.engine.num_threads == 1


def test_without_second_looks_the_processes_have_none(tmp_path):
    sent = describe("model", None, False)
    assert sent.second_looks == SecondLooksConfig()
    job = open_job(SharedFolder(tmp_path), {})
    send(job, sent, None)
    assert not hasattr(open_sent(job, sent).engine, "engine")


def test_a_file_of_other_weights_is_refused_before_anything_is_read(work_dir):
    shutil.copy(BUNDLED_WEIGHTS.parent / "lines" / "weights.npz", work_dir / "weights.npz")
    with pytest.raises(ValueError, match="model_int8.tflite"):
        describe("model", work_dir, None)


def test_a_model_without_a_file_is_refused(work_dir):
    (work_dir / "model_int8.tflite").unlink()
    with pytest.raises(ValueError, match="Expected a model with a LiteRT or ONNX file"):
        describe("model", work_dir, None)

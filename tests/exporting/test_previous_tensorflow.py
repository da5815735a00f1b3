"""Exports are read by the TensorFlow before the one that wrote them, as TF Serving's may be."""

import json

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tests import tiny_model
from tests.release.environments import make_environment

READ = """
import json
import sys
from pathlib import Path

import tensorflow as tf

export, *files = sys.argv[1:]
signature = tf.saved_model.load(export).signatures["serving_default"]
outputs = signature(images=tf.constant([Path(file).read_bytes() for file in files]))
texts = [text.decode("utf-8") for text in outputs["text"].numpy()]
confidences = outputs["confidence"].numpy().tolist()
statuses = [status.decode("utf-8") for status in outputs["status"].numpy()]
print(json.dumps([tf.__version__, texts, confidences, statuses]))
"""


def previous_version() -> str:
    major, minor, *_ = tf.__version__.split(".")
    return f"{major}.{int(minor) - 1}"


@pytest.fixture
def paths(tmp_path):
    paths = [tmp_path / f"{index}.png" for index in range(4)]
    for path, content in zip(paths, [*tiny_model.files(3), b"no image"], strict=True):
        path.write_bytes(content)
    return paths


def test_an_export_asks_for_no_newer_reader(export):
    model = SavedModel.FromString((export / "saved_model.pb").read_bytes())
    versions = model.meta_graphs[0].graph_def.versions
    # The same since TensorFlow 1; raised where a graph can only be read by newer versions.
    assert versions.min_consumer <= 12
    assert not versions.bad_consumers


@pytest.mark.slow
def test_plain_tensorflow_of_the_version_before_reads_an_export(export, reader, paths, tmp_path):
    environment = make_environment(tmp_path / "older", f"tensorflow=={previous_version()}.*")
    program = tmp_path / "read.py"
    program.write_text(READ, encoding="utf-8")
    printed = environment.run(environment.python, program, export, *paths, cwd=tmp_path)
    version, texts, confidences, statuses = json.loads(printed.splitlines()[-1])
    assert version.startswith(f"{previous_version()}.")
    expected = reader.read(paths)
    assert texts == [reading.text for reading in expected]
    assert confidences == pytest.approx([reading.confidence for reading in expected], abs=1e-3)
    assert [status == "ok" for status in statuses] == [True, True, True, False]

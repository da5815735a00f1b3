"""The export of every encoder, rectifier and sequence model."""

import pytest

import attention_ocr
from attention_ocr.inference.reader import load
from attention_ocr.settings.model import ENCODERS
from tests import tiny, tiny_model

KINDS = {name: {"encoder": name, **tiny.OF_ENCODER.get(name, {})} for name in ENCODERS} | {
    "views": {"num_views": 2, "rectifier": "tps", "coordinates": "one_hot", "sequence_layers": 0},
    "others": {"rectifier": "affine", "coordinates": "sinusoidal", "sequence_cell": "gru"},
    "clipped": {"cell_clip": 0.3, "decoder_layers": 2},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_an_export_reads_what_the_model_in_memory_reads(name, tmp_path):
    work_dir = tiny_model.write_work_dir(tmp_path / "model", **KINDS[name])
    # A fresh process compares its readings with those of the model, and fails on a difference.
    version = attention_ocr.export(work_dir, tmp_path / "export")
    files = tiny_model.files(4)
    readings = load(version).read(files)
    for reading, expected in zip(readings, load(work_dir).read(files), strict=True):
        assert reading.text == expected.text
        assert reading.confidence == pytest.approx(expected.confidence, abs=1e-4)
        assert reading.attention.shape == expected.attention.shape

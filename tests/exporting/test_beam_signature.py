"""An export with a search, from the files of images to the n best texts."""

import json

import numpy as np
import pytest
import tensorflow as tf

import attention_ocr
from attention_ocr.cli.main import main
from attention_ocr.inference.reader import load
from tests import tiny_model

SEARCH = {"beam_width": 4, "num_best": 3}


@pytest.fixture(scope="module")
def searching(work_dir, tmp_path_factory):
    return attention_ocr.export(work_dir, tmp_path_factory.mktemp("served"), decoding=SEARCH)


def test_an_export_without_a_search_has_no_beam(export):
    assert "beam" not in tf.saved_model.load(str(export)).signatures


def test_the_beam_signature_adds_the_best_texts_to_what_every_export_gives(searching):
    loaded = tf.saved_model.load(str(searching))
    files = tf.constant([*tiny_model.files(4), b"no image"])
    best = loaded.signatures["serving_default"](images=files)
    outputs = loaded.signatures["beam"](images=files)
    assert set(outputs) - set(best) == {"texts", "text_confidences", "text_scores"}
    assert len(best) == 6
    np.testing.assert_array_equal(outputs["text"], best["text"])
    assert outputs["texts"].shape == outputs["text_scores"].shape == (5, 3)
    np.testing.assert_array_equal(outputs["texts"][:, 0], best["text"])
    np.testing.assert_allclose(outputs["text_confidences"][:, 0], best["confidence"], rtol=1e-5)
    scores = outputs["text_scores"].numpy()
    assert (np.diff(scores, axis=1) <= 0).all()
    assert outputs["texts"][4].numpy().tolist() == [b""] * 3
    assert outputs["text_confidences"][4].numpy().tolist() == [0.0] * 3
    for texts in outputs["texts"][:4].numpy():
        assert len(set(texts)) == 3


def test_a_work_directory_and_the_export_give_the_same_alternatives(work_dir, searching):
    files = tiny_model.files(5)
    exported = load(searching).read(files)
    for reading, expected in zip(load(work_dir, **SEARCH).read(files), exported, strict=True):
        assert [text for text, _ in reading.alternatives] == [t for t, _ in expected.alternatives]
        np.testing.assert_allclose(
            [confidence for _, confidence in reading.alternatives],
            [confidence for _, confidence in expected.alternatives],
            rtol=1e-3,
        )
        assert reading.alternatives[0][0] == reading.text == expected.text
    assert load(work_dir).read(files[:1])[0].alternatives == ()


def test_the_command_reads_with_a_search_and_lists_the_alternatives(work_dir, tmp_path, capsys):
    path = tmp_path / "word.png"
    path.write_bytes(tiny_model.files(1)[0])
    arguments = ["read", str(path), f"--model={work_dir}", "--format=jsonl", "--beam_width=4"]
    assert main([*arguments, "--num_best=3"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [set(found) for found in record["alternatives"]] == [{"text", "confidence"}] * 3
    assert record["alternatives"][0]["text"] == record["text"]
    assert main([*arguments, "--num_best=9"]) == 1
    assert "`num_best` must be at most `beam_width` (4). Received: 9" in capsys.readouterr().err

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.build import build_recognizer
from attention_ocr.text.charset import ASCII, Charset
from attention_ocr.training.devices import make_strategy
from attention_ocr.training.optimization import AveragedWeights, make_optimizer
from attention_ocr.training.step import make_train_step
from benchmarks import distillation
from benchmarks.distillation import (
    NUM_SPECIAL,
    Teacher,
    TeacherReading,
    ask_teacher,
    distillation_change,
    make_distilling_step,
    teacher_readings,
)
from benchmarks.peers.soft import SoftReading, collapse
from tests import tiny

SAYS = """
import sys
import numpy as np
texts = {texts!r}
assert len(sys.stdin.read().splitlines()) == len(texts)
lengths = [len(text) for text in texts]
soft = np.full((sum(lengths), 94), -9.0, np.float16)
np.savez(sys.argv[1], texts=np.array(texts), lengths=lengths, log_probabilities=soft, cpu_s=1.0)
"""


def test_equal_neighbours_are_one_character_and_blanks_none():
    characters = ["水", *ASCII, " "]
    frames = {"a": "ab", "水": "b", "": "a"}
    probabilities = np.full((8, 1 + len(characters)), 1e-4)
    for frame, (first, probability) in enumerate(
        [("", 0.9), ("a", 0.6), ("a", 0.8), ("", 0.7), ("a", 0.5), ("b", 0.9), ("水", 0.6), ("", 1)]
    ):
        probabilities[frame, 1 + characters.index(first) if first else 0] = probability
        for second in frames.get(first, "")[-1:]:
            probabilities[frame, 1 + characters.index(second)] = (1 - probability) / 2
    reading = collapse(probabilities, characters)
    assert reading.text == "aab水"
    assert reading.log_probabilities.shape == (4, 94)
    at = [ASCII.index("a"), ASCII.index("b")]
    np.testing.assert_allclose(
        np.exp(reading.log_probabilities[:, at].astype(np.float32)),
        [[0.8, 0.1], [0.5, 0.25], [1e-4, 0.9], [1e-4, 0.2]],
        rtol=1e-2,
    )


def test_blanks_alone_are_an_empty_text():
    probabilities = np.eye(1 + len(ASCII))[[0, 0, 0]]
    reading = collapse(probabilities, list(ASCII))
    assert isinstance(reading, SoftReading)
    assert (reading.text, reading.log_probabilities.shape) == ("", (0, 94))


def teacher_that_says(texts, tmp_path, monkeypatch):
    script = tmp_path / "soft.py"
    script.write_text(SAYS.format(texts=texts), encoding="utf-8")
    monkeypatch.setattr(distillation, "SOFT", script)


def test_a_teacher_is_asked_once_and_its_texts_become_labels(tmp_path, monkeypatch):
    source = str(tiny.write_label_file(tmp_path / "words", ["ab", "3", "c0", "12"]))
    teacher_that_says(["ab", "", "水", "1Z"], tmp_path, monkeypatch)
    ask_teacher(source, tmp_path / "said", sys.executable)
    monkeypatch.setattr(distillation, "SOFT", None)
    ask_teacher(source, tmp_path / "said", sys.executable)
    readings = teacher_readings(tmp_path / "said")
    assert [reading[:3] for reading in readings] == [
        ("0.png", "ab", "ab"),
        ("1.png", "3", ""),
        ("2.png", "c0", "水"),
        ("3.png", "12", "1Z"),
    ]
    assert [len(reading.log_probabilities) for reading in readings] == [2, 0, 1, 2]
    labels = (tmp_path / "said" / "labels.tsv").read_text(encoding="utf-8")
    assert labels == "images/0.png\tab\nimages/3.png\t1Z\n"
    images = [tmp_path / "words" / "3.png", tmp_path / "said" / "images" / "3.png"]
    assert images[0].read_bytes() == images[1].read_bytes()


def test_a_teacher_that_fails_is_quoted_and_asked_again(tmp_path, monkeypatch):
    source = str(tiny.write_label_file(tmp_path / "words", ["ab"]))
    script = tmp_path / "soft.py"
    script.write_text("raise SystemExit('no such model')", encoding="utf-8")
    monkeypatch.setattr(distillation, "SOFT", script)
    with pytest.raises(OSError, match="The teacher failed: no such model"):
        ask_teacher(source, tmp_path / "said", sys.executable)
    teacher_that_says(["b"], tmp_path, monkeypatch)
    ask_teacher(source, tmp_path / "said", sys.executable)
    assert teacher_readings(tmp_path / "said")[0].text == "b"


def soft(text, second="x"):
    """Return log-probabilities: of each character 0.8, of `second` 0.2."""
    values = np.full((len(text), len(ASCII)), -30.0, np.float16)
    for row, character in zip(values, text, strict=True):
        row[ASCII.index(second)], row[ASCII.index(character)] = np.log(0.2), np.log(0.8)
    return values


def test_what_the_teacher_reads_otherwise_has_no_soft_targets():
    right, wrong = (
        TeacherReading("1", "ab", "ab", soft("ab")),
        TeacherReading("2", "a", "b", soft("b")),
    )
    teacher = Teacher([right, wrong], temperature=2.0)
    assert teacher.num_right == 1
    spaced = TeacherReading("3", "a b", "a b", np.zeros((3, 94), np.float16))
    assert Teacher([spaced], temperature=1.0).num_right == 0
    batch = {
        "key": tf.constant(["1", "2", "1"]),
        "text": tf.constant(["ab", "a", "other"]),
        "targets": tf.zeros((3, 6), tf.int32),
    }
    targets = teacher.soft_targets(batch)
    assert targets.shape == (3, 6, 94)
    # exp(log p / 2) of 0.8 and 0.2: two to one.
    expected = np.zeros((2, 94))
    expected[[0, 1], [ASCII.index("a"), ASCII.index("b")]] = 2 / 3
    expected[:, ASCII.index("x")] = 1 / 3
    np.testing.assert_allclose(targets[0, :2], expected, atol=1e-4)
    assert not targets[0, 2:].any()
    assert not targets[1:].any()


def test_two_images_of_one_name_are_refused():
    reading = TeacherReading("1", "ab", "ab", soft("ab"))
    with pytest.raises(ValueError, match=r"Received twice: \('1', 'ab'\)"):
        Teacher([reading, reading], temperature=1.0)


def test_soft_targets_take_their_share_of_the_loss():
    random = np.random.default_rng(0)
    logits = random.normal(size=(2, 3, NUM_SPECIAL + 94)).astype(np.float32)
    targets = random.integers(NUM_SPECIAL, NUM_SPECIAL + 94, (2, 3)).astype(np.int32)
    soft_targets = np.zeros((2, 3, 94), np.float32)
    soft_targets[0, 1, [4, 7]] = 0.7, 0.3
    change = distillation_change(logits, targets, soft_targets, share=0.25, temperature=2.0)
    characters = logits[0, 1, NUM_SPECIAL:] / 2.0
    characters -= np.log(np.exp(characters).sum())
    everything = logits[0, 1] - np.log(np.exp(logits[0, 1]).sum())
    soft_loss = -(0.7 * characters[4] + 0.3 * characters[7])
    expected = 0.25 * (4.0 * soft_loss + everything[targets[0, 1]])
    np.testing.assert_allclose(change, expected, rtol=1e-5)
    none = distillation_change(logits, targets, np.zeros_like(soft_targets), 0.25, 2.0)
    assert float(none) == 0.0


@pytest.mark.slow
def test_a_step_without_a_share_is_the_step_of_training():
    charset = Charset(ASCII)
    config = tiny.config(learning_rate=0.01, warmup_steps=0)
    batch = tiny.random_batch()
    batch["text"] = tf.constant(["a", "ab", "", "b"])
    batch["key"] = tf.constant(["0", "1", "2", "3"])
    reading = TeacherReading("1", "ab", "ab", soft("ab"))
    weights = {}
    for share in (None, 0.0, 0.5):
        keras.utils.set_random_seed(1)
        recognizer = build_recognizer(config, charset)
        optimizer = make_optimizer(config.training, recognizer.trainable_variables)
        averages = AveragedWeights(recognizer.weights, 0.9)
        parts = (make_strategy("one_device"), recognizer, optimizer, averages, config)
        if share is None:
            step = make_train_step(*parts)
        else:
            step = make_distilling_step(Teacher([reading], 2.0), share, *parts)
        step(batch)
        weights[share] = np.concatenate([weight.numpy().ravel() for weight in recognizer.weights])
    np.testing.assert_allclose(weights[0.0], weights[None], atol=1e-6)
    assert np.abs(weights[0.5] - weights[None]).max() > 1e-3

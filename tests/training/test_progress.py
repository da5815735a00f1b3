"""Which weights of a run are kept, and when it ends early."""

import dataclasses
import logging

import pytest

from attention_ocr.inference.work_directory import WEIGHTS_FILE
from attention_ocr.training import run as training_run
from attention_ocr.training.loop import Run, train
from attention_ocr.training.progress import Progress
from tests import tiny


@pytest.mark.parametrize(
    ("exact_matches", "cers", "best_step"),
    [
        ([0.0, 0.0, 0.0], [0.51, 0.38, 0.40], 2),
        ([0.25, 0.5, 0.5], [0.2, 0.3, 0.3], 2),
        ([0.5, 0.25, 0.25], [0.9, 0.2, 0.1], 1),
        ([0.0, 0.0, 0.0], [1.5, 1.2, 1.2], 3),
    ],
)
def test_the_best_validation_has_the_most_exact_matches_or_else_the_lowest_cer(
    exact_matches, cers, best_step
):
    progress = Progress()
    better = [
        progress.record_validation(exact_match, cer, step)
        for step, (exact_match, cer) in enumerate(zip(exact_matches, cers, strict=True), start=1)
    ]
    assert int(progress.best_step.numpy()) == best_step
    assert int(progress.stale_validations.numpy()) == len(cers) - best_step
    assert better[best_step - 1]
    assert not any(better[best_step:])


def test_validations_at_which_nothing_is_read_yet_do_not_count_as_stale():
    """CTC begins with a few characters by chance, then with empty texts."""
    progress = Progress()
    for step, cer in enumerate([0.96, 1.0, 1.0, 1.0], start=1):
        progress.record_validation(0.0, cer, step)
    assert int(progress.stale_validations.numpy()) == 0
    for step, cer in enumerate([0.8, 0.85, 0.9, 0.85], start=5):
        progress.record_validation(0.0, cer, step)
    assert int(progress.best_step.numpy()) == 5
    assert int(progress.stale_validations.numpy()) == 2


# Eagerly, a few steps take a tenth of the time; tf.data warns that it still uses graphs.
@pytest.mark.filterwarnings("ignore:Even though the")
def test_a_run_without_an_exact_match_keeps_the_weights_of_the_lowest_cer(tmp_path, monkeypatch):
    """Also if it is stopped in between, and its patience counts from there."""
    labels = tiny.write_label_file(tmp_path, ["cab", "abc", "b0", "a1"])
    evaluation_of = training_run.evaluation_of
    cers = iter([0.89, 0.7, 0.6, 0.8, 0.5, 0.7, 0.7, 0.6])

    def validated(predictions):
        metrics = evaluation_of(predictions).metrics
        metrics = dataclasses.replace(metrics, exact_match=0.0, cer=next(cers))
        return evaluation_of(predictions)._replace(metrics=metrics)

    train_on_next, kept = Run._train_on_next, {}

    def stopped(run, step):
        kept[step] = (tmp_path / "run" / WEIGHTS_FILE).read_bytes() if step else b""
        if step == 4 and len(kept) == 5:
            kept[-1] = b""
            raise KeyboardInterrupt
        return train_on_next(run, step)

    monkeypatch.setattr(training_run, "evaluation_of", validated)
    monkeypatch.setattr(Run, "_train_on_next", stopped)
    config = tiny.config(
        train_data=str(labels),
        eval_data=str(labels),
        steps=9,
        eval_every=1,
        checkpoint_every=1,
        patience=3,
    )
    with tiny.running_eagerly():
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "run")
        result = train(config, tmp_path / "run")
        assert train(config, tmp_path / "run") == result
    assert (result.step, result.best_step) == (8, 5)
    assert kept[1] != kept[2] != kept[3] == kept[4] != kept[5]
    assert (tmp_path / "run" / WEIGHTS_FILE).read_bytes() == kept[5]


@pytest.mark.filterwarnings("ignore:Even though the")
@pytest.mark.parametrize(
    "change",
    [
        "eval_data",
        "none",
        pytest.param("labels", marks=pytest.mark.slow),
        pytest.param("decoding", marks=pytest.mark.slow),
    ],
)
def test_scores_of_another_validation_do_not_count(change, tmp_path, monkeypatch, caplog):
    """Otherwise the weights of a run that resumes would never be better than those before."""
    labels = tiny.write_label_file(tmp_path / "old", ["cab", "abc", "b0", "a1"])
    other = tiny.write_label_file(tmp_path / "new", ["1a", "a0"])
    evaluation_of = training_run.evaluation_of
    scores = iter([1.0, 0.25])

    def validated(predictions):
        metrics = evaluation_of(predictions).metrics
        metrics = dataclasses.replace(metrics, exact_match=next(scores), cer=0.5)
        return evaluation_of(predictions)._replace(metrics=metrics)

    monkeypatch.setattr(training_run, "evaluation_of", validated)
    settings = {"train_data": str(labels), "eval_data": str(other)}
    settings |= {"warmup_steps": 0, "eval_every": 1, "checkpoint_every": 1}
    changes = {
        "eval_data": {"eval_data": f"{labels},every=2,part=eval"},
        "decoding": {"decoding": "ctc"},
    }
    with tiny.running_eagerly(), caplog.at_level(logging.WARNING):
        train(tiny.config(**settings, steps=1), tmp_path / "run")
        before = (tmp_path / "run" / WEIGHTS_FILE).read_bytes()
        if change == "labels":
            other.write_text(other.read_text("utf-8").replace("1a", "1b"), encoding="utf-8")
        changed = settings | changes.get(change, {})
        result = train(tiny.config(**changed, steps=2), tmp_path / "run")
    is_new = change != "none"
    assert result.best_exact_match == (0.25 if is_new else 1.0)
    assert result.best_step == (2 if is_new else 1)
    assert ((tmp_path / "run" / WEIGHTS_FILE).read_bytes() != before) == is_new
    assert ("earlier scores do not count" in caplog.text) == is_new

import json

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.build import build_recognizer
from attention_ocr.training import loss_scale
from attention_ocr.training.devices import make_strategy
from attention_ocr.training.loop import train
from attention_ocr.training.optimization import AveragedWeights, make_optimizer
from attention_ocr.training.step import make_train_step
from tests import tiny

CONFIG = tiny.config(learning_rate=0.01, warmup_steps=0)
BATCH = tiny.random_batch(widths=(32, 32, 40, 40), lengths=(2, 4, 0, 3))


class Stepper:
    """A recogniser in some precision, with its training step."""

    def __init__(self, precision: str, strategy: str = "one_device") -> None:
        distribution = make_strategy(strategy)
        with distribution.scope():
            self.recognizer = build_recognizer(CONFIG, tiny.CHARSET, precision)
            variables = self.recognizer.trainable_variables
            optimizer = make_optimizer(CONFIG.training, variables)
            self.optimizer = loss_scale.with_loss_scale(optimizer, precision, variables)
            averages = AveragedWeights(self.recognizer.weights, 0.9)
            self._step = make_train_step(
                distribution, self.recognizer, self.optimizer, averages, CONFIG
            )

    def step(self) -> dict[str, float]:
        return {name: float(value) for name, value in self._step(BATCH).items()}

    def trained(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self.recognizer.trainable_variables]


def test_float16_alone_needs_a_scale_and_trains_as_float32_does():
    with tiny.running_eagerly():
        exact, scaled = Stepper("float32"), Stepper("float16")
        expected, values = exact.step(), scaled.step()
    assert loss_scale.unscaled_optimizer(exact.optimizer) is exact.optimizer
    assert loss_scale.numbers_of(exact.optimizer) == {}
    assert values.pop("loss_scale") == 2.0**15
    assert values.keys() == expected.keys()
    for name, value in expected.items():
        assert values[name] == pytest.approx(value, rel=0.05), name


def test_a_step_whose_gradients_overflow_is_skipped():
    with tiny.running_eagerly():
        check_overflow(Stepper("float16"))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["one_device", "mirrored"])
def test_an_overflowing_step_is_also_skipped_in_a_graph_and_on_several_devices(strategy):
    check_overflow(Stepper("float16", strategy))


def check_overflow(stepper: Stepper) -> None:
    optimizer = stepper.optimizer
    values = stepper.step()
    assert values["loss_scale"] == 2.0**15
    assert int(optimizer.iterations.numpy()) == 1

    before = stepper.trained()
    optimizer.dynamic_scale.assign(2.0**126)
    skipped = stepper.step()
    assert np.isfinite(skipped["loss"])
    assert skipped["gradient_norm"] == 0.0
    assert float(optimizer.dynamic_scale.numpy()) == 2.0**125
    assert int(optimizer.iterations.numpy()) == 1
    for old, new in zip(before, stepper.trained(), strict=True):
        np.testing.assert_array_equal(old, new)

    optimizer.dynamic_scale.assign(2.0**15)
    losses = [values["loss"], *(stepper.step()["loss"] for _ in range(4))]
    assert losses[-1] < losses[0]


def test_a_scale_that_keeps_falling_ends_the_run():
    assert loss_scale.has_vanished({"loss_scale": tf.constant(2.0**-15)})
    assert not loss_scale.has_vanished({"loss_scale": tf.constant(1.0)})
    assert not loss_scale.has_vanished({})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Even though the")
def test_a_run_in_float16_keeps_its_scale_and_may_resume_in_another_dtype(tmp_path, monkeypatch):
    labels = tiny.write_label_file(tmp_path / "words", ["cab", "abc", "b0", "a1", "10"])
    settings = {
        "train_data": str(labels),
        "warmup_steps": 0,
        "eval_every": 2,
        "checkpoint_every": 2,
    }
    scales = []
    restore = loss_scale.restore

    def watched(optimizer, numbers):
        restore(optimizer, numbers)
        scales.append(loss_scale.numbers_of(optimizer))

    monkeypatch.setattr(loss_scale, "restore", watched)
    with tiny.running_eagerly():
        for steps, precision in ((2, "float32"), (4, "float16"), (6, "float16"), (8, "float32")):
            config = tiny.config(**settings, steps=steps, precision=precision)
            assert train(config, tmp_path / "run").step == steps
    assert scales == [
        {},
        {"loss_scale": 32768.0, "finite_steps": 0.0},
        {"loss_scale": 32768.0, "finite_steps": 2.0},
        {},
    ]
    (record,) = (tmp_path / "run/checkpoints/worker_0").glob("step-6*.json")
    assert json.loads(record.read_text("utf-8"))["numbers"]["finite_steps"] == 4.0

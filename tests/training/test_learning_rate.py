import keras
import pytest

from attention_ocr.training.learning_rate import LearningRate


@pytest.mark.parametrize(
    ("shape", "step", "rate"),
    [
        # A peak of 0.4 after 20 of 100 steps, and a tenth of it at the end.
        *((shape, 0, 0.0) for shape in ("cosine", "exponential", "constant")),
        *((shape, 5, 0.1) for shape in ("cosine", "exponential", "constant")),
        *((shape, 20, 0.4) for shape in ("cosine", "exponential", "constant")),
        ("cosine", 40, 0.4 * (0.1 + 0.9 * (1 + 0.5**0.5) / 2)),
        ("cosine", 60, 0.22),
        ("cosine", 100, 0.04),
        ("cosine", 150, 0.04),
        ("exponential", 40, 0.4 * 0.1**0.25),
        ("exponential", 60, 0.4 * 0.1**0.5),
        ("exponential", 100, 0.04),
        ("exponential", 150, 0.04),
        ("constant", 60, 0.4),
        ("constant", 150, 0.4),
        # The last 40 steps of the trapezoid are its decay.
        ("trapezoid", 5, 0.1),
        ("trapezoid", 20, 0.4),
        ("trapezoid", 60, 0.4),
        ("trapezoid", 70, 0.4 * (0.1 + 0.9 * 0.5)),
        ("trapezoid", 100, 0.04),
        ("trapezoid", 150, 0.04),
    ],
)
def test_rates_worked_out_by_hand(shape, step, rate):
    schedule = LearningRate(shape, peak=0.4, warmup_steps=20, steps=100, final=0.1, decay_steps=40)
    assert float(schedule(step)) == pytest.approx(rate, rel=1e-5)


@pytest.mark.parametrize("shape", ["cosine", "exponential", "constant"])
def test_without_warm_up_the_rate_starts_at_its_peak(shape):
    schedule = LearningRate(shape, peak=0.4, warmup_steps=0, steps=100, final=0.1)
    assert float(schedule(0)) == pytest.approx(0.4)


def test_a_trapezoid_extended_before_its_decay_continues_alike():
    short, long = (
        LearningRate("trapezoid", 0.4, warmup_steps=20, steps=steps, final=0.0, decay_steps=40)
        for steps in (100, 1000)
    )
    assert [float(short(step)) for step in range(61)] == [float(long(step)) for step in range(61)]
    assert float(short(80)) < float(long(80)) == pytest.approx(0.4)


def test_it_can_be_rebuilt_from_its_config():
    schedule = LearningRate("cosine", peak=0.4, warmup_steps=3, steps=10, final=0.5)
    again = LearningRate.from_config(schedule.get_config())
    assert [float(again(step)) for step in range(12)] == [
        float(schedule(step)) for step in range(12)
    ]
    assert isinstance(again, keras.optimizers.schedules.LearningRateSchedule)

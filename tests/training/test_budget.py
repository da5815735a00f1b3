import functools
import itertools

import keras
import pytest
import tensorflow as tf

from attention_ocr.settings.config import Config
from attention_ocr.settings.training import TrainingConfig
from attention_ocr.training import loop
from attention_ocr.training.budget import Budget, fit_to_data
from attention_ocr.training.loop import train
from attention_ocr.training.optimization import make_learning_rate
from tests import tiny

WORDS = ["cab", "abc", "b0", "a1", "10", "cc2", "ab3c", "aaa"]
eagerly = pytest.mark.filterwarnings("ignore:Even though the")


def fitted(num_examples, work_dir, **values):
    return fit_to_data(Config.from_values(values), num_examples, work_dir).training


@pytest.mark.parametrize(
    ("num_examples", "steps"),
    [(None, 20000), (8, 1000), (800, 1250), (5000, 7813), (10**6, 20000)],
)
def test_a_run_without_a_number_of_steps_derives_it_from_its_data(num_examples, steps, tmp_path):
    assert fitted(num_examples, tmp_path).steps == steps


def test_warm_up_validations_and_checkpoints_fit_the_run(tmp_path):
    short = fitted(800, tmp_path)
    assert (short.warmup_steps, short.eval_every, short.checkpoint_every) == (62, 62, 31)
    long = fitted(None, tmp_path)
    assert (long.warmup_steps, long.eval_every, long.checkpoint_every) == (500, 1000, 500)
    tiny_run = fitted(800, tmp_path, steps=3, warmup_steps=2)
    assert (tiny_run.warmup_steps, tiny_run.eval_every, tiny_run.checkpoint_every) == (2, 1, 1)


def test_explicit_steps_are_kept(tmp_path):
    values = {"steps": 700, "warmup_steps": 300, "eval_every": 9, "checkpoint_every": 8}
    assert fitted(8, tmp_path, **values) == TrainingConfig(**values)
    # Only the time counts.
    assert fitted(8, tmp_path, minutes=3.0) == TrainingConfig(minutes=3.0)


def test_a_resumed_run_keeps_its_number_of_steps(tmp_path):
    fit_to_data(Config(), 800, tmp_path).save(tmp_path)
    assert fitted(900, tmp_path) == fitted(800, tmp_path / "new")


class Clock:
    """Advances by the given seconds, or by one per call."""

    def __init__(self, step_s: float = 1.0) -> None:
        self.now, self.step_s = 100.0, step_s

    def __call__(self) -> float:
        self.now += self.step_s
        return self.now


def test_time_ends_a_run_and_the_first_step_is_not_counted():
    budget = Budget(TrainingConfig(minutes=0.1), Clock())
    shares = []
    for step in itertools.count():
        if budget.is_spent(step):
            break
        budget.spend()
        shares.append(budget.share)
    assert shares == pytest.approx([0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])


def test_the_length_of_a_run_is_told_by_its_steps_or_by_the_time_spent():
    assert Budget(TrainingConfig(steps=9, warmup_steps=0)).expected_steps(4) == 9
    budget = Budget(TrainingConfig(minutes=0.1), Clock())
    assert budget.expected_steps(0) is None
    for _ in range(4):
        budget.spend()
    # Half of the time.
    assert budget.expected_steps(4) == 8
    both = Budget(TrainingConfig(steps=5, warmup_steps=0, minutes=0.1), Clock())
    both.resume_from(3.0)
    assert (both.expected_steps(2), both.expected_steps(4)) == (4, 5)


def test_the_learning_rate_follows_the_time():
    settings = TrainingConfig(minutes=1.0, warmup_steps=2000, learning_rate=0.5)
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.build([keras.Variable(0.0)])
    rate = make_learning_rate(settings)
    budget = Budget(settings, Clock())
    budget.pace(optimizer, rate)
    for seconds in (0, 3, 6, 30, 60):
        budget.resume_from(float(seconds))
        expected = rate(tf.constant(20000 * seconds / 60))
        assert float(optimizer.learning_rate) == pytest.approx(float(expected), abs=1e-6)
    # Whatever the number of steps.
    optimizer.iterations.assign(10**6)
    budget.resume_from(6.0)
    assert float(optimizer.learning_rate) == pytest.approx(0.5)


def test_the_further_of_steps_and_time_counts():
    settings = TrainingConfig(minutes=1.0, steps=100, warmup_steps=0, schedule="exponential")
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.build([keras.Variable(0.0)])
    rate = make_learning_rate(settings)
    budget = Budget(settings, Clock())
    budget.pace(optimizer, rate)
    for step, seconds, position in ((50, 6.0, 50), (50, 45.0, 75), (100, 6.0, 100)):
        optimizer.iterations.assign(step)
        budget.resume_from(seconds)
        expected = float(rate(tf.constant(float(position))))
        assert float(optimizer.learning_rate) == pytest.approx(expected, rel=1e-5)
        assert budget.is_spent(step) == (step == 100)
    budget.resume_from(60.0)
    assert budget.is_spent(3)


def test_validations_take_at_most_a_fifth_of_the_time():
    clock = Clock()
    budget = Budget(TrainingConfig(minutes=10.0), clock)
    num_steps = num_validations = 0
    while not budget.is_spent(num_steps):
        budget.spend()
        num_steps += 1
        if budget.validation_is_due(num_steps):
            clock.now += 59.0
            budget.count_validation()
            num_validations += 1
    assert num_validations == 2
    budget = Budget(TrainingConfig(minutes=10.0), Clock())
    for step in range(1, 602):
        budget.spend()
        if budget.validation_is_due(step):
            budget.count_validation()
            num_validations += 1
    assert num_validations == 2 + 20


def test_checkpoints_are_seconds_apart_in_a_run_limited_by_time():
    budget = Budget(TrainingConfig(minutes=100.0), Clock(step_s=10.0))
    saved = []
    for step in range(1, 100):
        budget.spend()
        if budget.checkpoint_is_due(step):
            saved.append(budget.seconds)
    assert saved == [150.0, 300.0, 450.0, 600.0, 750.0, 900.0]


@pytest.fixture
def ticking(monkeypatch):
    """Make a training step take a second."""
    monkeypatch.setattr(
        "attention_ocr.training.run.Budget", functools.partial(Budget, clock=Clock())
    )


@eagerly
@pytest.mark.usefixtures("ticking")
def test_a_run_limited_by_time_resumes_with_the_remaining_time(tmp_path, monkeypatch):
    labels = str(tiny.write_label_file(tmp_path / "words", WORDS))
    config = tiny.config(
        train_data=labels,
        eval_data=labels,
        steps=0,
        minutes=0.1,
        eval_every=0,
        checkpoint_every=2,
        summary_every=1,
    )
    rates = []
    train_on_next = loop.Run._train_on_next

    def interrupted(run, step):
        if step == 3 and len(rates) == 3:
            raise KeyboardInterrupt
        rates.append((step, float(run.optimizer.learning_rate)))
        return train_on_next(run, step)

    monkeypatch.setattr(loop.Run, "_train_on_next", interrupted)
    with tiny.running_eagerly():
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "run")
        result = train(config, tmp_path / "run")
        again = train(config, tmp_path / "run")
    # A validation took some of the six seconds; the first step of each process is not counted.
    steps = [step for step, _ in rates]
    assert steps == [0, 1, 2, *range(2, result.step)]
    assert 4 <= result.step <= 8
    assert again == result
    values = [rate for _, rate in rates]
    assert values[3] == values[2]
    assert values[-1] < values[3] < 2e-3
    assert result.best_exact_match is not None


@eagerly
@pytest.mark.usefixtures("ticking")
def test_a_run_limited_by_steps_may_resume_with_minutes(tmp_path):
    labels = str(tiny.write_label_file(tmp_path / "words", WORDS))
    settings = {"train_data": labels, "warmup_steps": 0, "eval_every": 2, "checkpoint_every": 2}
    with tiny.running_eagerly():
        assert train(tiny.config(**settings, steps=2), tmp_path / "run").step == 2
        longer = tiny.config(**settings, steps=0, minutes=0.05)
        assert train(longer, tmp_path / "run").step > 2

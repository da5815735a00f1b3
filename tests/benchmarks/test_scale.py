"""Axes of `benchmarks.scale`: each does what it says at its size, and slopes are right."""

from contextlib import contextmanager

import numpy as np
import pytest

from benchmarks import measure, scale


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_slope_is_the_power(power):
    sizes = [1_000, 2_000, 4_000, 8_000]
    assert scale.slope(sizes, [3 * size**power for size in sizes]) == pytest.approx(power)


def test_noise_moves_the_slope_little():
    sizes = [100, 200, 400, 800, 1_600]
    noise = [1.1, 0.9, 1.05, 0.95, 1.0]
    values = [size * factor for size, factor in zip(sizes, noise, strict=True)]
    assert scale.slope(sizes, values) == pytest.approx(1.0, abs=0.1)


@pytest.fixture
def fake_process(monkeypatch):
    """Runs the work in this process; its sample is what the work returns."""

    @contextmanager
    def own_process(make):
        work = make()
        yield work

    monkeypatch.setattr(measure, "own_process", own_process)


@pytest.mark.usefixtures("fake_process")
def test_the_row_of_an_axis_has_the_figures_of_its_largest_size():
    calls = []

    def make(size):
        def work():
            calls.append(size)
            # The first round of each size, which warms up, does not count.
            is_first = calls.count(size) == 1
            return measure.Sample(99.0 if is_first else size / 100, 1.0, 50.0 + size**0.0)

        return work

    row = scale.measure_axis("records", scale.Axis(make, (10, 100, 1_000), "records"), 2)
    assert calls == [10] * 3 + [100] * 3 + [1_000] * 3
    assert (row["smallest"], row["largest"], row["of"]) == (10, 1_000, "records")
    assert row["CPU s"] == pytest.approx(10.0)
    assert row["time slope"] == pytest.approx(1.0)
    assert row["peak MB"] == pytest.approx(51.0)
    assert row["memory slope"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.usefixtures("fake_process")
def test_the_memory_may_be_unknown():
    axis = scale.Axis(lambda _: lambda: measure.Sample(1.0, 1.0, None), (1, 2), "nothing")
    assert scale.measure_axis("a", axis, 1)["memory slope"] == pytest.approx(0.0)


@pytest.mark.parametrize(
    "name", ["records", "job", "label_length", "width", "charset", "lexicon", "language_model"]
)
def test_the_work_of_an_axis_runs_at_a_small_size(name):
    axis = scale.AXES[name]
    assert list(axis.sizes) == sorted(axis.sizes)
    axis.make(48)()


def test_words_are_of_the_size_that_grows_and_the_same_in_each_process():
    assert scale._words(5, 7) == scale._words(5, 7)
    assert [len(word) for word in scale._words(5, 7)] == [7] * 5
    assert len(set(scale._words(1_000))) == 1_000


def test_images_are_as_wide_as_asked():
    from attention_ocr.images.decode import decode

    assert decode(scale._png(130)).shape == (32, 130, 3)
    np.testing.assert_array_equal(decode(scale._png(64)), decode(scale._png(64)))


def test_the_command_measures_the_axes_that_are_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(scale, "measure_axis", lambda name, *_: {"axis": name, "n": 1.0})
    monkeypatch.setattr(scale, "measure_workers", lambda *_: {"axis": "w", "n": 2.0})
    scale.main(["--axes", "workers", "lexicon", f"--json={tmp_path / 'scale.json'}"])
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[1:3]] == ["w", "lexicon"]
    assert (tmp_path / "scale.json").is_file()
    with pytest.raises(SystemExit):
        scale.main(["--axes", "colours"])
    assert "invalid choice: 'colours'" in capsys.readouterr().err

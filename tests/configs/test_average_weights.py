"""The script that averages the weights of models, of the recipe of the default model."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from attention_ocr.inference.work_directory import load_trained_model, read_weights
from tests import tiny_model

FILE = Path(__file__).parents[2] / "configs" / "average_weights.py"


@pytest.fixture(scope="module")
def average_weights():
    spec = importlib.util.spec_from_file_location("average_weights", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def two(tmp_path):
    """Two work directories, the weights of the second twice those of the first plus one."""
    one = tiny_model.write_work_dir(tmp_path / "one")
    other = Path(shutil.copytree(one, tmp_path / "other"))
    weights = {name: 2.0 * value + 1.0 for name, value in read_weights(one / "weights.npz").items()}
    np.savez(other / "weights.npz", **weights)
    return one, other


def test_the_mean_is_a_model(average_weights, two, tmp_path):
    one, other = two
    average_weights.main(tmp_path / "mean", [str(one), str(other)])
    before, after = (read_weights(path / "weights.npz") for path in (one, tmp_path / "mean"))
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_allclose(after[name], 1.5 * value + 0.5, rtol=1e-5, atol=1e-6)
    assert load_trained_model(tmp_path / "mean").charset.characters == tuple("abc0123")


def test_models_that_do_not_fit_are_refused(average_weights, two, tmp_path):
    one, other = two
    weights = read_weights(other / "weights.npz")
    np.savez(other / "weights.npz", **dict(list(weights.items())[1:]))
    with pytest.raises(ValueError, match=f"Expected the weights of {other}. Received: .*{one}"):
        average_weights.main(tmp_path / "mean", [str(one), str(other)])
    (other / "charset.txt").write_text("x\n", encoding="utf-8")
    with pytest.raises(ValueError, match=f"Expected the characters of {other}. Received: .*{one}"):
        average_weights.main(tmp_path / "mean", [str(one), str(other)])
    assert not (tmp_path / "mean").exists()

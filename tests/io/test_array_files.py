import zipfile

import ml_dtypes
import numpy as np
import pytest

from attention_ocr.inference.work_directory import read_weights, save_weights, weight_values
from attention_ocr.io.array_files import write_arrays
from attention_ocr.io.bounded_read import read_arrays
from tests import tiny


def entries(path):
    """Return name and type of each array, as stored in the file."""
    with zipfile.ZipFile(path) as archive:
        found = {}
        for name in archive.namelist():
            with archive.open(name) as file:
                version = np.lib.format.read_magic(file)
                assert version == (1, 0)
                found[name] = np.lib.format.read_array_header_1_0(file)[2]
        return found


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_holds_its_arrays_in_plain_types_and_nothing_else(compressed, tmp_path):
    values = {
        "encoder/kernel": np.ones((2, 3), np.float32),
        "half": np.ones(4, np.float16),
        "narrow": np.array([1.5, -2.0], ml_dtypes.bfloat16),
        "count": np.array(7, np.int64),
        "texts": np.array(["a", "bc"]),
    }
    path = tmp_path / "a.npz"
    write_arrays(values, path, compressed)
    types = entries(path)
    assert set(types) == {f"{name}.npy" for name in values}
    assert types["narrow.npy"] == np.float32
    assert not any(dtype.hasobject or dtype.kind == "V" for dtype in types.values())
    for name, value in read_arrays(path, "fiubU").items():
        np.testing.assert_array_equal(value, np.asarray(values[name], types[f"{name}.npy"]))


def test_objects_are_refused_by_their_name(tmp_path):
    with pytest.raises(TypeError, match="`mixed` must hold numbers or text. Received: object"):
        write_arrays({"mixed": np.array([1, "a"], object)}, tmp_path / "a.npz")
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_that_older_releases_of_numpy_take_for_an_array(tmp_path, monkeypatch):
    # Before 2.2 `savez` had no option `allow_pickle` and stored its value under that name.
    def older(file, **arrays):
        assert set(arrays) == {"weight"}
        savez(file, **arrays)

    savez = np.savez
    monkeypatch.setattr(np, "savez", older)
    save_weights({"weight": np.ones(3)}, tmp_path / "weights.npz")
    assert list(read_weights(tmp_path / "weights.npz")) == ["weight"]


def test_weights_that_an_older_numpy_has_written_are_read(tmp_path):
    path = tmp_path / "weights.npz"
    write_arrays({"weight": np.ones(3)}, path)
    with zipfile.ZipFile(path, "a") as archive, archive.open("allow_pickle.npy", "w") as file:
        np.lib.format.write_array(file, np.array(False))
    assert list(read_weights(path)) == ["weight"]


def test_the_weights_of_a_model_are_plain(tmp_path):
    with tiny.computing_in("bfloat16"):
        recognizer = tiny.recognizer()
    save_weights(weight_values(recognizer), tmp_path / "weights.npz")
    assert {str(dtype) for dtype in entries(tmp_path / "weights.npz").values()} == {"float32"}

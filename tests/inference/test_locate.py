import pytest

from attention_ocr.inference import locate
from attention_ocr.inference.locate import find_model, is_bundled, lines_model


@pytest.fixture
def lines(tmp_path, monkeypatch):
    """A stand-in for the bundled model of lines, and an empty current directory."""
    folder = tmp_path / "package" / "lines"
    folder.mkdir(parents=True)
    (folder / "weights.npz").touch()
    monkeypatch.setattr(locate, "BUNDLED_LINES", folder)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def test_bundled_models_are_found_by_name(lines):
    assert find_model("lines") == lines_model() == lines
    assert find_model(None) == find_model("default") == locate.BUNDLED_WEIGHTS
    assert all(map(is_bundled, (None, "default", "lines")))
    assert not is_bundled("runs/mine")


@pytest.mark.usefixtures("lines")
def test_a_folder_named_lines_is_taken_before_the_model_of_that_name(tmp_path):
    mine = tmp_path / "here" / "lines"
    mine.mkdir()
    (mine / "weights.npz").touch()
    assert find_model("lines").absolute() == mine
    assert not is_bundled("lines")


def test_a_release_without_a_model_of_lines_has_none_by_its_name(lines):
    (lines / "weights.npz").unlink()
    assert lines_model() is None
    assert not is_bundled("lines")
    with pytest.raises(FileNotFoundError, match="No model found: lines is not a directory"):
        find_model("lines")

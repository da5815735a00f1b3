import pytest

from attention_ocr.inference import locate
from attention_ocr.inference.locate import MODEL_FILES, find_model, is_bundled, lines_model


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
def test_a_folder_named_lines_is_taken_before_the_model_of_that_name_which_is_said_once(
    tmp_path, caplog
):
    mine = tmp_path / "here" / "lines"
    mine.mkdir()
    (mine / "weights.npz").touch()
    assert find_model("lines").absolute() == mine
    assert not is_bundled("lines")
    assert find_model(mine) == mine
    (message,) = caplog.messages
    assert message.startswith(f"`lines` is the model in {mine}, not the bundled one")


@pytest.mark.usefixtures("lines")
def test_a_folder_of_images_named_lines_does_not_hide_the_model(tmp_path):
    (tmp_path / "here" / "lines").mkdir()
    (tmp_path / "here" / "lines" / "a.png").touch()
    assert is_bundled("lines")
    assert find_model("lines") == locate.BUNDLED_LINES


def test_a_release_without_a_model_of_lines_has_none_by_its_name(lines):
    (lines / "weights.npz").unlink()
    assert lines_model() is None
    assert not is_bundled("lines")
    with pytest.raises(FileNotFoundError, match="No model found: lines is not a directory"):
        find_model("lines")


def model(folder, file="weights.npz"):
    folder.mkdir(parents=True)
    (folder / file).write_bytes(b"")
    return folder


@pytest.mark.parametrize("file", MODEL_FILES)
def test_a_directory_with_one_of_the_files_is_a_model(tmp_path, file):
    place = model(tmp_path / "mine", file)
    assert find_model(place) == place
    assert find_model(str(place)) == place


def test_an_export_is_its_newest_version_by_number(tmp_path):
    for name in ("9", "10", "011", "notes", "1.5"):
        model(tmp_path / "served" / name, "saved_model.pb")
    (tmp_path / "served/12").mkdir()
    assert find_model(tmp_path / "served").name == "011"
    assert find_model(tmp_path / "served/9").name == "9"


def test_a_model_beside_versions_is_the_directory_itself(tmp_path):
    place = model(tmp_path / "mine")
    model(place / "1")
    assert find_model(place) == place


@pytest.mark.parametrize("name", ["model.tflite", "renamed.onnx"])
def test_a_file_is_a_model_by_its_suffix(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    assert find_model(tmp_path / name) == tmp_path / name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "none is not a directory"),
        ("weights.npz", "weights.npz is not a directory"),
        ("empty", "empty has no weights.npz, saved_model.pb or version"),
        ("https://example.org/model", "https://example.org/model is a URL, and models are not fe"),
        ("s3://bucket/model", "s3://bucket/model is a URL"),
    ],
)
def test_where_there_is_no_model_the_message_says_why(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.npz").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=message):
        find_model(name)

import numpy as np
import pytest

import attention_ocr
from attention_ocr.cli.main import main
from attention_ocr.visualization.explanation import METHODS, Explainer
from tests import tiny_model


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory):
    return tiny_model.write_work_dir(tmp_path_factory.mktemp("model") / "run")


@pytest.fixture(scope="module")
def images():
    return tiny_model.images(3)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_for_each_character_of_the_prediction(method, work_dir, images):
    (reading,) = attention_ocr.load(work_dir).read(images[0])
    assert reading.text
    explained = Explainer(work_dir, method).explain(images[0])
    assert (explained.text, explained.confidence) == (reading.text, reading.confidence)
    assert len(explained.attention) == len(reading.text)
    assert explained.attention_extent == reading.attention_extent
    if method != "attention":
        assert explained.attention.shape[1] == 16
    assert np.asarray(explained.attention).max() > 0.0


def test_another_text_can_be_explained(work_dir, images):
    explainer = Explainer(work_dir, "gradient")
    asked = explainer.explain(images[0], "ab")
    assert asked.text == "ab"
    assert len(asked.attention) == 2
    assert np.abs(asked.attention[0] - explainer.explain(images[0], "cb").attention[0]).max() > 0.0
    with pytest.raises(ValueError, match="lacks the characters 'x', 'y'. Received: 'axy'"):
        explainer.explain(images[0], "axy")
    with pytest.raises(ValueError, match="only for the prediction"):
        Explainer(work_dir, "attention").explain(images[0], "ab")


def test_a_broken_image_has_its_error(work_dir):
    assert Explainer(work_dir).explain(b"no image").error.startswith("unreadable image: ")


def test_unknown_methods_and_exports_are_refused(work_dir, tmp_path):
    with pytest.raises(ValueError, match="attention, gradient, feedback. Received: 'guess'"):
        Explainer(work_dir, "guess")
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ValueError, match="needs a work directory"):
        Explainer(tmp_path)


def test_the_command_draws_images_and_writes_arrays(work_dir, images, tmp_path, capsys):
    for index, image in enumerate(images[:2]):
        (tmp_path / f"{index}.png").write_bytes(tiny_model.encoded(image))
    (tmp_path / "2.png").write_bytes(b"broken")
    status = main(
        [
            "explain",
            str(tmp_path / "*.png"),
            f"--model={work_dir}",
            f"--out_dir={tmp_path / 'why'}",
            "--method=gradient",
            "--arrays",
        ]
    )
    output = capsys.readouterr()
    assert status == 1
    (line,) = output.err.splitlines()
    assert line.startswith(f"attention-ocr explain: {tmp_path / '2.png'}: unreadable image: ")
    (expected,) = attention_ocr.load(work_dir).read(images[0])
    drawing = tmp_path / "why" / "0.gradient.png"
    assert output.out.splitlines()[0] == f"{tmp_path / '0.png'}\t{expected.text}\t{drawing}"
    assert drawing.read_bytes().startswith(b"\x89PNG")
    maps = np.load(drawing.with_suffix(".npy"))
    assert maps.shape[:2] == (len(expected.text), 16)
    assert {path.name for path in (tmp_path / "why").iterdir()} == {
        f"{index}.gradient.{ending}" for index in (0, 1) for ending in ("png", "npy")
    }

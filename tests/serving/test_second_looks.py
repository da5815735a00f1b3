"""The server reads again what is read without confidence, as the package does."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.exporting.saved_model import save_recognizer
from attention_ocr.images import decode, image
from attention_ocr.images.formats import STATUS_UNSUPPORTED
from attention_ocr.inference.reader import load
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.serving.clients import RestClient
from attention_ocr.serving.second_looks import load_servable, with_second_looks
from attention_ocr.serving.servable import Servable
from attention_ocr.settings.config import Config
from tests import tiny_model
from tests.serving import tiny_server

FILES = tiny_model.files(8, ["PNG"])


@pytest.fixture(scope="module")
def looking(tmp_path_factory):
    """Version 1 of a model that reads nearly everything again; not to be changed."""
    folder = tmp_path_factory.mktemp("looking")
    work_dir = tiny_model.write_work_dir(
        folder / "run",
        beam_width=2,
        num_best=2,
        rotate_tall_below=0.95,
        widths_below=0.9,
        deskew_below=0.8,
        rotate_180_below=0.7,
    )
    save_recognizer(load_trained_model(work_dir), folder / "tiny" / "1")
    return folder / "tiny" / "1"


@pytest.fixture(scope="module")
def servable(looking):
    return load_servable(1, looking)


@pytest.fixture(scope="module")
def expected(looking):
    """What the package reads, of which some is not what it reads once."""
    readings = load(looking).read(FILES)
    once = load(looking, second_looks=False).read(FILES)
    texts = [[reading.text for reading in group] for group in (readings, once)]
    assert texts[0] != texts[1]
    return readings


def objects(values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def check(outputs, expected):
    assert [text.decode() for text in outputs["text"]] == [reading.text for reading in expected]
    confidences = [reading.confidence for reading in expected]
    np.testing.assert_allclose(outputs["confidence"], confidences, rtol=1e-4)


@pytest.mark.parametrize("signature", ["serving_default", "beam"])
def test_files_read_as_the_package_reads_them(servable, expected, signature):
    outputs = servable.signature(signature)({"images": objects(FILES)})
    check(outputs, expected)
    for row, reading in enumerate(expected):
        if signature == "beam":
            found = alternatives(outputs, row)
            assert [text for text, _ in found] == [text for text, _ in reading.alternatives]
            sure = [confidence for _, confidence in reading.alternatives]
            np.testing.assert_allclose([value for _, value in found], sure, rtol=1e-4)
        # The attention fills the same share of the image, however wide it was padded.
        _, columns = outputs["attention_extent"][row] * outputs["attention"].shape[2:]
        own = reading.attention_extent[1] * reading.attention.shape[2]
        assert columns == pytest.approx(own, rel=1e-4)
        attention = outputs["attention"][row, : len(reading.text)]
        np.testing.assert_allclose(
            attention[..., : reading.attention.shape[2]], reading.attention, atol=1e-4
        )


def alternatives(outputs, row):
    columns = ("texts", "text_confidences", "text_scores")
    return [
        (text.decode(), confidence)
        for text, confidence, score in zip(*(outputs[name][row] for name in columns), strict=True)
        if np.isfinite(score)
    ]


def test_a_file_is_decoded_once_however_often_it_is_looked_at(servable, expected, monkeypatch):
    decoded = []

    def decode_with_size(*args):
        decoded.append(args)
        return decode.decode_with_size(*args)

    monkeypatch.setattr(image, "decode_with_size", decode_with_size)
    check(servable.signature()({"images": objects(FILES)}), expected)
    assert len(decoded) == len(FILES)


def test_an_export_of_an_older_release_is_given_files(looking, expected):
    servable = Servable(1, looking)
    del servable.signatures["raw_pixels"]
    signatures = with_second_looks(servable.signatures, Config.load(looking))
    check(signatures["serving_default"]({"images": objects(FILES)}), expected)


def test_a_broken_file_stays_broken_and_alone(servable, expected):
    outputs = servable.signature()({"images": objects([FILES[0], b"no image", FILES[1]])})
    check({name: values[[0, 2]] for name, values in outputs.items()}, expected[:2])
    status = [value.decode() for value in outputs["status"]]
    assert status == ["ok", STATUS_UNSUPPORTED, "ok"]
    assert outputs["text"][1] == b""


@pytest.mark.parametrize(("signature", "dtype"), [("images", np.uint8), ("images_float", "f4")])
def test_pixels_read_as_the_same_file(servable, expected, signature, dtype):
    for file, reading in list(zip(FILES, expected, strict=True))[:4]:
        pixels = tf.io.decode_png(file).numpy()[None].astype(dtype)
        check(servable.signature(signature)({"images": pixels}), [reading])


def test_examples_are_classified_as_the_package_reads_them(servable, expected):
    features = [
        tf.train.Feature(bytes_list=tf.train.BytesList(value=[file])) for file in [*FILES, b""]
    ]
    examples = [
        tf.train.Example(features=tf.train.Features(feature={"image/encoded": feature}))
        for feature in features
    ]
    rows = objects([example.SerializeToString() for example in [*examples, tf.train.Example()]])
    outputs = servable.signature("classify")({"inputs": rows})
    assert [text.decode() for text in outputs["classes"][:-2, 0]] == [r.text for r in expected]
    np.testing.assert_allclose(
        outputs["scores"][:-2, 0], [reading.confidence for reading in expected], rtol=1e-4
    )
    assert list(outputs["classes"][-2:, 0]) == [b"", b""]


def test_second_looks_can_be_left_out(looking):
    outputs = load_servable(1, looking, second_looks=False).signature()({"images": objects(FILES)})
    check(outputs, load(looking, second_looks=False).read(FILES))


def test_damaged_settings_are_named(looking, tmp_path):
    copy = shutil.copytree(looking, tmp_path / "1")
    (copy / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"1/config.json: |1\\config.json: "):
        load_servable(1, copy)


def test_a_model_without_second_looks_is_served_as_it_is(export):
    assert not Config.load(export).second_looks.enabled
    servable = load_servable(1, export)
    check(servable.signature()({"images": objects(FILES)}), load(export).read(FILES))


@pytest.mark.parametrize("second_looks", [True, False])
def test_a_server_reads_again_unless_it_is_told_not_to(looking, expected, second_looks):
    once = load(looking, second_looks=False).read(FILES)
    with tiny_server.running(looking.parent, second_looks=second_looks) as server:
        client = RestClient(f"127.0.0.1:{server.rest_api_port}", tiny_server.NAME)
        outputs = client.predict(FILES)
        client.close()
    texts = [reading.text for reading in (expected if second_looks else once)]
    assert [text.decode() for text in outputs["text"]] == texts

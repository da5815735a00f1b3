"""Every format, depth, colour type and orientation has the same pixels everywhere."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

import attention_ocr
from attention_ocr.data.inspection import Inspection, inspect_source
from attention_ocr.data.labels import read_labels
from attention_ocr.data.shards import write_shards
from attention_ocr.data.sources import Walk, open_source
from attention_ocr.images.decode import decode
from attention_ocr.images.graph_decode import decodes_in_graph
from attention_ocr.images.graph_fitting import decode_or_blank
from attention_ocr.images.image import LazyImage, normalize_file
from attention_ocr.images.pipeline_decode import decode_any
from attention_ocr.inference.engines.signature_names import STATUS_NOT_IN_GRAPH
from attention_ocr.inference.locate import find_model
from attention_ocr.inference.serving_function import make_serving_function
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.settings.image import ImageConfig
from tests.image_files import files_of, light_files_of
from tests.inference.engines.test_files import FIXTURE

WORD = "PARKING"
REFUSED_BY_A_GRAPH = (
    *("TIFF", "AVIF", "WEBP, orientation", "WebP animated", "GIF transparent"),
    *("BMP of 16 bits", "BMP in runs", "BMP with alpha", "BMP of mode 1"),
)


def written() -> Image.Image:
    """Return a word, black on white."""
    font = ImageFont.load_default(size=40)
    box = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), WORD, font=font)
    image = Image.new("L", (box[2] - box[0] + 16, box[3] - box[1] + 16), 255)
    ImageDraw.Draw(image).text((8 - box[0], 8 - box[1]), WORD, fill=0, font=font)
    return image.point(lambda value: 255 * (value > 127)).convert("RGB")


IMAGE = written()
DARK = {name: (file, np.asarray(IMAGE)) for name, file in files_of(IMAGE).items()}
LIGHT = {
    f"light {name}": (file, 255 - np.asarray(IMAGE)) for name, file in light_files_of(IMAGE).items()
}
FILES = {**DARK, **LIGHT}
CONTENTS = {name: file for name, (file, _) in FILES.items()}
WITH_LOSS = ("JPEG", "AVIF", "light AVIF", "WebP with loss", "TIFF with JPEG")


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_the_pixels_that_a_viewer_shows(name):
    file, expected = FILES[name]
    pixels = decode(file)
    assert pixels.dtype == np.uint8
    if name.startswith(WITH_LOSS):
        assert pixels.shape == expected.shape
        assert np.abs(pixels.astype(int) - expected).mean() < 8
    else:
        np.testing.assert_array_equal(pixels, expected)


def decoded_in_a_pipeline(function) -> dict[str, np.ndarray]:
    dataset = tf.data.Dataset.from_tensor_slices(list(CONTENTS.values())).map(function)
    return dict(zip(CONTENTS, dataset.as_numpy_iterator(), strict=True))


def test_a_pipeline_sees_the_same_pixels():
    for name, (pixels, reason) in decoded_in_a_pipeline(decode_any).items():
        assert not reason
        np.testing.assert_array_equal(pixels, decode(CONTENTS[name]), err_msg=name)


def test_a_graph_sees_the_same_pixels_or_says_that_it_sees_none():
    known = decoded_in_a_pipeline(decodes_in_graph)
    for name, pixels in decoded_in_a_pipeline(decode_or_blank).items():
        kind = name.removeprefix("light ")
        is_refused = kind.startswith(REFUSED_BY_A_GRAPH) or name in ("light GIF", "light BMP")
        assert known[name] == (not is_refused), name
        expected = np.zeros((0, 0, 3)) if is_refused else decode(CONTENTS[name])
        np.testing.assert_array_equal(pixels, expected, err_msg=name)


def test_a_normalized_file_has_the_same_pixels_for_every_decoder():
    for name, file in CONTENTS.items():
        normalized = normalize_file(LazyImage(file))
        image = Image.open(io.BytesIO(normalized))
        assert image.format in ("PNG", "JPEG", "MPO")
        np.testing.assert_array_equal(decode(normalized), decode(file), err_msg=name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    lines = []
    for index, file in enumerate(CONTENTS.values()):
        (folder / f"{index}.any").write_bytes(file)
        lines.append(f"{index}.any\t{WORD}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    return folder


def test_training_data_and_their_records_have_the_same_pixels(folder, tmp_path):
    labels = folder / "labels.tsv"
    write_shards(read_labels(labels), tmp_path)
    for source in (str(labels), str(tmp_path / "data-*.tfrecord")):
        examples = open_source(source).examples(Walk()).as_numpy_iterator()
        for (name, file), example in zip(CONTENTS.items(), examples, strict=True):
            np.testing.assert_array_equal(example["image"], decode(file), err_msg=name)


def test_an_inspection_sees_every_file_in_its_size(folder):
    inspection = inspect_source(open_source(str(folder)), Inspection(ImageConfig()))
    assert "unreadable" not in inspection.findings
    assert inspection.heights == {IMAGE.height: len(FILES)}
    assert inspection.widths == {IMAGE.width: len(FILES)}


@pytest.mark.parametrize("form", ["model.tflite", "model.onnx"])
def test_an_engine_reads_a_file_as_its_pixels(form):
    reader = attention_ocr.load(FIXTURE / form)
    expected = reader.read([decode(file) for file in CONTENTS.values()])
    for name, reading, wanted in zip(
        CONTENTS, reader.read(CONTENTS.values()), expected, strict=True
    ):
        assert (reading.error, reading.text) == (None, wanted.text), name
        assert reading.confidence == pytest.approx(wanted.confidence, rel=1e-3), name


def test_tensorflow_reads_a_file_as_its_pixels(reader):
    expected = reader.read([decode(file) for file in CONTENTS.values()])
    for name, reading, wanted in zip(
        CONTENTS, reader.read(CONTENTS.values()), expected, strict=True
    ):
        assert (reading.error, reading.text) == (None, wanted.text), name
        assert reading.confidence == pytest.approx(wanted.confidence, rel=1e-3), name


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_the_model_of_the_package_reads_the_word_in_every_file(engine):
    readings = attention_ocr.load(engine=engine).read(CONTENTS.values())
    texts = dict(zip(CONTENTS, (reading.text for reading in readings), strict=True))
    assert texts == dict.fromkeys(CONTENTS, WORD)


@pytest.mark.slow
def test_a_saved_model_alone_reads_the_word_or_says_why_not():
    serve = make_serving_function(load_trained_model(find_model(None)))
    outputs = serve(tf.constant(list(CONTENTS.values())))
    rows = zip(CONTENTS, outputs["text"].numpy(), outputs["status"].numpy(), strict=True)
    for name, text, status in rows:
        if status == b"ok":
            assert text == WORD.encode(), name
        else:
            assert (text, status) == (b"", STATUS_NOT_IN_GRAPH.encode()), name
    assert outputs["status"].numpy().tolist().count(b"ok") > len(FILES) // 3

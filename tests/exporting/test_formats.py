"""The formats of an export beside the SavedModel."""

from pathlib import Path

import numpy as np
import pytest

import attention_ocr
from attention_ocr.exporting.export import write_format
from attention_ocr.exporting.litert import input_widths
from attention_ocr.images.image import LazyImage
from attention_ocr.inference.reader import load
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.language_models import ngram
from attention_ocr.language_models.files import save_language_model
from attention_ocr.language_models.lstm import train_lstm
from attention_ocr.language_models.ngram import train_ngram
from attention_ocr.settings.config import Config
from attention_ocr.settings.formats import EXPORT_FORMATS, FILES, check_format, parse_formats
from attention_ocr.settings.image import ImageConfig
from tests import tiny_model
from tests.exporting.test_kinds import KINDS

EXACT = ("frozen_graph", "litert", "onnx")


def test_a_list_of_formats_is_put_in_order():
    assert parse_formats("onnx,saved_model") == ("saved_model", "onnx")
    for wrong in ("", "tflite", "onnx,tflite"):
        with pytest.raises(
            ValueError, match="`format` must be a comma-separated list of saved_model"
        ):
            parse_formats(wrong)


@pytest.mark.parametrize(
    "decoding",
    [
        {"num_best": 2, "beam_width": 3},
        {"num_best": 2, "beam_width": 3, "decoding": "joint"},
        {"num_best": 2, "beam_width": 3, "decoding": "ctc"},
        {"lexicon": "words.txt"},
        {"pattern": "[a-c]+"},
        {"allowed_characters": "abc"},
    ],
    ids=lambda decoding: next(iter(decoding)),
)
def test_what_needs_tensorflow_is_refused_before_work_begins(work_dir, tmp_path, decoding):
    config = Config.load(work_dir).with_decoding(decoding)
    for format_name in EXPORT_FORMATS:
        if format_name in ("saved_model", "frozen_graph"):
            check_format(format_name, config)
            continue
        with pytest.raises(
            ValueError, match=f"`format={format_name}` returns the best text only: .*Rec"
        ):
            check_format(format_name, config)
    with pytest.raises(ValueError, match="returns the best text only: "):
        attention_ocr.export(work_dir, tmp_path / "served", decoding=decoding, formats=("litert",))
    assert not (tmp_path / "served").exists()


def test_widths_grow_by_about_a_quarter():
    for widest in (16, 96, 256, 1024):
        widths = input_widths(ImageConfig(max_image_width=widest))
        assert widths[0] == 16
        assert widths[-1] == widest
        assert not np.any(np.array(widths) % 16)
        steps = np.diff(widths)
        assert (steps >= 16).all()
        assert (steps <= np.maximum(16, 0.25 * np.array(widths[:-1]) + 16)).all()


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A work directory whose model has few widths, so that it converts fast."""
    return tiny_model.write_work_dir(tmp_path_factory.mktemp("narrow"), max_image_width=32)


@pytest.mark.slow
def test_formats_are_written_in_any_order(narrow, tmp_path):
    model = load_trained_model(narrow)
    for format_name in ("onnx", "litert", "saved_model"):
        folder = tmp_path / format_name
        write_format(format_name, model, folder)
        alone = tmp_path / "alone" / format_name
        alone.parent.mkdir(exist_ok=True)
        write_format(format_name, load_trained_model(narrow), alone)
        files = tiny_model.files(4)
        for reading, expected in zip(
            load(folder).read(files), load(alone).read(files), strict=True
        ):
            assert (reading.text, reading.confidence) == (expected.text, expected.confidence)
    assert not model.recognizer.portable
    assert not any(layer.portable for layer in model.recognizer.sequence)


@pytest.mark.slow
def test_every_format_reads_like_the_model(narrow, tmp_path):
    version = attention_ocr.export(narrow, tmp_path / "served", formats=EXPORT_FORMATS)
    assert {*FILES.values(), "saved_model.pb"} <= {path.name for path in version.iterdir()}
    files = [*tiny_model.files(6), b"no image"]
    expected = load(narrow).read(files)
    for engine in ("litert", "onnx", "tensorflow"):
        model = version / FILES["litert"] if engine == "litert" else version
        for reading, wanted in zip(load(model, engine=engine).read(files), expected, strict=True):
            assert (reading.text, reading.error) == (wanted.text, wanted.error)
            assert reading.confidence == pytest.approx(wanted.confidence, abs=1e-3)
            shared = min(reading.attention.shape[-1], wanted.attention.shape[-1])
            np.testing.assert_allclose(
                reading.attention[..., :shared], wanted.attention[..., :shared], atol=1e-3
            )


@pytest.mark.slow
@pytest.mark.parametrize("format_name", EXACT)
@pytest.mark.parametrize("decoding", ["attention", "ctc"])
def test_both_heads_convert(narrow, tmp_path, format_name, decoding):
    model = load_trained_model(narrow)
    model = model._replace(config=model.config.with_decoding({"decoding": decoding}))
    write_format(format_name, model, tmp_path / "model")
    check(format_name, tmp_path / "model", load(narrow, decoding=decoding))


@pytest.mark.parametrize(
    ("kind", "head", "format_name"),
    [
        ("lstm", "attention", "litert"),
        ("lstm", "ctc", "onnx"),
        pytest.param("lstm", "attention", "onnx", marks=pytest.mark.slow),
        pytest.param("lstm", "ctc", "litert", marks=pytest.mark.slow),
        pytest.param("ngram", "attention", "litert", marks=pytest.mark.slow),
        pytest.param("ngram", "attention", "onnx", marks=pytest.mark.slow),
    ],
)
def test_a_search_with_a_language_model_converts(
    narrow, tmp_path, kind, head, format_name, monkeypatch
):
    # Small enough that contexts are looked up in the graph, not worked out beforehand.
    monkeypatch.setattr(ngram, "MAX_DENSE", 0)
    monkeypatch.setattr(ngram, "MAX_EDGES", 4)
    decoding = write_language_model(tmp_path, kind) | {"decoding": head}
    model = load_trained_model(narrow)
    model = model._replace(config=model.config.with_decoding(decoding))
    write_format(format_name, model, tmp_path / "model")
    guided, greedy = load(narrow, **decoding), load(narrow, decoding=head)
    files = tiny_model.files(4)
    texts = [[reading.text for reading in reader.read(files)] for reader in (guided, greedy)]
    assert texts[0] != texts[1]
    check(format_name, tmp_path / "model", guided)
    if kind == "lstm":
        (file,) = (tmp_path / "model").glob("model.*")
        with np.load(decoding["language_model"]) as arrays:
            weights = arrays["recurrent_kernel"].astype(np.float32)
        stored = {"onnx": weights, "litert": weights.T}[format_name]
        assert file.read_bytes().count(stored.tobytes()) == 1


@pytest.mark.parametrize(
    ("head", "format_name"),
    [
        ("attention", "onnx"),
        ("ctc", "litert"),
        pytest.param("attention", "litert", marks=pytest.mark.slow),
        pytest.param("ctc", "onnx", marks=pytest.mark.slow),
    ],
)
def test_a_search_of_uncertain_texts_converts(narrow, tmp_path, head, format_name):
    files = tiny_model.files(8)
    greedy = load(narrow, decoding=head).read(files)
    fifth_lowest = sorted(reading.confidence for reading in greedy)[4]
    decoding = write_language_model(tmp_path, "ngram") | {"search_below": fifth_lowest - 1e-4}
    decoding["decoding"] = head
    model = load_trained_model(narrow)
    model = model._replace(config=model.config.with_decoding(decoding))
    write_format(format_name, model, tmp_path / "model")
    mixed = load(narrow, **decoding)
    texts = [reading.text for reading in mixed.read(files)]
    assert texts != [reading.text for reading in greedy]
    for text, reading in zip(texts, greedy, strict=True):
        assert text == reading.text or reading.confidence < fifth_lowest
    check(format_name, tmp_path / "model", mixed)


@pytest.mark.parametrize("format_name", ["litert", "onnx"])
@pytest.mark.parametrize(
    ("search_below", "texts"),
    [
        (0.1, "words"),
        pytest.param(1.0, "all", marks=pytest.mark.slow),
        pytest.param(1.0, "words", marks=pytest.mark.slow),
    ],
)
def test_joint_decoding_converts(narrow, tmp_path, format_name, search_below, texts):
    files = tiny_model.files(8)
    decoding = write_language_model(tmp_path, "ngram") | {"search_below": search_below}
    decoding["language_model_texts"] = texts
    decoding |= {"decoding": "joint", "joint_weight": 0.7, "beam_width": 3}
    model = load_trained_model(narrow)
    model = model._replace(config=model.config.with_decoding(decoding))
    write_format(format_name, model, tmp_path / "model")
    joint = load(narrow, **decoding)
    without = load(narrow, **decoding | {"decoding": "attention"})
    texts = [[reading.text for reading in reader.read(files)] for reader in (joint, without)]
    assert texts[0] != texts[1]
    check(format_name, tmp_path / "model", joint)


# Uneven, so that contexts of several lengths carry information.
PREFERRED = (0.4, 0.3, 0.1, 0.08, 0.06, 0.04, 0.02)


def write_language_model(folder: Path, kind: str) -> dict[str, object]:
    """Write a model of words that the tiny one does not read, and return settings for it."""
    random = np.random.default_rng(0)
    words = ["".join(random.choice(list("abc0123"), 5, p=PREFERRED)) for _ in range(150)]
    arrays = train_ngram(words, 5) if kind == "ngram" else train_lstm(words, units=8, epochs=4)
    save_language_model(arrays, folder / "lm.npz")
    return {
        "beam_width": 2,
        "language_model": str(folder / "lm.npz"),
        "language_model_weight": 3.0,
    }


@pytest.mark.slow
@pytest.mark.parametrize("format_name", ["litert", "onnx"])
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_model_converts(name, format_name, tmp_path):
    work_dir = tiny_model.write_work_dir(tmp_path / "work", **{"max_image_width": 32} | KINDS[name])
    write_format(format_name, load_trained_model(work_dir), tmp_path / "model")
    check(format_name, tmp_path / "model", load(work_dir))


def check(format_name, directory: Path, reader) -> None:
    from attention_ocr.exporting.check import open_format

    files = tiny_model.files(4)
    readings = open_format(format_name, directory).read([LazyImage(file) for file in files])
    for reading, wanted in zip(readings, reader.read(files), strict=True):
        assert reading.text == wanted.text
        assert reading.confidence == pytest.approx(wanted.confidence, abs=1e-3)

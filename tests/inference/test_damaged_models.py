"""Damaged and hostile files of a model: each is refused by name, before memory is taken."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from attention_ocr.data.sources import open_source
from attention_ocr.data.storage import MAX_LINE_BYTES, read_lines
from attention_ocr.exporting.warmup import WARMUP_FILE, read_warmup
from attention_ocr.inference.work_directory import load_trained_model, read_weights
from attention_ocr.io.bounded_read import MAX_TEXT_BYTES, read_array_headers, read_arrays
from attention_ocr.language_models.files import load_language_model, save_language_model
from attention_ocr.language_models.ngram import train_ngram
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset
from tests import hostile_files, tiny

TERABYTES = 2**42


@pytest.fixture
def copy(work_dir, tmp_path):
    """A copy of the model, to be damaged."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "charset.txt", "weights.npz"):
        shutil.copy(work_dir / name, folder)
    return folder


def damaged_arrays(path: Path) -> None:
    hostile_files.npz(path, {"a": hostile_files.npy((2,), bytes(8)), "b": b"no array"})


def arrays_of_terabytes(path: Path) -> None:
    hostile_files.npz(path, {"a": hostile_files.npy((TERABYTES // 4,), bytes(8))})


def arrays_of_a_negative_size(path: Path) -> None:
    hostile_files.npz(path, {"a": hostile_files.npy((-1, -2), bytes(8))})


def arrays_of_objects(path: Path) -> None:
    hostile_files.npz(path, {"a": hostile_files.npy((1,), bytes(8), "|O")})


def arrays_of_texts(path: Path) -> None:
    hostile_files.npz(path, {"a": hostile_files.npy((1,), bytes(8), "|V8")})


def arrays_that_unpack_to_gigabytes(path: Path) -> None:
    hostile_files.npz_of_zeros(path, 3 * 2**30)


def arrays_packed_in_another_way(path: Path) -> None:
    content = hostile_files.npy((2,), bytes(8))
    hostile_files.npz(path, {"a": content}, zipfile.ZIP_LZMA)


def arrays_with_a_header_that_nests(path: Path) -> None:
    content = hostile_files.npy((2,)).replace(b"(2,)", b"(" * 9 + b"2" + b")" * 9)
    hostile_files.npz(path, {"a": content})


def many_arrays(path: Path) -> None:
    hostile_files.npz(path, {str(index): b"" for index in range(20_001)})


DAMAGES = [
    damaged_arrays,
    arrays_of_terabytes,
    arrays_of_a_negative_size,
    arrays_of_objects,
    arrays_of_texts,
    pytest.param(arrays_that_unpack_to_gigabytes, marks=pytest.mark.slow),
    arrays_packed_in_another_way,
    arrays_with_a_header_that_nests,
    pytest.param(many_arrays, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_weights_are_refused_by_name(damage, copy):
    damage(copy / "weights.npz")
    for load in (load_trained_model, lambda folder: read_weights(folder / "weights.npz")):
        with pytest.raises(ValueError, match="weights.npz is damaged and cannot be read: ."):
            load(copy)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_language_model_is_refused_by_name(damage, tmp_path):
    path = tmp_path / "language_model.npz"
    damage(path)
    with pytest.raises(ValueError, match="Expected a language model, .*language_model.npz"):
        load_language_model(path, tiny.CHARSET)


def test_array_headers_are_checked_before_memory_is_allocated(tmp_path):
    path = hostile_files.npz_of_zeros(tmp_path / "weights.npz", 2**28)
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for read in (read_array_headers, read_arrays):
        with pytest.raises(ValueError, match=f"it would unpack to {2**28 + 128} bytes"):
            read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**26


def test_arrays_are_read_as_they_were_written(tmp_path):
    arrays = {
        "a/b": np.arange(6.0).reshape(2, 3),
        "c": np.array(3),
        "d": np.asfortranarray([[1, 2]]),
    }
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "arrays.npz", **arrays)
        read = read_arrays(tmp_path / "arrays.npz")
        assert set(read) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(read[name], array)


def write_settings(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    document = json.loads(path.read_text("utf-8"))
    for name, value in values.items():
        section, _, field = name.partition("__")
        document[section][field] = value
    path.write_text(json.dumps(document), "utf-8")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model__max_length", 10**9),
        ("model__sequence_units", 10**9),
        ("model__attention_units", 2**14),
        ("model__decoder_units", 2**14),
        ("model__embedding_units", 2**14),
        ("model__encoder_width", 1e9),
        ("model__encoder_width", float("inf")),
        ("model__encoder_width", 64.0),
        ("model__encoder_depth", 1e9),
        ("model__sequence_layers", 10**9),
        ("model__encoder_width", 10**400),
        ("decoder__decoder_layers", 10**9),
        ("decoder__location_kernel", 10**9 + 1),
        ("decoding__beam_width", 10**9),
        ("image__image_height", 16 * 10**9),
        ("image__max_image_width", 16 * 10**9),
        ("image__num_views", 10**9),
    ],
)
def test_absurd_settings_are_refused_by_name(name, value, copy):
    write_settings(copy, **{name: value})
    with pytest.raises(ValueError, match="config.json"):
        load_trained_model(copy)


def test_settings_that_nest_deep_are_refused_by_name(copy):
    (copy / "config.json").write_text("[" * 100_000, "utf-8")
    with pytest.raises(ValueError, match="config.json"):
        load_trained_model(copy)


@pytest.mark.parametrize(
    ("name", "load"), [("config.json", Config.load), ("charset.txt", Charset.load)]
)
def test_a_text_of_a_model_that_has_no_end_is_refused_by_name(name, load, copy):
    with (copy / name).open("wb") as file:
        file.truncate(MAX_TEXT_BYTES + 1)
    with pytest.raises(ValueError, match=f"{name} may have {MAX_TEXT_BYTES} bytes at most"):
        load(copy)


def test_a_charset_of_another_size_is_refused_before_a_network_is_built(copy):
    characters = [chr(number) for number in range(0x4E00, 0x4E00 + 5000)]
    (copy / "charset.txt").write_text("\n".join(characters), "utf-8")
    with pytest.raises(ValueError, match="charset.txt belongs to another network than weights.npz"):
        load_trained_model(copy)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sizes", 10**9),
        ("sizes", -1),
        ("symbols", 10**6),
        ("targets", 10**6),
        ("shorter", 10**6),
        ("start", -5),
    ],
)
def test_a_language_model_whose_numbers_are_wrong_is_refused_by_name(name, value, tmp_path):
    arrays = dict(train_ngram(["abc", "cab", "bca"] * 5, order=3))
    changed = np.array(arrays[name], np.int64)
    changed[... if changed.ndim == 0 else -1] = value
    path = tmp_path / "language_model.npz"
    save_language_model(arrays | {name: changed}, path)
    with pytest.raises(ValueError, match=f"language_model.npz, its `{name}`"):
        load_language_model(path, tiny.CHARSET)


def test_contexts_that_lead_in_a_circle_are_refused(tmp_path):
    arrays = dict(train_ngram(["abc", "cab", "bca"] * 5, order=3))
    arrays["shorter"] = np.arange(len(arrays["shorter"]))
    save_language_model(arrays, tmp_path / "language_model.npz")
    with pytest.raises(ValueError, match="its `shorter` are out of range"):
        load_language_model(tmp_path / "language_model.npz", tiny.CHARSET)


def test_a_warm_up_record_of_terabytes_is_refused(tmp_path):
    path = tmp_path / WARMUP_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(hostile_files.record(TERABYTES, b"abc"))
    with pytest.raises(ValueError, match=f"{path.name} is damaged.*declares {TERABYTES} bytes"):
        list(read_warmup(tmp_path))


def test_a_record_of_terabytes_is_refused_and_does_not_end_the_process(tmp_path):
    path = tmp_path / "words.tfrecord"
    path.write_bytes(hostile_files.record(TERABYTES, b"abc"))
    with pytest.raises(ValueError, match="words.tfrecord is not a record file: record 0 declares"):
        open_source(str(path))


def test_a_line_without_an_end_is_refused_by_number(tmp_path):
    path = tmp_path / "labels.tsv"
    with path.open("wb") as file:
        file.write(b"a.png\ta\n")
        file.truncate(2 * MAX_LINE_BYTES)
    with pytest.raises(
        ValueError, match=f"labels.tsv, line 2: expected less than {MAX_LINE_BYTES}"
    ):
        list(read_lines(str(path)))

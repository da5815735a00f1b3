"""Damaged and hostile model files are refused before they take memory."""

import io
import zipfile

import numpy as np
import pytest

from attention_ocr.io import bounded_read
from attention_ocr.io.bounded_read import read_array_headers, read_arrays, read_bounded


def entry(array, version=(1, 0)):
    content = io.BytesIO()
    np.lib.format.write_array(content, array, version=version, allow_pickle=True)
    return content.getvalue()


def archive(path, compression=zipfile.ZIP_STORED, **contents):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in contents.items():
            file.writestr(f"{name}.npy", content)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.npz"


def test_a_file_is_read_up_to_its_limit(tmp_path):
    file = tmp_path / "config.json"
    file.write_bytes(b"12345")
    assert read_bounded(file, 5) == b"12345"
    with pytest.raises(ValueError, match=r"config.json may have 4 bytes at most"):
        read_bounded(file, 4)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_headers_tell_shape_and_type_without_the_arrays(path, compression, version):
    values = {"a": np.ones((2, 3), np.float32), "b": np.array(5, np.int64), "c": np.zeros((0, 4))}
    archive(path, compression, **{name: entry(value, version) for name, value in values.items()})
    headers = read_array_headers(path)
    assert {name: header.shape for name, header in headers.items()} == {
        "a": (2, 3),
        "b": (),
        "c": (0, 4),
    }
    assert headers["a"].dtype == np.float32
    for name, value in read_arrays(path).items():
        np.testing.assert_array_equal(value, values[name])


def announcing(shape, held=b""):
    content = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, header)
    return content.getvalue() + held


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (announcing((2**40,)), "`a.npy` declares 4398046511104 bytes and holds 0"),
        (announcing((2,), b"1234"), "`a.npy` declares 8 bytes and holds 4"),
        (announcing((1,), b"12345678"), "`a.npy` declares 4 bytes and holds 8"),
        (announcing((-1, -1), b"1234"), "`a.npy` declares 4 bytes and holds 4"),
        (b"", "`a.npy` is not an array"),
        (b"no array at all", "`a.npy` is not an array"),
        (entry(np.ones(2))[:20], "`a.npy` is not an array"),
        (entry(np.ones(2), (3, 0)), "`a.npy` is not an array: unsupported format version"),
        (entry(np.array([{}], object)), "`a.npy` holds values of type object"),
        (entry(np.array(["text"])), "`a.npy` holds values of type <U4"),
        (entry(np.ones(2, np.complex64)), "`a.npy` holds values of type complex64"),
    ],
)
def test_an_entry_that_is_no_array_of_numbers_is_named(path, content, message):
    archive(path, a=content)
    for read in (read_array_headers, read_arrays):
        with pytest.raises(ValueError, match=message):
            read(path)


def test_texts_are_read_where_they_are_allowed(path):
    archive(path, a=entry(np.array(["text"])))
    assert read_arrays(path, "U")["a"].tolist() == ["text"]


def test_a_file_that_unpacks_to_gigabytes_is_refused(path):
    archive(path, zipfile.ZIP_DEFLATED, a=entry(np.zeros(2**25, np.float32)))
    assert path.stat().st_size < 2**20
    with pytest.raises(ValueError, match="it would unpack to 134217856 bytes"):
        read_array_headers(path)


def test_a_file_of_too_many_arrays_is_refused(path, monkeypatch):
    monkeypatch.setattr(bounded_read, "MAX_ARRAYS", 2)
    archive(path, a=b"", b=b"", c=b"")
    with pytest.raises(ValueError, match="it has 3 entries, the limit is 2"):
        read_array_headers(path)


def test_a_compression_that_numpy_does_not_write_is_refused(path):
    archive(path, zipfile.ZIP_LZMA, a=entry(np.ones(2)))
    with pytest.raises(ValueError, match="`a.npy` uses a compression that NumPy does not write"):
        read_array_headers(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all"])
def test_a_file_that_is_no_archive_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a zip file"):
        read_arrays(path)


def test_changed_bytes_of_an_array_are_found(path):
    archive(path, a=entry(np.arange(100.0)))
    content = bytearray(path.read_bytes())
    content[400] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="CRC"):
        read_arrays(path)


def test_a_missing_file_stays_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none.npz")

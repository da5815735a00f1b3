"""Text files of any origin, and stores that fail now and then."""

import io
import uuid

import pytest

from attention_ocr.data import storage
from attention_ocr.data.storage import (
    MAX_LINE_BYTES,
    decoded_lines,
    exists,
    first_line_of_text,
    is_folder,
    is_remote,
    list_files,
    read_file,
    read_lines,
)


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "list.txt"
        path.write_bytes(content)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("path", "remote"),
    [("s3://b/a", True), ("gs://b", True), ("a+b://x", True), ("C://a", False), ("a/b", False)],
)
def test_a_path_is_remote_by_its_scheme(path, remote):
    assert is_remote(path) == remote


@pytest.mark.parametrize(
    ("content", "encoding", "lines"),
    [
        (b"a\r\n\n\nb", "", [(1, "a"), (4, "b")]),
        (b"a\rb\n", "", [(1, "a\rb")]),
        ("a\u2028b\x0bc\n".encode(), "", [(1, "a\u2028b\x0bc")]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", "", [(1, "a"), (2, "b")]),
        ("é\nß\n".encode("utf-16"), "", [(1, "é"), (2, "ß")]),
        ("\ufeffé\r\nß".encode("utf-32-be"), "", [(1, "é"), (2, "ß")]),
        ("é\nß".encode("utf-16-le"), "utf-16-le", [(1, "é"), (2, "ß")]),
        (b"\xe9\n", "latin-1", [(1, "é")]),
        (b"\xef\xbb\xbfa\n", "latin-1", [(1, "ï»¿a")]),
        (b"", "", []),
        (b"\n\r\n", "", []),
    ],
)
def test_the_lines_of_a_file_are_numbered_and_decoded(write, content, encoding, lines):
    assert list(read_lines(write(content), encoding)) == lines


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (b"a\n\xe9\n", "", r"line 2: expected UTF-8. Received: byte 0xe9; convert the file"),
        (b"a\n\xe9\n", "ascii", r"line 2: expected ASCII. Received: byte 0xe9$"),
        (b"\xff\xfea\0\n\0\0\xd8", "", "line 2: expected UTF-16. Received: byte 0x00"),
        (b"a\0b\0\n\0", "", "line 1: expected text. Received: a NUL character"),
        (b"a\n", "utf-9", "Expected a text encoding, .*Received: 'utf-9'"),
        (b"a\n", "base64", "Expected a text encoding, .*Received: 'base64'"),
    ],
)
def test_a_line_that_is_not_in_the_encoding_is_named(write, content, encoding, message):
    path = write(content)
    with pytest.raises(ValueError, match=message):
        list(decoded_lines(path, encoding))


def test_a_file_without_line_feeds_is_not_read_into_memory(write):
    path = write(b"a\n" + b"x" * (2 * MAX_LINE_BYTES))
    lines = read_lines(path)
    with pytest.raises(ValueError, match=f"line 2: expected less than {MAX_LINE_BYTES} bytes"):
        list(lines)
    longest = write(b"x" * (MAX_LINE_BYTES - 2**16))
    assert len(next(read_lines(longest))[1]) == MAX_LINE_BYTES - 2**16


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\r\n\na b\nc", "a b"),
        (b"\xef\xbb\xbfa\n", "a"),
        ("é\n".encode("utf-16"), "é"),
        (b"\xe9\n", "\ufffd"),
        (b"a\x1b[0m\n", "a\x1b[0m"),
        (b"", ""),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"a\0", None),
    ],
)
def test_the_first_line_tells_texts_from_other_files(write, content, line):
    assert first_line_of_text(write(content)) == line


def test_local_files_need_no_store(write, tmp_path):
    path = write(b"abc")
    assert (exists(path), is_folder(path), is_folder(str(tmp_path))) == (True, False, True)
    assert read_file(path) == b"abc"
    with pytest.raises(FileNotFoundError):
        read_file(str(tmp_path / "none"))


@pytest.fixture
def store():
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    folder = f"/{uuid.uuid4().hex}"
    memory.pipe_file(f"{folder}/b/word.png", b"image")
    memory.pipe_file(f"{folder}/a.txt", b"text")
    yield f"memory:/{folder}"
    memory.rm(folder, recursive=True)


def test_files_of_a_store_are_listed_and_read(store):
    assert exists(f"{store}/a.txt")
    assert not exists(f"{store}/none")
    assert is_folder(f"{store}/b")
    assert read_file(f"{store}/a.txt") == b"text"
    assert [name.rpartition("/")[2] for name in list_files(store)] == ["a.txt", "word.png"]
    with pytest.raises(FileNotFoundError, match="No such file: memory://.*none"):
        read_file(f"{store}/none")


@pytest.mark.parametrize("num_failures", [1, 3, 4])
def test_a_store_that_fails_is_asked_again_and_at_last_named(store, monkeypatch, num_failures):
    monkeypatch.setattr(storage, "_RETRY_PAUSES_S", (0.0, 0.0, 0.0))
    failures = iter(range(num_failures))

    def open_or_fail(_):
        if next(failures, None) is not None:
            raise OSError("connection reset\nby peer")
        return io.BytesIO(b"text")

    monkeypatch.setattr(storage, "open_binary", open_or_fail)
    if num_failures < 4:
        assert read_file(f"{store}/a.txt") == b"text"
        return
    with pytest.raises(OSError, match="^cannot be read: connection reset$"):
        read_file(f"{store}/a.txt")


def test_a_scheme_that_nothing_reads_is_refused():
    pytest.importorskip("fsspec")
    with pytest.raises(ValueError, match="fsspec can read. Received: carrier-pigeon://loft/a"):
        exists("carrier-pigeon://loft/a")

"""Text files of any origin, and stores that fail now and then."""

import ntpath
import os
import posixpath
import random
import uuid

import pytest

from attention_ocr.data import storage
from attention_ocr.data.storage import (
    MAX_LINE_BYTES,
    StoreError,
    decoded_lines,
    exists,
    explaining_store,
    first_line_of_text,
    folder_of,
    is_folder,
    is_remote,
    list_files,
    match_files,
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
    ("path", "on_posix", "on_windows"),
    [
        ("a/b.tsv", "a", "a"),
        ("b.tsv", "", ""),
        ("/b.tsv", "/", "/"),
        ("a\\b.tsv", "", "a"),
        ("a/b\\c.tsv", "a", "a/b"),
        ("C:\\a\\b.tsv", "", "C:\\a"),
        ("gs://a/b\\c.tsv", "gs://a", "gs://a"),
    ],
)
def test_the_folder_of_a_file_ends_where_the_system_separates(
    path, on_posix, on_windows, monkeypatch
):
    for flavour, expected in ((posixpath, on_posix), (ntpath, on_windows)):
        monkeypatch.setattr(os.path, "dirname", flavour.dirname)
        assert folder_of(path) == expected


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

    class Failing:
        def cat_file(self, _):
            # Not an `OSError`: stores have errors of their own.
            if next(failures, None) is not None:
                raise RuntimeError("connection reset\nby peer")
            return b"text"

    monkeypatch.setattr(storage, "file_system", lambda _: Failing())
    if num_failures < 4:
        assert read_file(f"{store}/a.txt") == b"text"
        return
    with pytest.raises(StoreError, match="memory://.*a.txt cannot be read: connection reset$"):
        read_file(f"{store}/a.txt")


@pytest.fixture
def address():
    pytest.importorskip("fsspec")
    from tests.bucket_store import bucket

    with bucket() as address:
        yield address


def test_errors_of_any_class_are_errors_of_the_store_that_name_the_file(address, monkeypatch):
    from tests.bucket_store import BucketStore

    monkeypatch.setattr(BucketStore, "failure", Exception("Unable to locate credentials"))
    monkeypatch.setattr(storage, "_RETRY_PAUSES_S", ())
    path = f"{address}/a.txt"
    for ask in (exists, is_folder, storage.state_of, storage.open_binary, read_file, match_files):
        with pytest.raises(StoreError, match=f"{path} cannot be .*: Unable to locate credentials"):
            ask(path)
    with pytest.raises(StoreError, match=f"{address}/a cannot be listed: Unable to locate"):
        list(list_files(f"{address}/a"))


def test_a_store_that_refuses_is_not_asked_again(address, monkeypatch):
    from tests.bucket_store import BucketStore

    monkeypatch.setattr(BucketStore, "failure", PermissionError("Access Denied"))
    monkeypatch.setattr(storage.time, "sleep", lambda _: pytest.fail("asked again"))
    with pytest.raises(StoreError, match=r"a.txt cannot be read: Access Denied$"):
        read_file(f"{address}/a.txt")


def test_a_missing_bucket_is_named_as_the_reason(address):
    pattern = r"No such file: bucket://none/a.txt \(The specified bucket does not exist\)$"
    for ask in (storage.open_binary, read_file, storage.state_of):
        with pytest.raises(FileNotFoundError, match=pattern):
            ask("bucket://none/a.txt")
    with pytest.raises(FileNotFoundError, match="there is no bucket none"):
        storage.check_bucket("bucket://none/*.tfrecord")
    storage.check_bucket(f"{address}/*.tfrecord")
    with pytest.raises(FileNotFoundError, match=f"No such file: {address}/a.txt$"):
        read_file(f"{address}/a.txt")


def test_a_small_file_is_read_with_one_request(address):
    from tests.bucket_store import BucketStore

    BucketStore.objects[f"{address.removeprefix('bucket://')}/a.txt"] = b"text"
    before = BucketStore.num_requests
    assert read_file(f"{address}/a.txt") == b"text"
    assert BucketStore.num_requests == before + 1


def test_files_are_matched_and_a_changed_one_has_another_state(store, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    matched = match_files(f"{store}/*.txt")
    assert [read_file(path) for path in matched] == [b"text"]
    assert match_files(f"{store}/*.png") == []
    before = storage.state_of(f"{store}/a.txt")
    assert before == storage.state_of(f"{store}/a.txt")
    assert before[0] == 4
    fsspec.filesystem("memory").pipe_file(f"{store}/a.txt", b"next")
    assert storage.state_of(f"{store}/a.txt") != before
    (tmp_path / "b.txt").write_text("12345")
    assert match_files(f"{tmp_path}/*.txt") == [f"{tmp_path}/b.txt"]
    assert storage.state_of(f"{tmp_path}/b.txt")[0] == 5


def test_a_file_in_a_folder_named_like_a_pattern_is_itself(store, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe_file(f"{store}/[a]/x.txt", b"text")
    assert match_files(f"{store}/[a]/x.txt") == match_files(f"{store}/*/x.txt") != []
    (tmp_path / "[a]").mkdir()
    (tmp_path / "[a]" / "b.txt").write_text("text")
    assert match_files(f"{tmp_path}/[a]/b.txt") == [f"{tmp_path}/[a]/b.txt"]
    assert match_files(f"{tmp_path}/[a]") == []


def test_a_folder_without_files_is_an_error(store):
    with pytest.raises(FileNotFoundError, match="No such file: memory://.*/none"):
        list(list_files(f"{store}/none"))


def test_a_scheme_that_nothing_reads_is_refused():
    pytest.importorskip("fsspec")
    with pytest.raises(ValueError, match="fsspec can read. Received: carrier-pigeon://loft/a"):
        exists("carrier-pigeon://loft/a")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_lines_of_random_characters_come_back_in_every_encoding(write, encoding, line_end):
    rng = random.Random(1)
    alphabet = ["a", "é", "東", "\U0001f600", " ", "\t", "\u2028", "\x0b", "\x85", ""]
    # A carriage return at the end of a line belongs to its end.
    lines = ["x" + "".join(rng.choices(alphabet, k=9)) for _ in range(300)]
    path = write(line_end.join(lines).encode(encoding))
    told = encoding if encoding.endswith("be") else ""
    assert list(read_lines(path, told)) == list(enumerate(lines, start=1))
    assert "".join(line for _, line in decoded_lines(path, told)) == line_end.join(lines)


def test_a_character_on_the_border_of_two_blocks_is_whole(write):
    # Files are read in blocks of 64 KiB: a character of three bytes lies across each border.
    text = "東" * 65_536
    (line,) = read_lines(write(text.encode()))
    assert line == (1, text)


@pytest.mark.parametrize("error", [ValueError("a"), ImportError("b"), StoreError("c")])
def test_errors_that_name_their_cause_already_pass_unchanged(error):
    with pytest.raises(type(error)) as caught, explaining_store("s3://bucket/a"):
        raise error
    assert caught.value is error


def test_errors_of_local_files_stay_as_they_are():
    error = RuntimeError("no disk")
    with pytest.raises(RuntimeError) as caught, explaining_store("folder/a"):
        raise error
    assert caught.value is error


class NotFoundError(Exception):
    """Raised by TensorFlow, whose exceptions hold their message apart."""

    message = "Object does not exist"


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (RuntimeError(), StoreError, "s3://bucket/a cannot be listed: RuntimeError$"),
        (RuntimeError("one\ntwo"), StoreError, "s3://bucket/a cannot be listed: one$"),
        (PermissionError("denied"), StoreError, "s3://bucket/a cannot be listed: denied$"),
        (NotFoundError(), FileNotFoundError, "^No such file: s3://bucket/a$"),
        (FileNotFoundError(), FileNotFoundError, "^No such file: s3://bucket/a$"),
        (FileNotFoundError("bucket/a"), FileNotFoundError, "^No such file: s3://bucket/a$"),
        (FileNotFoundError("no bucket"), FileNotFoundError, r"a \(no bucket\)$"),
    ],
)
def test_errors_of_a_store_say_what_could_not_be_done(error, expected, message):
    with (
        pytest.raises(expected, match=message) as caught,
        explaining_store("s3://bucket/a", "listed"),
    ):
        raise error
    assert caught.value.__cause__ is error
    # A missing file must not end a job, as a store that fails does.
    assert isinstance(caught.value, StoreError) == (expected is StoreError)

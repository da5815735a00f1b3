"""A record that declares more bytes than its file has is found before memory is allocated."""

import struct

import pytest

from attention_ocr.data.record_lengths import check_record_lengths


def record(content: bytes, length: int | None = None) -> bytes:
    """Return a record of a TFRecord file, with a wrong length if one is given."""
    declared = len(content) if length is None else length
    return struct.pack("<QI", declared, 0) + content + struct.pack("<I", 0)


@pytest.fixture
def write(tmp_path):
    def write(*records: bytes):
        path = tmp_path / "words.tfrecord"
        path.write_bytes(b"".join(records))
        return path

    return write


@pytest.mark.parametrize("contents", [[], [b""], [b"a"], [b"a" * 1000, b"", b"b" * 7]])
def test_whole_files_pass(write, contents):
    check_record_lengths(write(*map(record, contents)))


@pytest.mark.parametrize("length", [5, 2**31, 2**63, 2**64 - 1])
@pytest.mark.parametrize("place", [0, 2])
def test_a_record_beyond_the_end_of_the_file_is_named(write, length, place):
    records = [record(b"abcd"), record(b"abcd"), record(b"abcd")]
    records[place:] = [record(b"abcd", length)]
    with pytest.raises(ValueError, match=f"^record {place} declares {length} bytes, and the file"):
        check_record_lengths(write(*records))


def test_a_file_that_was_cut_is_found_by_its_last_record(write):
    whole = record(b"abcd") + record(b"abcdef")
    for missing in range(1, 6 + 4):
        with pytest.raises(ValueError, match="record 1 declares 6 bytes"):
            check_record_lengths(write(whole[:-missing]))


def test_only_the_first_records_are_checked_if_asked(write):
    path = write(record(b"abcd"), record(b"abcd"), record(b"", 99))
    check_record_lengths(path, max_records=2)
    check_record_lengths(path, max_records=0)
    with pytest.raises(ValueError, match="record 2 declares 99 bytes"):
        check_record_lengths(path, max_records=3)


def test_a_missing_file_stays_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        check_record_lengths(tmp_path / "none.tfrecord")

import functools

import pytest

from attention_ocr.images.headers import ImageLimits
from attention_ocr.inference import reader
from benchmarks import fuzz
from tests import image_mutations
from tests.effort import lines_run


@pytest.fixture(scope="module")
def files():
    return image_mutations.files_to_change()


def test_the_same_seed_changes_images_alike(files):
    first, again, other = (list(fuzz.mutations(files, 20, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(set(first)) > 15


def test_no_header_is_an_error_or_takes_long(files):
    limits = ImageLimits()
    most_lines = 0
    reasons = set()
    for content in fuzz.mutations(files, 3000, seed=3):
        (reason, pixels), lines = lines_run(functools.partial(limits.judge, content))
        most_lines = max(most_lines, lines)
        assert (reason is None) or pixels == 0
        assert pixels <= limits.max_image_pixels
        reasons.add(reason is None)
    assert reasons == {True, False}
    assert most_lines < 50_000


def test_changed_images_are_read_or_not_and_leave_others_alone(export):
    row = fuzz.fuzz(str(export), 40, seed=5, max_s=10.0)
    assert row["images"] == 40
    assert row["read"] + row["unreadable"] + row["refused"] == 40
    assert min(row["read"], row["unreadable"], row["refused"]) > 0
    assert 0.0 < row["slowest image"] <= 10_000
    assert 0.0 < row["slowest batch"] < 300_000
    assert 0 <= row["number"] < 40
    assert row["CPU ms"] > 0.0


class Scripted:
    """Reads in a file its first byte; one that begins with `!` changes the row after it."""

    def read(self, files, batch_size=32):
        assert len(files) <= batch_size
        texts = [file[:1].hex() for file in files]
        for index, file in enumerate(files):
            if file.startswith(b"!"):
                texts[index + 1] = "changed"
        return [fuzz.Reading(text, 1.0, (), None, (1.0, 1.0)) for text in texts]


def test_an_image_that_changes_a_row_beside_it_is_named():
    fuzzer = fuzz.Fuzzer(Scripted(), max_s=10.0)
    assert [reading.text for reading in fuzzer.read([b"a", b"b"])] == ["61", "62"]
    with pytest.raises(fuzz.BadImageError, match="changed a reference reading") as error:
        fuzzer.read([b"a", b"b", b"!"])
    assert error.value.index == 2


def test_memory_that_grows_is_an_error(monkeypatch):
    monkeypatch.setattr(reader, "load", lambda _: Scripted())
    sizes = iter([100.0, 120.0, 180.0, 200.0, 400.0])
    monkeypatch.setattr(fuzz.measure, "resident_mb", lambda: next(sizes))
    with pytest.raises(ValueError, match="Memory grew from 100 to 400 MB"):
        fuzz.fuzz(None, 150, seed=5, max_s=10.0, max_growth_mb=250.0)


def test_an_image_that_takes_long_is_named(export):
    with pytest.raises(ValueError, match=r"Image \d+ of seed 5 took .* CPU s"):
        fuzz.fuzz(str(export), 20, seed=5, max_s=0.0)

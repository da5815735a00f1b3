import time

import pytest

from attention_ocr.image_headers import ImageLimits
from benchmarks import fuzz


@pytest.fixture(scope="module")
def files():
    return fuzz.files_to_change()


def test_the_same_seed_changes_images_alike(files):
    first, again, other = (list(fuzz.mutations(files, 20, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(set(first)) > 15


def test_no_header_is_an_error_or_takes_long(files):
    limits = ImageLimits()
    slowest_s = 0.0
    reasons = set()
    for content in fuzz.mutations(files, 3000, seed=3):
        start_s = time.perf_counter()
        reason, pixels = limits.judge(content)
        slowest_s = max(slowest_s, time.perf_counter() - start_s)
        assert (reason is None) or pixels == 0
        assert pixels <= limits.max_image_pixels
        reasons.add(reason is None)
    assert reasons == {True, False}
    assert slowest_s < 2.0


def test_changed_images_are_read_or_not_and_leave_others_alone(export):
    row = fuzz.fuzz(str(export), 40, seed=5, max_s=10.0)
    assert row["images"] == 40
    assert row["read"] + row["unreadable"] + row["refused"] == 40
    assert min(row["read"], row["unreadable"], row["refused"]) > 0
    assert 0.0 < row["slowest CPU ms"] < 10_000


def test_an_image_that_takes_long_is_named(export):
    with pytest.raises(ValueError, match=r"Image \d+ of seed 5 took .* CPU s"):
        fuzz.fuzz(str(export), 20, seed=5, max_s=0.0)

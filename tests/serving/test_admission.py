import asyncio
from pathlib import Path

import pytest

pytest.importorskip("prometheus_client")

from attention_ocr.serving.admission import Admission
from attention_ocr.serving.errors import Code, ServingError
from attention_ocr.serving.monitoring import Monitoring
from attention_ocr.serving.options import ServingOptions


def test_slots_are_taken_and_given_back():
    admission = Admission(ServingOptions(Path("m"), max_concurrent_requests=2))
    with admission.slot():
        with admission.slot():
            with pytest.raises(ServingError, match="2 requests are in flight") as caught:
                admission.slot().__enter__()
            assert caught.value.http_status == 429
        with admission.slot():
            pass


def test_a_request_that_fails_gives_its_slot_back():
    admission = Admission(ServingOptions(Path("m"), max_concurrent_requests=1))
    for _ in range(3):
        with pytest.raises(RuntimeError, match="broken"), admission.slot():
            raise RuntimeError("broken")
    with admission.slot():
        pass


def lines(monitoring, start):
    text = monitoring.text().decode()
    return [line for line in text.splitlines() if line.startswith(f"attention_ocr_{start}")]


def answer(monitoring, error=None, code=None):
    with monitoring.request("REST", "predict") as outcome:
        if code is not None:
            outcome.code = code
        if error is not None:
            raise error


@pytest.mark.parametrize(
    ("error", "code", "counted"),
    [
        (None, None, "OK"),
        (None, Code.NOT_FOUND, "NOT_FOUND"),
        (RuntimeError(), None, "INTERNAL"),
        (RuntimeError(), Code.UNAVAILABLE, "UNAVAILABLE"),
        (asyncio.CancelledError(), None, "CANCELLED"),
        (asyncio.CancelledError(), Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
    ],
)
def test_every_request_is_counted_once_by_its_outcome(error, code, counted):
    monitoring = Monitoring()
    if error is None:
        answer(monitoring, code=code)
    else:
        with pytest.raises(type(error)):
            answer(monitoring, error, code)
    (line,) = lines(monitoring, "requests_total")
    assert f'code="{counted}"' in line
    assert line.endswith(" 1.0")
    (count,) = lines(monitoring, "request_seconds_count")
    assert count.endswith(" 1.0")


def test_batches_and_the_queue_are_seen_when_they_are_asked_for():
    monitoring, other = Monitoring(), Monitoring()
    queue = [1, 2, 3]
    monitoring.watch_queue(lambda: len(queue))
    for size in (1, 3, 200):
        monitoring.observe_batch(size)
    queue.pop()
    assert lines(monitoring, "queued_images") == ["attention_ocr_queued_images 2.0"]
    assert lines(monitoring, "batch_size_sum") == ["attention_ocr_batch_size_sum 204.0"]
    assert 'attention_ocr_batch_size_bucket{le="4.0"} 2.0' in lines(monitoring, "batch_size_bucket")
    # Servers of one process count for themselves.
    assert lines(other, "batch_size_sum") == ["attention_ocr_batch_size_sum 0.0"]

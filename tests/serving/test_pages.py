"""The endpoint for whole pages."""

import asyncio
import http.client
import io
import json
import threading

import numpy as np
import pytest
from PIL import Image

from attention_ocr.images.documents import Document
from attention_ocr.pages.page_reader import PageReader
from attention_ocr.serving.options import ServingOptions
from attention_ocr.serving.pages import PageService
from attention_ocr.serving.rest_api import METRICS_PATH
from tests.pages.rendered import LINES, page
from tests.pages.scripted import BandDetector
from tests.serving import tiny_server

PATH = f"/v1/models/{tiny_server.NAME}:readPages"
DETECTOR = "tests.pages.scripted:FailingDetector"


def file_of(texts, image_format="TIFF") -> bytes:
    images = [Image.fromarray(page((text,))) for text in texts]
    stream = io.BytesIO()
    images[0].save(stream, image_format, save_all=True, append_images=images[1:])
    return stream.getvalue()


@pytest.fixture(scope="module")
def paged(export):
    """A server that reads pages, of which the second of each file fails."""
    options = {"page_detector": DETECTOR, "max_request_pages": 3, "max_request_bytes": 2**22}
    with tiny_server.running(export.parent, **options) as server:
        yield server


def ask(server, body, path=PATH, verb="POST"):
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_api_port, timeout=60)
    connection.request(verb, path, body)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content) if path != METRICS_PATH else content.decode()


def test_the_pages_of_a_file_are_read_like_in_python(paged, reader):
    status, answer = ask(paged, file_of(LINES[:3]))
    assert status == 200
    expected = PageReader(reader, BandDetector())
    assert [one["number"] for one in answer["pages"]] == [1, 2, 3]
    for number in (0, 2):
        wanted = expected.read(page((LINES[number],))).to_record()
        assert answer["pages"][number]["error"] is None
        found = answer["pages"][number]["lines"]
        assert [line["text"] for line in found] == [line["text"] for line in wanted["lines"]]
        boxes = [line["polygon"] for line in found]
        np.testing.assert_allclose(boxes, [line["polygon"] for line in wanted["lines"]])
    assert answer["pages"][1]["lines"] == []
    assert answer["pages"][1]["error"] == "no lines found: the network is out of memory"


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"no page", 400, "nor a PDF"),
        (file_of(LINES[:1] * 4), 400, "Expected at most 3 pages. Received: 4"),
        (b"0" * (2**22 + 1), 413, "Expected a body of at most"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_status_of_other_requests(
    paged, body, status, reason
):
    found, answer = ask(paged, body)
    assert found == status
    assert reason in answer["error"]


def test_requests_for_pages_are_counted(paged):
    ask(paged, file_of(LINES[:1]))
    _, metrics = ask(paged, b"", METRICS_PATH, "GET")
    assert 'readPages"' in metrics


def test_a_server_without_a_detector_says_how_to_get_one(server):
    status, answer = ask(server, file_of(LINES[:1]))
    assert status == 501
    assert "--page_detector=rapidocr" in answer["error"]


def test_a_server_does_not_start_with_an_unknown_detector(export):
    with (
        pytest.raises(ValueError, match="`detector` must be"),
        tiny_server.running(export.parent, page_detector="none"),
    ):
        pass


class _SlowlyOpened(Document):
    """A document that is open only when it is told to be; notes which thread closes it."""

    def __init__(self):
        self.is_opening, self.may_open = threading.Event(), threading.Event()
        self.closed_by = []

    def open(self, _):
        self.is_opening.set()
        self.may_open.wait()
        return self

    num_pages = 1

    def page(self, number):
        raise AssertionError(number)

    def close(self):
        self.closed_by.append(threading.current_thread().name)


def test_a_document_is_closed_if_its_client_disconnects_while_it_is_opened(monkeypatch):
    document = _SlowlyOpened()
    monkeypatch.setattr(PageService, "_reader", lambda *_: document)
    service = PageService(ServingOptions(model_base_path="none", page_detector=DETECTOR))

    async def disconnect():
        request = asyncio.create_task(service.read(None, b"document"))
        await asyncio.to_thread(document.is_opening.wait)
        request.cancel()
        await asyncio.wait([request])
        document.may_open.set()
        assert request.cancelled()
        # What was submitted before is done when the worker answers.
        await service._call(lambda: None)

    asyncio.run(disconnect())
    service.close()
    assert [name.partition("_")[0] for name in document.closed_by] == ["pages"]

import numpy as np
import pytest

from attention_ocr.serving.clients import GrpcClient
from tests import tiny_model
from tests.hostile_images import ANY, READ, hostile_images
from tests.serving import tiny_server

GOOD = tiny_model.files(2)


@pytest.fixture(scope="module")
def corpus():
    return hostile_images()


@pytest.fixture(scope="module")
def client(export):
    with tiny_server.running(export.parent) as server:
        made = GrpcClient(f"127.0.0.1:{server.port}", tiny_server.NAME)
        yield made
        made.close()


def rows_of(outputs):
    texts = [text.decode("utf-8") for text in outputs["text"]]
    statuses = [status.decode("utf-8") for status in outputs["status"]]
    return list(zip(texts, statuses, outputs["confidence"], strict=True))


def test_each_hostile_image_has_its_own_status_and_changes_no_other_row(corpus, client):
    expected = rows_of(client.predict(GOOD))
    assert [status for _, status, _ in expected] == [READ, READ]
    items = list(corpus.items())
    for start in range(0, len(items), 20):
        part = items[start : start + 20]
        files = [GOOD[0], *(image.content for _, image in part), GOOD[1]]
        rows = rows_of(client.predict(files))
        for (text, status, confidence), good in zip((rows[0], rows[-1]), expected, strict=True):
            assert (text, status) == good[:2]
            np.testing.assert_allclose(confidence, good[2], rtol=1e-3)
        for (name, image), (text, status, confidence) in zip(part, rows[1:-1], strict=True):
            assert image.status in status, name
            if image.status not in (READ, ANY):
                assert (text, confidence) == ("", 0.0), name


def test_the_corpus_holds_what_it_says(corpus):
    assert len(corpus) > 50
    assert sum(len(image.content) for image in corpus.values()) < 20e6
    assert {READ, "unreadable image", "the limit is"} <= {image.status for image in corpus.values()}

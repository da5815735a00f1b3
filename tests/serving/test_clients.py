import numpy as np
import pytest

from attention_ocr.serving.clients import GrpcClient, RequestFailedError, RestClient
from tests.serving import tiny_server


def test_images_are_read(client):
    outputs = client.predict([b"abc", b"", b"\xff\x00" * 500])
    assert outputs["text"].tolist() == [b"3", b"0", b"1000"]
    assert outputs["status"].tolist() == [b"ok", b"unreadable image", b"ok"]
    np.testing.assert_allclose(outputs["confidence"], [0.003, 0.0, 1.0])
    assert outputs["confidence"].dtype == np.float32
    assert outputs["character_confidences"].shape == (3, 4)


def test_by_grpc_only_some_outputs_may_be_asked_for(server):
    client = GrpcClient(f"127.0.0.1:{server.port}", tiny_server.NAME)
    assert set(client.predict([b"abc"], outputs=["text", "status"])) == {"text", "status"}
    client.close()


def test_images_are_classified(client):
    (first, second) = client.classify([b"ab", b""])
    assert [label for label, _ in first] == ["2", "ok"]
    assert first[0][1] == pytest.approx(0.002)
    assert second == [("0", 0.0), ("unreadable image", 0.0)]


def test_the_versions_tell_how_they_are(client):
    assert client.status() == {3: "AVAILABLE"}


def test_the_signatures_are_those_of_the_model(client):
    signatures = client.signatures()
    assert {"serving_default", "classify", "darkness"} <= set(signatures)
    assert signatures["serving_default"]["inputs"] == {"images": "DT_STRING"}
    assert signatures["classify"]["outputs"] == {"classes": "DT_STRING", "scores": "DT_FLOAT"}
    assert signatures["darkness"]["inputs"] == {"pixels": "DT_UINT8", "inverted": "DT_BOOL"}


def test_a_signature_that_is_not_there_is_named(client):
    with pytest.raises(RequestFailedError, match="'other' not found. Available:") as error:
        client.predict([b"a"], "other")
    assert error.value.status in ("INVALID_ARGUMENT", "400")


def test_what_does_not_classify_is_refused(client):
    with pytest.raises(RequestFailedError, match="Was: tensorflow/serving/predict"):
        client.classify([b"a"], "serving_default")


@pytest.mark.parametrize(("name", "version"), [("other", None), (tiny_server.NAME, 7)])
def test_a_model_or_version_that_is_not_served_is_not_found(server, name, version):
    clients = [
        GrpcClient(f"127.0.0.1:{server.port}", name, version),
        RestClient(f"http://127.0.0.1:{server.rest_api_port}/", name, version),
    ]
    for client in clients:
        for ask in (lambda c: c.predict([b"a"]), lambda c: c.status(), lambda c: c.signatures()):
            with pytest.raises(RequestFailedError, match="Servable not found") as error:
                ask(client)
            assert error.value.status in ("NOT_FOUND", "404")
        client.close()


def test_a_version_is_asked_for_by_its_number(server):
    client = RestClient(f"127.0.0.1:{server.rest_api_port}", tiny_server.NAME, 3)
    assert client.predict([b"ab"])["text"].tolist() == [b"2"]
    client.close()


@pytest.mark.parametrize("make", [GrpcClient, RestClient])
def test_a_server_that_is_not_there_is_named(make):
    client = make("127.0.0.1:9", tiny_server.NAME, timeout_s=5.0)
    with pytest.raises(RequestFailedError, match="refused") as error:
        client.predict([b"a"])
    assert error.value.status == "UNAVAILABLE"
    assert "\n" not in str(error.value)
    client.close()

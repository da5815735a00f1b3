import base64
import http.client
import json
import math

import pytest
import tensorflow as tf

from attention_ocr.serving.rest_api import METRICS_PATH
from tests.serving import tiny_server

PREDICT = f"/v1/models/{tiny_server.NAME}:predict"
CLASSIFY = f"/v1/models/{tiny_server.NAME}:classify"


@pytest.fixture(scope="module")
def ask(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_api_port, timeout=30)

    def send(verb, path, body=None, raw=None):
        content = raw if body is None else json.dumps(body).encode("utf-8")
        connection.request(verb, path, content)
        response = connection.getresponse()
        assert response.getheader("Content-Type").startswith("application/json")
        return response.status, json.loads(response.read())

    yield send
    connection.close()


def b64(content):
    return {"b64": base64.b64encode(content).decode("ascii")}


@pytest.mark.parametrize(
    "instances",
    [
        [b64(b"\xff\x00"), "é", ""],
        [{"images": b64(b"\xff\x00")}, {"images": "é"}, {"images": ""}],
    ],
)
def test_rows_come_back_as_rows(ask, instances):
    status, answer = ask("POST", PREDICT, {"instances": instances})
    assert status == 200
    assert set(answer) == {"predictions"}
    assert [row["text"] for row in answer["predictions"]] == ["2", "2", "0"]
    assert answer["predictions"][0] == {
        "text": "2",
        "status": "ok",
        # The shortest number that is this float32.
        "confidence": 0.002,
        "character_confidences": [0.33333334] * 4,
    }


@pytest.mark.parametrize("inputs", [{"images": ["abc", "a"]}, ["abc", "a"]])
def test_columns_come_back_as_columns(ask, inputs):
    body = {"signature_name": "serving_default", "inputs": inputs}
    status, answer = ask("POST", f"/v1/models/{tiny_server.NAME}/versions/3:predict", body)
    assert status == 200
    assert set(answer) == {"outputs"}
    assert answer["outputs"]["text"] == ["3", "1"]
    assert answer["outputs"]["status"] == ["ok", "ok"]


def test_several_inputs_go_by_name_and_bytes_and_infinities_come_back(ask):
    rows = [{"pixels": [3, 5], "inverted": True}, {"pixels": [0, 255.0], "inverted": False}]
    columns = {"pixels": [[3, 5], [0, 255]], "inverted": [True, False]}
    scores = [pytest.approx(math.log(4.0)), -math.inf]
    status, answer = ask("POST", PREDICT, {"signature_name": "darkness", "instances": rows})
    assert status == 200
    assert [row["score"] for row in answer["predictions"]] == scores
    assert [row["code_bytes"] for row in answer["predictions"]] == [b64(b"\xff\x00")] * 2
    status, answer = ask("POST", PREDICT, {"signature_name": "darkness", "inputs": columns})
    assert status == 200
    assert answer["outputs"]["score"] == scores
    assert answer["outputs"]["code_bytes"] == [b64(b"\xff\x00")] * 2


def test_examples_are_classified_with_the_context_they_share(ask):
    examples = [{"image/encoded": b64(b"ab")}, {"other": [1, 2]}, {"other": 0.5}]
    body = {"signature_name": "classify", "context": {"more": "x"}, "examples": examples}
    status, answer = ask("POST", CLASSIFY, body)
    assert status == 200
    assert [row[0][0] for row in answer["results"]] == ["2", "0", "0"]
    assert answer["results"][0][0][1] == pytest.approx(0.002)
    body = {"signature_name": "classify", "context": {"image/encoded": "abcd"}, "examples": [{}]}
    assert ask("POST", CLASSIFY, body)[1]["results"][0][0][0] == "4"


@pytest.mark.parametrize("content", [b"\xff\xff", b"no example", b"\xff\n\x80", b"a" * 100_000])
def test_what_is_no_example_is_the_clients_fault(ask, content):
    good = b64(tf.train.Example().SerializeToString())
    body = {"signature_name": "classify", "instances": [good, b64(content)]}
    status, answer = ask("POST", PREDICT, body)
    assert status == 400
    assert answer["error"]


def test_the_status_is_written_as_tf_serving_does(ask):
    expected = {
        "model_version_status": [
            {
                "version": "3",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    for path in ("", "/versions/3"):
        assert ask("GET", f"/v1/models/{tiny_server.NAME}{path}") == (200, expected)


def test_the_metadata_are_written_as_tf_serving_does(ask):
    status, answer = ask("GET", f"/v1/models/{tiny_server.NAME}/metadata")
    assert status == 200
    assert answer["model_spec"] == {
        "name": tiny_server.NAME,
        "signature_name": "",
        "version": "3",
    }
    definitions = answer["metadata"]["signature_def"]["signature_def"]
    images = definitions["serving_default"]["inputs"]["images"]
    assert images["dtype"] == "DT_STRING"
    assert images["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert definitions["classify"]["method_name"] == "tensorflow/serving/classify"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "either `instances` or `inputs`"),
        ({"instances": ["a"], "inputs": ["a"]}, "either `instances` or `inputs`"),
        ({"instances": []}, "`instances` must be a non-empty list. Received: a list"),
        ({"instances": "a"}, "Received: a string"),
        ({"instances": [1]}, "Input 'images' is string"),
        ({"instances": [None]}, "Received: nothing"),
        ({"instances": [["a"]]}, "is string [-1]. Received: string [1, 1]"),
        ({"instances": ["a", ["a"]]}, "lists of equal length"),
        ({"instances": [["a"], ["a", "b"]]}, "lists of equal length"),
        ({"instances": [{"b64": "a?"}]}, "the value of b64 is not base64"),
        ({"instances": [{"b64": 1}]}, "the value of b64 is not base64"),
        ({"instances": [{"images": "a"}, "b"]}, "Instance 1: expected an object with ['images']"),
        ({"instances": [{"image": "a"}]}, "Instance 0: expected an object with ['images']"),
        ({"instances": ["a"] * 33}, "at most 32 images in a request. Received: 33"),
        ({"inputs": {"pixels": ["a"]}}, "Expected the inputs ['images']. Received: ['pixels']"),
        ({"inputs": {}}, "Expected the inputs ['images']. Received: []"),
        ({"inputs": "a"}, "is string [-1]. Received: string []"),
        ({"instances": ["a"], "signature_name": "x"}, "'x' not found. Available: ['classify'"),
        ({"instances": ["a"], "signature_name": 1}, "`signature_name` must be a string"),
        ({"instances": ["a"], "signature_name": "darkness"}, "Expected the inputs by name"),
        ([1], "Expected a JSON object. Received: a list"),
    ],
)
def test_a_body_that_is_wrong_is_answered_with_what_is_wrong(ask, body, message):
    status, answer = ask("POST", PREDICT, body)
    assert status == 400
    assert message in answer["error"]


@pytest.mark.parametrize(
    ("pixels", "inverted", "message"),
    [
        ([[1, 256]], [True], "Input 'pixels' is uint8. Received: 256"),
        ([[1, -1]], [True], "Input 'pixels' is uint8. Received: -1"),
        ([[1, 0.5]], [True], "Input 'pixels' is uint8. Received: 0.5"),
        ([[1, True]], [True], "Input 'pixels' is uint8. Received: a boolean"),
        ([[1, 2]], [1], "Input 'inverted' is bool. Received: a number"),
        ([[1, 2, 3]], [True], "is uint8 [-1, 2]. Received: uint8 [1, 3]"),
        ([[1, 2]], [True, True], "All inputs must have the same number of rows. Received: [1, 2]"),
    ],
)
def test_numbers_that_do_not_fit_are_named(ask, pixels, inverted, message):
    inputs = {"pixels": pixels, "inverted": inverted}
    status, answer = ask("POST", PREDICT, {"signature_name": "darkness", "inputs": inputs})
    assert status == 400
    assert message in answer["error"]


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"instances": [1e999]}', b'{"a": NaN}']
)
def test_what_is_no_json_is_refused(ask, raw):
    status, answer = ask("POST", PREDICT, raw=raw)
    assert status == 400
    assert "\n" not in answer["error"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "`examples` must be a non-empty list. Received: nothing"),
        ({"examples": []}, "`examples` must be a non-empty list"),
        ({"examples": ["a"]}, "Example 0 must be an object. Received: a string"),
        ({"examples": [{}], "context": 1}, "`context` must be an object. Received: a number"),
        ({"examples": [{"x": [1, "a"]}]}, "Input 'x' is string"),
        ({"examples": [{"x": 2**63}]}, "Feature 'x' is int64"),
        ({"examples": [{}]}, "Expected classification signature method_name"),
    ],
)
def test_examples_that_are_wrong_are_answered_with_what_is_wrong(ask, body, message):
    status, answer = ask("POST", CLASSIFY, body)
    assert status == 400
    assert message in answer["error"]


@pytest.mark.parametrize(
    ("verb", "path", "expected"),
    [
        ("GET", "/v1/models/other", 404),
        ("GET", "/v1/models/other/metadata", 404),
        ("GET", f"/v1/models/{tiny_server.NAME}/versions/4", 404),
        ("GET", f"/v1/models/{tiny_server.NAME}/versions/{2**64}", 400),
        ("GET", f"/v1/models/{tiny_server.NAME}/versions/x", 400),
        ("GET", f"/v1/models/../{tiny_server.NAME}", 400),
        ("GET", "/v1/models", 400),
        ("GET", "/", 400),
        ("GET", PREDICT, 400),
        ("DELETE", PREDICT, 400),
        ("POST", "/v1/models/other:predict", 404),
        ("POST", f"/v1/models/{tiny_server.NAME}:explain", 400),
        ("POST", f"/v1/models/{tiny_server.NAME}:regress", 501),
    ],
)
def test_a_path_that_leads_nowhere_is_an_error(ask, verb, path, expected):
    status, answer = ask(verb, path, {"instances": ["a"]} if verb == "POST" else None)
    assert status == expected
    assert list(answer) == ["error"]


def test_the_metrics_count_what_was_answered(ask, server):
    ask("POST", PREDICT, {"instances": ["a"]})
    ask("POST", PREDICT, {})
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_api_port, timeout=30)
    connection.request("GET", METRICS_PATH)
    text = connection.getresponse().read().decode("utf-8")
    connection.close()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    labels = 'interface="REST",method="predict"'
    for code in ("OK", "INVALID_ARGUMENT"):
        assert float(values[f'attention_ocr_requests_total{{code="{code}",{labels}}}']) >= 1
    assert float(values[f"attention_ocr_request_seconds_count{{{labels}}}"]) >= 2
    assert float(values["attention_ocr_batch_size_count"]) >= 1
    assert float(values["attention_ocr_queued_images"]) == 0

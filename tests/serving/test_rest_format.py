"""Bodies of the REST interface become arrays, and what does not fit is named; no server runs."""

import base64
import json
from types import SimpleNamespace

import numpy as np
import pytest

from attention_ocr.serving.errors import MAX_MESSAGE, Code, ServingError, too_many_rows
from attention_ocr.serving.rest_format import (
    PredictBody,
    arrays_of,
    check_num_rows,
    dump,
    dump_error,
    dump_predictions,
    is_image_file,
    parse_body,
    parse_classify,
    parse_predict,
)

FLOAT, UINT8, STRING, BOOL, COMPLEX = 1, 4, 7, 10, 8


def declared(**types):
    return {name: SimpleNamespace(dtype=number) for name, number in types.items()}


def arrays(document, **types):
    return arrays_of(parse_predict(json.dumps(document).encode()), declared(**types))


def b64(content):
    return {"b64": base64.b64encode(content).decode()}


@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_the_only_input_needs_no_name(key):
    found = arrays({key: [[1, 2], [3, 4]]}, pixels=UINT8)
    assert found["pixels"].dtype == np.uint8
    np.testing.assert_array_equal(found["pixels"], [[1, 2], [3, 4]])


def test_rows_and_columns_give_the_same_arrays():
    rows = arrays({"instances": [{"a": 1, "b": [2]}, {"a": 3, "b": [4]}]}, a=FLOAT, b=FLOAT)
    columns = arrays({"inputs": {"a": [1, 3], "b": [[2], [4]]}}, a=FLOAT, b=FLOAT)
    for name in ("a", "b"):
        np.testing.assert_array_equal(rows[name], columns[name])
    assert rows["b"].shape == (2, 1)


def test_strings_are_text_or_base64():
    found = arrays({"instances": ["zwölf", b64(b"\x89PNG")]}, images=STRING)
    assert found["images"].tolist() == ["zwölf".encode(), b"\x89PNG"]
    assert arrays({"inputs": b64(b"\xff")}, images=STRING)["images"].tolist() == b"\xff"


def test_truth_values_are_their_own_type():
    assert arrays({"inputs": [True, False]}, inverted=BOOL)["inverted"].dtype == bool


@pytest.mark.parametrize(
    ("document", "types", "message"),
    [
        ({}, {"a": FLOAT}, "either `instances` or `inputs`. Received: both or neither"),
        ({"instances": [1], "inputs": [1]}, {"a": FLOAT}, "both or neither"),
        ({"instances": []}, {"a": FLOAT}, "must be a non-empty list. Received: a list"),
        ({"instances": "x"}, {"a": FLOAT}, "must be a non-empty list. Received: a string"),
        ({"inputs": [1], "signature_name": 3}, {"a": FLOAT}, "must be a string. Received: a numb"),
        ({"inputs": [1]}, {"a": FLOAT, "b": FLOAT}, r"inputs by name: \['a', 'b'\]"),
        ({"inputs": {"c": [1]}}, {"a": FLOAT}, r"inputs \['a'\]. Received: \['c'\]"),
        ({"instances": [{"a": 1}, {"c": 2}]}, {"a": FLOAT}, r"Instance 1: .*Received: \['c'\]"),
        ({"instances": [{"a": 1}, 2]}, {"a": FLOAT}, "Instance 1: .*Received: a number"),
        ({"inputs": [[1, 2], [3]]}, {"a": FLOAT}, "lists of equal length"),
        ({"inputs": [256]}, {"a": UINT8}, "'a' is uint8. Received: 256"),
        ({"inputs": [-1]}, {"a": UINT8}, "'a' is uint8. Received: -1"),
        ({"inputs": [1.5]}, {"a": UINT8}, "'a' is uint8. Received: 1.5"),
        ({"inputs": [True]}, {"a": UINT8}, "'a' is uint8. Received: a boolean"),
        ({"inputs": ["1"]}, {"a": FLOAT}, "'a' is float32. Received: a string"),
        ({"inputs": [None]}, {"a": FLOAT}, "'a' is float32. Received: nothing"),
        ({"inputs": [1]}, {"a": BOOL}, "'a' is bool. Received: a number"),
        ({"inputs": [1]}, {"a": STRING}, "'a' is string: text, or .*Received: a number"),
        ({"inputs": [{"b64": "a"}]}, {"a": STRING}, "the value of b64 is not base64"),
        ({"inputs": [{"b64": 3}]}, {"a": STRING}, "the value of b64 is not base64"),
        ({"inputs": [1]}, {"a": COMPLEX}, "a type that JSON cannot hold: 8. Use gRPC."),
    ],
)
def test_what_does_not_fit_the_signature_is_named(document, types, message):
    with pytest.raises(ServingError, match=message) as caught:
        arrays(document, **types)
    assert (caught.value.code, caught.value.http_status) == (Code.INVALID_ARGUMENT, 400)


def test_lists_are_nested_only_so_deep():
    value = 1
    for _ in range(40):
        value = [value]
    with pytest.raises(ServingError, match=r"'a' may have at most \d+ nested lists"):
        arrays({"inputs": value}, a=FLOAT)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"text"', b"\xff", b'{"a": NaN}'])
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(ServingError, match="JSON"):
        parse_body(body)


@pytest.mark.parametrize(
    ("body", "content_type", "is_image"),
    [
        (b"\x89PNG\r\n\x1a\n", "application/x-www-form-urlencoded", True),
        (b"\xff\xd8\xff\xe0", "", True),
        (b"anything", "image/tiff", True),
        (b'{"instances": []}', "application/json", False),
        (b"", "", False),
    ],
)
def test_an_image_file_is_known_by_its_type_or_first_bytes(body, content_type, is_image):
    assert is_image_file(body, content_type) == is_image


@pytest.mark.parametrize(
    "request_of",
    [
        PredictBody("", [1, 2, 3], by_row=True),
        PredictBody("", [1, 2, 3], by_row=False),
        PredictBody("", {"a": [1], "b": [1, 2, 3]}, by_row=False),
    ],
)
def test_too_many_rows_are_refused_before_they_are_converted(request_of):
    check_num_rows(request_of, takes_rows=True, most=3)
    check_num_rows(request_of, takes_rows=False, most=2)
    with pytest.raises(ServingError, match="at most 2 images in a request. Received: 3"):
        check_num_rows(request_of, takes_rows=True, most=2)


def texts(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def test_predictions_come_back_as_they_were_asked_for():
    outputs = {"text": texts(b"a", b"b"), "confidence": np.array([0.5, 0.25], np.float32)}
    assert json.loads(dump_predictions(outputs, by_row=True)) == {
        "predictions": [{"text": "a", "confidence": 0.5}, {"text": "b", "confidence": 0.25}]
    }
    assert json.loads(dump_predictions(outputs, by_row=False)) == {
        "outputs": {"text": ["a", "b"], "confidence": [0.5, 0.25]}
    }
    text = {"text": texts(b"a", b"b")}
    assert json.loads(dump_predictions(text, by_row=True)) == {"predictions": ["a", "b"]}
    assert json.loads(dump_predictions(text, by_row=False)) == {"outputs": ["a", "b"]}


def test_bytes_are_base64_by_their_name_and_texts_stay_readable():
    outputs = {"image_bytes": texts(b"\xff"), "text": texts(b"a\xff")}
    (row,) = json.loads(dump_predictions(outputs, by_row=True))["predictions"]
    assert row == {"image_bytes": b64(b"\xff"), "text": "a\ufffd"}


@pytest.mark.parametrize("by_row", [True, False])
def test_infinities_are_written_as_in_javascript(by_row):
    outputs = {"score": np.array([np.inf, np.nan, 1.0]), "text": texts(b"a", b"b", b"c")}
    written = dump_predictions(outputs, by_row)
    assert b"Infinity" in written
    assert b"NaN" in written
    assert json.loads(written)


def test_errors_are_json_and_messages_are_cut():
    assert json.loads(dump_error('say "no"')) == {"error": 'say "no"'}
    error = ServingError(Code.NOT_FOUND, "x" * (MAX_MESSAGE + 1))
    assert len(error.message) == MAX_MESSAGE
    assert error.message.endswith("x…")
    assert json.loads(dump({"n": np.arange(2)})) == {"n": [0, 1]}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.OK, 200),
        (Code.INVALID_ARGUMENT, 400),
        (Code.NOT_FOUND, 404),
        (Code.RESOURCE_EXHAUSTED, 429),
        (Code.UNIMPLEMENTED, 501),
        (Code.UNAVAILABLE, 503),
        (Code.DEADLINE_EXCEEDED, 504),
        (Code.INTERNAL, 500),
        (Code.CANCELLED, 500),
    ],
)
def test_each_code_has_its_http_status(code, status):
    assert ServingError(code, "").http_status == status
    assert ServingError(code, "", 413).http_status == 413
    assert too_many_rows(3, 2).http_status == 400


def features(document):
    """Return the features of the examples of a classify request: type and values by name."""
    from tensorflow.core.example.example_pb2 import Example

    found = []
    for serialized in parse_classify(json.dumps(document).encode())[1]:
        example = Example.FromString(serialized).features.feature
        kinds = {name: feature.WhichOneof("kind") for name, feature in example.items()}
        found.append(
            {name: (kind, [*getattr(example[name], kind).value]) for name, kind in kinds.items()}
        )
    return found


def test_features_of_examples_have_the_types_of_their_values():
    image = {"b64": base64.b64encode(b"\x89PNG").decode()}
    values = {"image": image, "text": ["a", "é"], "count": 3, "sizes": [1, 2.5], "none": []}
    (found,) = features({"examples": [values]})
    assert found == {
        "image": ("bytes_list", [b"\x89PNG"]),
        "text": ("bytes_list", [b"a", "é".encode()]),
        "count": ("int64_list", [3]),
        "sizes": ("float_list", [1.0, 2.5]),
        "none": ("int64_list", []),
    }


def test_the_context_belongs_to_each_example_which_may_override_it():
    found = features({"context": {"a": 1, "b": 2}, "examples": [{}, {"b": 3}]})
    assert found == [
        {"a": ("int64_list", [1]), "b": ("int64_list", [2])},
        {"a": ("int64_list", [1]), "b": ("int64_list", [3])},
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "`examples` must be a non-empty list. Received: nothing"),
        ({"examples": []}, "must be a non-empty list. Received: a list"),
        ({"examples": {"a": 1}}, "must be a non-empty list. Received: an object"),
        ({"examples": [{"a": 1}, 2]}, "Example 1 must be an object. Received: a number"),
        ({"examples": [{}], "context": [1]}, "`context` must be an object. Received: a list"),
        ({"examples": [{"a": 2**63}]}, "'a' is int64. Received: "),
        ({"examples": [{"a": True}]}, "'a' is string: text, or .*Received: a boolean"),
        ({"examples": [{"a": ["x", 1]}]}, "'a' is string: .*Received: a number"),
        ({"examples": [{"a": None}]}, "'a' is string: .*Received: nothing"),
        ({"examples": [{"a": {"b64": "%"}}]}, "'a': the value of b64 is not base64"),
        ({"examples": [{}], "signature_name": []}, "`signature_name` must be a string"),
    ],
)
def test_a_wrong_classify_request_is_refused_by_the_name_of_its_part(document, message):
    with pytest.raises(ServingError, match=message) as caught:
        parse_classify(json.dumps(document).encode())
    assert caught.value.http_status == 400


@pytest.mark.parametrize("by_row", [True, False])
def test_several_outputs_keep_their_names_types_and_order(by_row):
    outputs = {
        "text": np.array([b"one", "zwölf".encode()], object),
        "confidence": np.array([0.5, 1.0], np.float32),
        "boxes": np.arange(8, dtype=np.int32).reshape(2, 2, 2),
    }
    document = json.loads(dump_predictions(outputs, by_row))
    rows = [
        {"text": "one", "confidence": 0.5, "boxes": [[0, 1], [2, 3]]},
        {"text": "zwölf", "confidence": 1.0, "boxes": [[4, 5], [6, 7]]},
    ]
    columns = {name: [row[name] for row in rows] for name in outputs}
    assert document == ({"predictions": rows} if by_row else {"outputs": columns})


def test_a_request_without_rows_comes_back_empty():
    empty = {"text": np.empty(0, object), "boxes": np.zeros((0, 4), np.float32)}
    assert json.loads(dump_predictions(empty, by_row=False)) == {
        "outputs": {"text": [], "boxes": []}
    }

from pathlib import Path

import pytest

from attention_ocr.serving.options import ServingOptions


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model_name": ""}, "`model_name` must not be empty"),
        ({"model_name": "a/b"}, "Received: 'a/b'"),
        ({"model_name": "a:b"}, "Received: 'a:b'"),
        ({"port": -2}, "`port` must be at least -1. Received: -2"),
        ({"port": 65536}, "`port` must be at most 65535. Received: 65536"),
        ({"rest_api_port": 99999}, "`rest_api_port` must be at most 65535. Received: 99999"),
        ({"port": -1, "rest_api_port": -1}, "Received: -1 for both"),
        ({"max_batch_size": 0}, "`max_batch_size` must be at least 1. Received: 0"),
        ({"batch_timeout_ms": -0.5}, "`batch_timeout_ms` must be at least 0. Received: -0.5"),
        ({"batch_timeout_ms": float("nan")}, "Received: nan"),
        ({"grace_s": -1.0}, "`grace_s` must be at least 0"),
        ({"model_versions": "newest"}, "latest, all, or numbers separated by commas"),
        ({"model_versions": "1,,2"}, "Received: '1,,2'"),
        ({"engine": "tensorrt"}, "`engine` must be one of auto, tensorflow, litert, onnx"),
        ({"receive_timeout_s": 0.0}, "`receive_timeout_s` must be above 0. Received: 0.0"),
        ({"receive_timeout_s": float("nan")}, "`receive_timeout_s` must be above 0. Received: nan"),
        ({"engine": "onnx", "rest_api_port": -1}, "engine=onnx serves by REST only"),
        ({"max_request_pages": 0}, "`max_request_pages` must be at least 1. Received: 0"),
        ({"model_versions": "²"}, "Received: '²'"),
        ({"max_batch_size": 300}, "`max_queue_images` must be at least `max_batch_size`"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(values, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        ServingOptions(Path("served"), **values)
    assert message in str(error.value)


def test_versions_are_named_by_number():
    assert ServingOptions(Path("served"), model_versions="3,12").chosen_versions() == {3, 12}
    assert ServingOptions(Path("served")).chosen_versions() is None
    assert ServingOptions(Path("served"), model_versions="all").chosen_versions() is None


@pytest.mark.parametrize(
    ("engine", "files"),
    [
        ("tensorflow", {"saved_model.pb"}),
        ("onnx", {"model.onnx"}),
        (
            "litert",
            {
                "model.tflite",
                "model_float16.tflite",
                "model_int8.tflite",
                "model_full_int8.tflite",
            },
        ),
    ],
)
def test_an_engine_serves_versions_with_a_file_for_it(engine, files):
    options = ServingOptions(Path("served"), engine=engine)
    assert options.model_files == files
    assert options.serves_saved_models == (engine == "tensorflow")


@pytest.mark.parametrize("is_installed", [True, False])
def test_auto_is_tensorflow_where_it_is_installed(monkeypatch, is_installed):
    found = object() if is_installed else None
    # The module of the class, of which other tests may have imported another copy since.
    module = ServingOptions.serves_saved_models.fget.__globals__
    monkeypatch.setitem(module, "find_spec", lambda _: found)
    options = ServingOptions(Path("served"))
    assert options.serves_saved_models == is_installed
    assert ("model.onnx" in options.model_files) == (not is_installed)
    assert ("saved_model.pb" in options.model_files) == is_installed

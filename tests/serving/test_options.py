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
        ({"port": -1, "rest_api_port": -1}, "Received: -1 for both"),
        ({"max_batch_size": 0}, "`max_batch_size` must be at least 1. Received: 0"),
        ({"batch_timeout_ms": -0.5}, "`batch_timeout_ms` must be at least 0. Received: -0.5"),
        ({"batch_timeout_ms": float("nan")}, "Received: nan"),
        ({"grace_s": -1.0}, "`grace_s` must be at least 0"),
        ({"model_versions": "newest"}, "latest, all, or numbers separated by commas"),
        ({"model_versions": "1,,2"}, "Received: '1,,2'"),
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

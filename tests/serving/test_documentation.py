import base64
import json
import re
import urllib.request
from pathlib import Path

import pytest

from tests import tiny_model
from tests.serving import tiny_server

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
POSTS = re.findall(r"curl -d '(.+)' \\\n +http://127\.0\.0\.1:8501(/\S+)", PAGE)
GETS = re.findall(r"^curl http://127\.0\.0\.1:8501(/\S+)", PAGE, re.MULTILINE)


def ask(server, path, body=None):
    # What curl sends says that it is a form.
    url = f"http://127.0.0.1:{server.rest_api_port}{path}"
    with urllib.request.urlopen(url, body, timeout=60) as response:
        return json.loads(response.read())


@pytest.fixture(scope="module")
def mine(export):
    with tiny_server.running(export.parent, model_name="mine") as server:
        yield server


def test_all_examples_of_the_page_are_found():
    assert (len(POSTS), len(GETS)) == (3, 2)


@pytest.mark.parametrize(("body", "path"), POSTS)
def test_a_documented_request_is_answered_with_what_is_read(mine, reader, body, path):
    (file,) = tiny_model.files(1)
    encoded = base64.b64encode(file).decode("ascii")
    for place in ("'$(base64 -w0 word.png)'", "…"):
        body = body.replace(place, encoded)
    assert encoded in body
    answer = ask(mine, path, body.encode("utf-8"))
    (expected,) = reader.read([file])
    if "results" in answer:
        assert answer["results"][0][0][0] == expected.text
    elif "predictions" in answer:
        assert answer["predictions"][0]["text"] == expected.text
    else:
        assert answer["outputs"]["text"] == [expected.text]


@pytest.mark.parametrize("path", GETS)
def test_a_documented_question_is_answered(mine, path):
    answer = ask(mine, path)
    assert "model_version_status" in answer or answer["model_spec"]["name"] == "mine"

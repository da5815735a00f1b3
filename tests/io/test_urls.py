import doctest

import pytest

from attention_ocr.io import urls
from attention_ocr.io.urls import url_of


def test_the_example_of_the_docstring_holds():
    assert doctest.testmod(urls).attempted == 2


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("https://example.org/a b.png?x=1", "https://example.org/a b.png?x=1"),
        ("HTTP:/example.org/a.png", "HTTP://example.org/a.png"),
        ("s3:\\bucket\\a.png", "s3://bucket\\a.png"),
        ("data:image/png;base64,iVBORw0KGgo=", "data:image/png;base64,iVBORw0KGgo="),
        ("C:\\word.png", None),
        ("words/https.png", None),
        ("12:30/a.png", None),
        ("https://", None),
        ("", None),
    ],
)
def test_a_name_is_a_url_by_its_scheme(name, url):
    assert url_of(name) == url

import doctest
import socket

import pytest

from attention_ocr.cluster import address
from attention_ocr.cluster.address import address_of, check_reachable, names_cluster


def test_the_example_of_the_docstring_holds():
    assert doctest.testmod(address) == (0, 1)


@pytest.mark.parametrize("engine", ["auto", "tensorflow", "rays", "raylib://a:1", ""])
def test_other_engines_are_no_cluster(engine):
    assert not names_cluster(engine)


@pytest.mark.parametrize(
    ("variable", "engine", "expected"),
    [
        (None, "ray", None),
        ("", "ray", None),
        ("auto", "ray", "auto"),
        ("local", "ray", "local"),
        ("10.0.0.1:6379", "ray", "10.0.0.1:6379"),
        ("10.0.0.1:6379", "ray://head:10001", "ray://head:10001"),
        (None, "ray://[::1]:10001", "ray://[::1]:10001"),
    ],
)
def test_the_address_is_the_one_given_or_that_of_the_environment(
    variable, engine, expected, monkeypatch
):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if variable is not None:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    assert address_of(engine) == expected


@pytest.mark.parametrize(
    ("variable", "engine"),
    [
        (None, "ray://"),
        (None, "ray://head"),
        (None, "ray://head:"),
        (None, "ray://head:port"),
        (None, "ray://:10001"),
        (None, "ray://head:0"),
        (None, "ray://head:99999"),
        ("head", "ray"),
    ],
)
def test_an_address_without_host_or_port_is_refused(variable, engine, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if variable is not None:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    with pytest.raises(ValueError, match=f"ray://HOST:PORT. Received: '{variable or engine}'"):
        address_of(engine)


def test_an_address_is_reachable_exactly_while_something_listens():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        check_reachable(f"ray://127.0.0.1:{port}")
        check_reachable(f"127.0.0.1:{port}")
    with pytest.raises(ConnectionError, match=f"cluster at ray://127.0.0.1:{port}. Received: "):
        check_reachable(f"ray://127.0.0.1:{port}")

"""The address of a Ray cluster, as `--engine` takes it."""

import os
import socket

from attention_ocr.io.extras import extra

ENGINE = "ray"
_CONNECT_TIMEOUT_S = 10.0


def names_cluster(engine: str) -> bool:
    """Return whether the value of `--engine` is `ray` or `ray://HOST:PORT`.

    Example:
        >>> names_cluster("ray"), names_cluster("ray://10.0.0.1:10001"), names_cluster("litert")
        (True, True, False)
    """
    return engine == ENGINE or engine.startswith(f"{ENGINE}://")


def address_of(engine: str) -> str | None:
    """Return the address to connect to; None for a cluster of this machine alone.

    `ray` alone connects to the address in `RAY_ADDRESS` if it is set.

    Raises:
        ValueError: If the address has no host or no port from 1 to 65535.
    """
    address = os.environ.get("RAY_ADDRESS") if engine == ENGINE else engine
    if not address or address in ("auto", "local"):
        return address or None
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not (port.isdecimal() and 0 < int(port) < 2**16):
        raise ValueError(f"Expected ray, or ray://HOST:PORT. Received: {address!r}")
    return address


def check_reachable(address: str) -> None:
    """Refuse an address at which nothing listens, in seconds: Ray itself would wait for minutes.

    Raises:
        ConnectionError: If there is no connection.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_TIMEOUT_S):
            pass
    except OSError as error:
        raise ConnectionError(
            f"Expected a Ray cluster at {address}. Received: {error.strerror or error}"
        ) from error


def require_ray() -> None:
    """Check that Ray is installed.

    Raises:
        ImportError: If it is not; the message names the extra.
    """
    with extra("ray", "--engine=ray"):
        import ray  # noqa: F401

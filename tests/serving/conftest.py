from collections.abc import Iterator
from pathlib import Path

import pytest

from attention_ocr.serving.clients import Client, GrpcClient, RestClient
from attention_ocr.serving.server import Server
from tests.serving import tiny_server


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 3 of a model that predicts the size of a file; do not modify."""
    return tiny_server.write_model(tmp_path_factory.mktemp("served") / "3")


@pytest.fixture(scope="package")
def server(model: Path) -> Iterator[Server]:
    """A server of `model`."""
    with tiny_server.running(model.parent) as started:
        yield started


@pytest.fixture(scope="package", params=["gRPC", "REST"])
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A gRPC or REST client of `server`."""
    made: Client
    if request.param == "gRPC":
        made = GrpcClient(f"127.0.0.1:{server.port}", tiny_server.NAME)
    else:
        made = RestClient(f"127.0.0.1:{server.rest_api_port}", tiny_server.NAME)
    yield made
    made.close()

"""Settings of a model server."""

import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from attention_ocr.images.headers import ImageLimits
from attention_ocr.inference.locate import SAVED_MODEL_FILE, SUFFIX_OF
from attention_ocr.settings.checks import check_choice
from attention_ocr.settings.formats import ENGINES, FILES

SAVED_MODEL = frozenset({SAVED_MODEL_FILE})
MAX_PORT = 2**16 - 1
LATEST = "latest"
ALL = "all"


@dataclass(frozen=True)
class ServingOptions:
    """Settings of a server; named as in TF Serving where it has the same setting.

    Attributes:
        model_base_path: Directory whose subdirectories 1, 2, … are versions of the model; or
            `default` or `lines`, a bundled model (use an absolute path for a folder of that name).
        model_name: Name by which clients request the model.
        engine: What runs the model: `tensorflow` serves a SavedModel; `litert` and `onnx` serve a
            file of that format, by REST only and without TensorFlow; `auto` is `tensorflow` if it
            is installed, else the fastest of the others.
        host: Address to listen on.
        port: gRPC port; 0 picks a free one, -1 disables gRPC.
        rest_api_port: REST port; 0 picks a free one, -1 disables REST.
        model_versions: `latest`, `all`, or version numbers separated by commas.
        file_system_poll_wait_seconds: Seconds between checks for new versions; 0 checks only once.
        enable_batching: Whether images of several requests are batched.
        max_batch_size: Maximum images in a batch, and in a request.
        batch_timeout_ms: How long an incomplete batch waits for more images.
        num_batch_threads: Batches that are computed concurrently.
        max_queue_images: Maximum queued images; further requests are refused.
        max_queue_bytes: Maximum bytes of queued images.
        max_request_bytes: Maximum size of a request.
        max_request_pixels: Maximum pixels of all images of a request.
        max_concurrent_requests: Maximum requests in flight.
        max_receiving_requests: Maximum request bodies that arrive concurrently; above it, the
            slowest one is dropped.
        max_receiving_bytes: Maximum bytes of bodies that are arriving or being decompressed; above
            it, bodies of more than 256 KiB are refused.
        receive_timeout_s: Seconds that a request body may take to arrive, and that a REST
            connection may stay idle.
        grace_s: Seconds that in-flight requests have to finish at shutdown.
        second_looks: Whether images read with low confidence are re-read, as the settings of the
            model say.
        page_detector: Detector of the lines of whole pages, see `settings.pages.DETECTORS`; empty
            for none.
        max_request_pages: Maximum pages of a request.
        limits: Size limits of decoded images.
    """

    model_base_path: Path
    model_name: str = "default"
    engine: str = "auto"
    host: str = "127.0.0.1"
    port: int = 8500
    rest_api_port: int = 8501
    model_versions: str = LATEST
    file_system_poll_wait_seconds: float = 1.0
    enable_batching: bool = True
    max_batch_size: int = 32
    batch_timeout_ms: float = 0.0
    num_batch_threads: int = 1
    max_queue_images: int = 256
    max_queue_bytes: int = 2**28
    max_request_bytes: int = 2**26
    max_request_pixels: int = 2**26
    max_concurrent_requests: int = 512
    max_receiving_requests: int = 512
    max_receiving_bytes: int = 2**28
    receive_timeout_s: float = 60.0
    grace_s: float = 30.0
    second_looks: bool = True
    page_detector: str = ""
    max_request_pages: int = 100
    limits: ImageLimits = field(default_factory=ImageLimits)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[^/:\s]+", self.model_name):
            raise ValueError(
                "`model_name` must not be empty or contain a slash, colon or whitespace. "
                f"Received: {self.model_name!r}"
            )
        check_choice("engine", self.engine, ENGINES)
        for name, least in _LEAST.items():
            if not getattr(self, name) >= least:
                raise ValueError(
                    f"`{name}` must be at least {least}. Received: {getattr(self, name)}"
                )
        for name in ("port", "rest_api_port"):
            if getattr(self, name) > MAX_PORT:
                raise ValueError(
                    f"`{name}` must be at most {MAX_PORT}. Received: {getattr(self, name)}"
                )
        if self.max_queue_images < self.max_batch_size:
            raise ValueError(
                f"`max_queue_images` must be at least `max_batch_size`, {self.max_batch_size}. "
                f"Received: {self.max_queue_images}"
            )
        if not self.receive_timeout_s > 0:
            raise ValueError(
                f"`receive_timeout_s` must be above 0. Received: {self.receive_timeout_s}"
            )
        if self.rest_api_port < 0 and not self.serves_saved_models:
            raise ValueError(
                f"engine={self.engine} serves by REST only where TensorFlow does not run the "
                "model. Received: rest_api_port=-1"
            )
        if self.port < 0 and self.rest_api_port < 0:
            raise ValueError("Expected a port for gRPC or for REST. Received: -1 for both")
        if self.model_versions not in (LATEST, ALL):
            self.chosen_versions()

    @property
    def serves_saved_models(self) -> bool:
        """Whether TensorFlow runs the model."""
        if self.engine == "auto":
            return find_spec("tensorflow") is not None
        return self.engine == "tensorflow"

    @property
    def model_files(self) -> frozenset[str]:
        """Files of which a version of the model has one."""
        if self.serves_saved_models:
            return SAVED_MODEL
        engines = SUFFIX_OF if self.engine == "auto" else {self.engine: SUFFIX_OF[self.engine]}
        return frozenset(file for file in FILES.values() if file.endswith(tuple(engines.values())))

    def chosen_versions(self) -> frozenset[int] | None:
        """Return the listed version numbers, `None` for `latest` and `all`.

        Raises:
            ValueError: If `model_versions` is malformed.
        """
        if self.model_versions in (LATEST, ALL):
            return None
        numbers = self.model_versions.split(",")
        if not all(number.isascii() and number.isdecimal() for number in numbers):
            raise ValueError(
                "`model_versions` must be latest, all, or numbers separated by commas. "
                f"Received: {self.model_versions!r}"
            )
        return frozenset(map(int, numbers))


_LEAST = {
    "max_request_pages": 1,
    "port": -1,
    "rest_api_port": -1,
    "file_system_poll_wait_seconds": 0,
    "max_batch_size": 1,
    "batch_timeout_ms": 0,
    "num_batch_threads": 1,
    "max_queue_images": 1,
    "max_queue_bytes": 1,
    "max_request_bytes": 1,
    "max_request_pixels": 1,
    "max_concurrent_requests": 1,
    "max_receiving_requests": 1,
    "max_receiving_bytes": 1,
    "grace_s": 0,
}

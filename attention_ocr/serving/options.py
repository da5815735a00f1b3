"""What can be set of a server."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from attention_ocr.images.headers import ImageLimits

LATEST = "latest"
ALL = "all"


@dataclass(frozen=True)
class ServingOptions:
    """Settings of a server; names as in TF Serving, where it has the same.

    Attributes:
        model_base_path: directory whose subdirectories 1, 2, … are versions of the model; or
            `default`, the model that comes with the package (a folder of that name is found by
            its absolute path).
        model_name: by which clients ask for it.
        host: address to listen at.
        port: of gRPC; 0 takes a free one, -1 offers no gRPC.
        rest_api_port: of REST; 0 takes a free one, -1 offers no REST.
        model_versions: `latest`, `all`, or numbers with commas between.
        file_system_poll_wait_seconds: how often new versions are looked for; 0 looks only once.
        enable_batching: whether images of several requests are read together.
        max_batch_size: most images that are read at once; a request with more is refused.
        batch_timeout_ms: how long a batch that is not full waits for more.
        num_batch_threads: batches that are read at the same time.
        max_queue_images: images that may wait; what comes on top is refused.
        max_queue_bytes: bytes of the images that may wait.
        max_request_bytes: of one request.
        max_request_pixels: of all images of one request.
        max_concurrent_requests: that are answered at the same time.
        max_receiving_requests: whose bodies arrive at the same time; of more, the one that has
            taken longest is refused.
        max_receiving_bytes: of bodies that are arriving or being unpacked; over it those of more
            than 256 KiB are refused.
        receive_timeout_s: seconds that the body of a request may take to arrive, and that a
            connection of REST may stay without one.
        grace_s: seconds that requests have to end when the server is told to stop.
        second_looks: Whether images that are read without confidence are read again, as the
            settings of the model say.
        limits: the largest image that is decoded.
    """

    model_base_path: Path
    model_name: str = "default"
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
    limits: ImageLimits = field(default_factory=ImageLimits)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[^/:\s]+", self.model_name):
            raise ValueError(
                "`model_name` must have a character, and no slash, colon or blank. "
                f"Received: {self.model_name!r}"
            )
        for name, least in _LEAST.items():
            if not getattr(self, name) >= least:
                raise ValueError(
                    f"`{name}` must be at least {least}. Received: {getattr(self, name)}"
                )
        if self.max_queue_images < self.max_batch_size:
            raise ValueError(
                f"`max_queue_images` must be at least `max_batch_size`, {self.max_batch_size}. "
                f"Received: {self.max_queue_images}"
            )
        if self.receive_timeout_s <= 0:
            raise ValueError(
                f"`receive_timeout_s` must be above 0. Received: {self.receive_timeout_s}"
            )
        if self.port < 0 and self.rest_api_port < 0:
            raise ValueError("Expected a port for gRPC or for REST. Received: -1 for both")
        if self.model_versions not in (LATEST, ALL):
            self.chosen_versions()

    def chosen_versions(self) -> frozenset[int] | None:
        """Return the versions that are named, none with `latest` and `all`.

        Raises:
            ValueError: `model_versions` is none of these.
        """
        if self.model_versions in (LATEST, ALL):
            return None
        numbers = self.model_versions.split(",")
        if not all(number.isascii() and number.isdecimal() for number in numbers):
            raise ValueError(
                "`model_versions` must be latest, all, or numbers with commas between. "
                f"Received: {self.model_versions!r}"
            )
        return frozenset(map(int, numbers))


_LEAST = {
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

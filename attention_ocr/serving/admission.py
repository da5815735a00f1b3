"""Admission control: limits on the requests that one interface receives and answers."""

from collections.abc import Iterator
from contextlib import contextmanager

from attention_ocr.serving.bodies import Bodies
from attention_ocr.serving.errors import Code, ServingError
from attention_ocr.serving.options import ServingOptions


class Admission:
    """Admits requests of one interface.

    Args:
        options: Settings of the server.

    Attributes:
        bodies: Receives request bodies.
        max_request_bytes: Maximum size of a request.
        max_batch_size: Maximum images of a request.
    """

    def __init__(self, options: ServingOptions) -> None:
        self.max_request_bytes = options.max_request_bytes
        self.max_batch_size = options.max_batch_size
        self._max_requests = options.max_concurrent_requests
        self._num_active = 0
        self.bodies = Bodies(
            options.max_request_bytes,
            options.max_receiving_requests,
            options.max_receiving_bytes,
            options.receive_timeout_s,
        )

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Occupy one of the slots of in-flight requests.

        Raises:
            ServingError: If all slots are taken.
        """
        if self._num_active >= self._max_requests:
            raise ServingError(
                Code.RESOURCE_EXHAUSTED, f"{self._num_active} requests are in flight."
            )
        self._num_active += 1
        try:
            yield
        finally:
            self._num_active -= 1

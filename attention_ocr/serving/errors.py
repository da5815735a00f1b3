"""Errors of a request, as gRPC and HTTP status codes."""

from enum import IntEnum


class Code(IntEnum):
    """gRPC's canonical status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14

    @property
    def http_status(self) -> int:
        """The HTTP status that TF Serving returns for this code."""
        return _HTTP_STATUS.get(self, 500)


_HTTP_STATUS = {
    Code.OK: 200,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 412,
    Code.NOT_FOUND: 404,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}


MAX_MESSAGE = 1000
"""Maximum characters of a message: it may quote received input of megabytes."""


class ServingError(Exception):
    """A request that cannot be answered.

    Args:
        code: Kind of failure.
        message: What was expected and received; cut after `MAX_MESSAGE` characters.
        http_status: Overrides the HTTP status of the code.
    """

    def __init__(self, code: Code, message: str, http_status: int | None = None) -> None:
        message = message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 1]}…"
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = code.http_status if http_status is None else http_status


def too_many_rows(num_rows: int, most: int) -> ServingError:
    """Return the error for a request with more rows than fit into a batch."""
    return ServingError(
        Code.INVALID_ARGUMENT, f"Expected at most {most} images in a request. Received: {num_rows}"
    )

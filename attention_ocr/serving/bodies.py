"""Request bodies: received in bounded memory and time, and decompressed up to a limit."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from attention_ocr.serving.errors import Code, ServingError

SMALL_BYTES = 2**18
"""Bodies up to this size are received even when the byte budget is spent; most images fit."""

_STEP_BYTES = 2**16
# zlib's convention for "expect a gzip header".
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Bodies:
    """Receives request bodies within limits on their number and size.

    Clients that announce a body and send it slowly or never do not block the others: when too many
    bodies are arriving, the one that has taken longest is dropped.

    Args:
        max_body_bytes: Maximum size of a body.
        max_receiving: Maximum number of bodies that arrive concurrently.
        max_held_bytes: Byte budget of all bodies that are arriving or being decompressed; once it
            is spent, bodies of more than `SMALL_BYTES` are refused.
        timeout_s: How long a body may take to arrive.
    """

    def __init__(
        self, max_body_bytes: int, max_receiving: int, max_held_bytes: int, timeout_s: float
    ) -> None:
        self._max_body_bytes = max_body_bytes
        self._max_receiving = max_receiving
        self._max_held_bytes = max_held_bytes
        self._timeout_s = timeout_s
        # A dictionary keeps the order in which they began.
        self._receiving: dict[asyncio.Task[bytes], None] = {}
        self.held_bytes = 0

    @property
    def num_receiving(self) -> int:
        """The number of bodies that are arriving."""
        return len(self._receiving)

    @asynccontextmanager
    async def receive(self, read: Callable[[], Awaitable[bytes]]) -> AsyncIterator[bytes]:
        """Receive a body; it counts as held until the `with` block ends.

        Args:
            read: Returns the next part of the body, empty at its end.

        Yields:
            The body.

        Raises:
            ServingError: If it is too large, takes too long, or is dropped in favour of others.
        """
        held = _Held(self)
        try:
            yield await self._whole(read, held)
        finally:
            self.held_bytes -= held.num_bytes

    async def _whole(self, read: Callable[[], Awaitable[bytes]], held: "_Held") -> bytes:
        if len(self._receiving) >= self._max_receiving:
            slowest = next(iter(self._receiving))
            del self._receiving[slowest]
            slowest.cancel()
        task = asyncio.ensure_future(self._join(read, held))
        self._receiving[task] = None
        try:
            done, _ = await asyncio.wait([task], timeout=self._timeout_s)
        finally:
            self._receiving.pop(task, None)
            task.cancel()
        if not done:
            raise ServingError(
                Code.DEADLINE_EXCEEDED, f"The body did not arrive within {self._timeout_s:g} s."
            )
        if task.cancelled():
            raise ServingError(
                Code.RESOURCE_EXHAUSTED,
                f"Over {self._max_receiving} bodies were arriving; the slowest one was dropped.",
            )
        return task.result()

    async def _join(self, read: Callable[[], Awaitable[bytes]], held: "_Held") -> bytes:
        parts = []
        while part := await read():
            held.add(len(part))
            parts.append(part)
        return b"".join(parts) if len(parts) > 1 else (parts[0] if parts else b"")

    def hold(self, num_bytes: int, total: int) -> None:
        """Count received bytes of a body, `total` so far, against the budget.

        Raises:
            ServingError: If the body is too large or the budget is spent.
        """
        if total > self._max_body_bytes:
            raise too_many_bytes(self._max_body_bytes)
        if total > SMALL_BYTES and self.held_bytes + num_bytes > self._max_held_bytes:
            raise ServingError(
                Code.RESOURCE_EXHAUSTED,
                f"Bodies of {self.held_bytes} bytes are arriving. Try again later.",
            )
        self.held_bytes += num_bytes


class _Held:
    """One body's share of the byte budget."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.num_bytes = 0

    def add(self, num_bytes: int) -> None:
        self._bodies.hold(num_bytes, self.num_bytes + num_bytes)
        self.num_bytes += num_bytes


def too_many_bytes(most: int) -> ServingError:
    """Return the error of a body that is larger than a request may be."""
    return ServingError(
        Code.INVALID_ARGUMENT, f"Expected a body of at most {most} bytes.", http_status=413
    )


def unpack_body(body: bytes, content_encoding: str, most: int) -> bytes:
    """Undo the `Content-Encoding` of a body.

    Args:
        body: The body as received.
        content_encoding: The header: `gzip`, `deflate`, `identity` or empty.
        most: Maximum decompressed size, checked before any of it is kept.

    Raises:
        ServingError: If the encoding is unknown, or the body is damaged or too large.
    """
    encodings = [part.strip().lower() for part in content_encoding.split(",")]
    encodings = [encoding for encoding in encodings if encoding not in ("", "identity")]
    if not encodings:
        return body
    if encodings not in (["gzip"], ["x-gzip"], ["deflate"]):
        raise ServingError(
            Code.INVALID_ARGUMENT,
            f"Expected Content-Encoding gzip, deflate or none. Received: {content_encoding!r}",
            http_status=415,
        )
    window = _GZIP_WINDOW
    if encodings == ["deflate"]:
        # Some clients send raw deflate, without the zlib header that the standard requires.
        window = zlib.MAX_WBITS if body[:1] and body[0] & 15 == zlib.DEFLATED else -zlib.MAX_WBITS
    try:
        if _unpacked_bytes(body, window, most) > most:
            raise too_many_bytes(most)
        return zlib.decompress(body, window)
    except zlib.error as error:
        raise ServingError(Code.INVALID_ARGUMENT, f"Cannot decompress the body: {error}") from error


def _unpacked_bytes(body: bytes, window: int, most: int) -> int:
    """Count the decompressed bytes of a body, in constant memory; stop above `most`."""
    unpack = zlib.decompressobj(window)
    num_bytes, rest = 0, memoryview(body)
    while not unpack.eof and num_bytes <= most:
        packed = unpack.unconsumed_tail
        if not packed:
            packed, rest = bytes(rest[:_STEP_BYTES]), rest[_STEP_BYTES:]
            if not packed:
                break
        num_bytes += len(unpack.decompress(packed, _STEP_BYTES))
    return num_bytes

"""Request bodies: received in bounded memory and time, and unpacked no further than allowed."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from attention_ocr.serving.errors import Code, ServingError

SMALL_BYTES = 2**18
"""Bodies of no more are received even when the budget of bytes is spent; most pictures are."""

_STEP_BYTES = 2**16
# What zlib adds to say that a header of gzip is expected.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Bodies:
    """Receives bodies, as many and as large as the limits say.

    Clients that announce a body and send none, or send it slowly, take no place from those that
    send theirs: when there are too many, the one that has taken longest gives way.

    Args:
        max_body_bytes: of one body.
        max_receiving: bodies that arrive at the same time.
        max_held_bytes: of all bodies that are arriving or being unpacked; over it those of more
            than `SMALL_BYTES` are refused.
        timeout_s: how long one may take to arrive.
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
        """Bodies that are arriving."""
        return len(self._receiving)

    @asynccontextmanager
    async def receive(self, read: Callable[[], Awaitable[bytes]]) -> AsyncIterator[bytes]:
        """Receive a body; it counts as held until the `with` block ends.

        Args:
            read: returns the next part of the body, nothing at its end.

        Yields:
            The body.

        Raises:
            ServingError: If it is too large, takes too long, or has to give way to others.
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
                f"Over {self._max_receiving} bodies were arriving, and this one had taken longest.",
            )
        return task.result()

    async def _join(self, read: Callable[[], Awaitable[bytes]], held: "_Held") -> bytes:
        parts = []
        while part := await read():
            held.add(len(part))
            parts.append(part)
        return b"".join(parts) if len(parts) > 1 else (parts[0] if parts else b"")

    def hold(self, num_bytes: int, total: int) -> None:
        """Count bytes of a body that has `total` of them with these.

        Raises:
            ServingError: If the body is too large, or too much is held already.
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
    """The bytes that one body holds of the budget."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.num_bytes = 0

    def add(self, num_bytes: int) -> None:
        self._bodies.hold(num_bytes, self.num_bytes + num_bytes)
        self.num_bytes += num_bytes


def too_many_bytes(most: int) -> ServingError:
    """Return the error of a body that is larger than a request may be."""
    return ServingError(
        Code.INVALID_ARGUMENT, f"The body may have {most} bytes at most.", http_status=413
    )


def unpack_body(body: bytes, content_encoding: str, most: int) -> bytes:
    """Undo the `Content-Encoding` of a body.

    Args:
        body: as it came.
        content_encoding: the header; `gzip`, `deflate`, or nothing that changes the body.
        most: bytes that it may unpack to. One of more is refused before any of them is kept.

    Raises:
        ServingError: If the encoding is another, the body is damaged, or it unpacks to more.
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
        # Some send deflate bare, without the header of zlib that belongs around it.
        window = zlib.MAX_WBITS if body[:1] and body[0] & 15 == zlib.DEFLATED else -zlib.MAX_WBITS
    try:
        if _unpacked_bytes(body, window, most) > most:
            raise too_many_bytes(most)
        return zlib.decompress(body, window)
    except zlib.error as error:
        raise ServingError(Code.INVALID_ARGUMENT, f"The body is damaged: {error}") from error


def _unpacked_bytes(body: bytes, window: int, most: int) -> int:
    """Count the bytes that a body unpacks to, in constant memory; stop above `most`."""
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

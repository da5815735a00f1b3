"""Stopping a run from outside: Ctrl-C and termination signals."""

import contextlib
import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, TypeVar

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

Item = TypeVar("Item")


class StoppedError(KeyboardInterrupt):
    """A run that was stopped by a signal.

    Args:
        number: Number of the signal.
        message: What was saved, and how to resume.

    Attributes:
        status: Exit status of a process that ends by the signal: 128 plus its number.
    """

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number
        self.status = 128 + number


class Interruption:
    """Records termination signals inside a `with` block.

    The first signal is recorded, or raised if `immediate`; a second one of the same kind ends the
    process at once, whatever it is doing. Signals that the process was started to ignore (as by
    `nohup`) stay ignored. Outside the main thread, where Python receives no signals, nothing is
    recorded.

    Attributes:
        number: Number of the received signal; 0 for none.
        immediate: Whether a signal raises `StoppedError` where it arrives, as long as there is
            nothing to save.
    """

    def __init__(self) -> None:
        self.number = 0
        self.immediate = True
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        self._listen()
        return self

    def _listen(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            # None: a handler not installed from Python, which could not be restored.
            if number is None or signal.getsignal(number) in (signal.SIG_IGN, None):
                continue
            before = signal.signal(number, self._note)
            self._before.setdefault(number, before)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _note(self, number: int, _: FrameType | None) -> None:
        # From now on the system itself ends the process, even during a long call.
        signal.signal(number, signal.SIG_DFL)
        self.number = number
        if self.immediate:
            raise StoppedError(
                number,
                f"stopped by {signal_name(number)} between steps; run the same command to resume "
                "from the newest checkpoint, if there is one.",
            )

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Record signals inside the block instead of raising them."""
        self.immediate = False
        if not self.number:
            # With several workers, TensorFlow has installed its own SIGTERM handler meanwhile.
            self._listen()
        try:
            yield
        finally:
            self.immediate = True

    def watching(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items until a signal has been recorded.

        Raises:
            StoppedError: If one has.
        """
        for item in items:
            if self.number:
                raise StoppedError(self.number, f"stopped by {signal_name(self.number)}")
            yield item


def signal_name(number: int) -> str:
    """Return the name of a signal, such as `SIGTERM`."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

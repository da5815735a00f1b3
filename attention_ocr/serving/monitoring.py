"""Server metrics in Prometheus's text format."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from attention_ocr.serving.errors import Code

LATENCIES_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass
class Outcome:
    """The status code of a request."""

    code: Code = Code.OK


class Monitoring:
    """Metrics of one server; servers in one process do not share them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "attention_ocr_requests",
            "Completed requests.",
            ("interface", "method", "code"),
            registry=self._registry,
        )
        self._latency = Histogram(
            "attention_ocr_request_seconds",
            "Time from a request to its response.",
            ("interface", "method"),
            buckets=LATENCIES_S,
            registry=self._registry,
        )
        self._batches = Histogram(
            "attention_ocr_batch_size",
            "Images per batch.",
            buckets=BATCH_SIZES,
            registry=self._registry,
        )
        self._queue = Gauge(
            "attention_ocr_queued_images", "Queued images.", registry=self._registry
        )

    @contextmanager
    def request(self, interface: str, method: str) -> Iterator[Outcome]:
        """Count and time a request.

        Args:
            interface: `gRPC` or `REST`.
            method: Method of the interface.

        Yields:
            The outcome, whose code the caller sets on failure.
        """
        outcome = Outcome()
        start_s = time.perf_counter()
        try:
            yield outcome
        except asyncio.CancelledError:
            # The client has disconnected, or its deadline has passed.
            if outcome.code == Code.OK:
                outcome.code = Code.CANCELLED
            raise
        except Exception:
            # Every other failure is counted and re-raised.
            if outcome.code == Code.OK:
                outcome.code = Code.INTERNAL
            raise
        finally:
            self._latency.labels(interface, method).observe(time.perf_counter() - start_s)
            self._requests.labels(interface, method, outcome.code.name).inc()

    def observe_batch(self, num_rows: int) -> None:
        """Count a batch."""
        self._batches.observe(num_rows)

    def watch_queue(self, num_rows: Callable[[], float]) -> None:
        """Report the queue length by a function that is called whenever metrics are read."""
        self._queue.set_function(num_rows)

    def text(self) -> bytes:
        """Return the metrics in Prometheus's text format."""
        return generate_latest(self._registry)

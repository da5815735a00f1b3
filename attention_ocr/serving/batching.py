"""Batching: concurrent requests are computed together, in order and within limits."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from attention_ocr.serving.errors import Code, ServingError, too_many_rows

Arrays = Mapping[str, np.ndarray]
Compute = Callable[[Arrays], Arrays]


@dataclass(eq=False)
class _Task:
    inputs: Arrays
    num_rows: int
    num_bytes: int
    cost: int
    heavy: bool
    done: "asyncio.Future[Arrays]"
    came_s: float = field(default_factory=time.monotonic)


class Batcher:
    """Runs functions on batches, one batch at a time in each of its threads.

    Heavy requests have a separate thread, so that light ones never wait for one, and at most a
    quarter of the places in the queue, so that they never fill it.

    A batcher belongs to the event loop in which `start` was called.

    Args:
        max_batch_size: Maximum number of rows in a batch.
        timeout_s: How long an incomplete batch waits for more rows.
        num_threads: Batches of light requests that run concurrently.
        max_queue_rows: Maximum number of queued rows.
        max_queue_bytes: Maximum number of queued bytes.
        joining: Whether rows of several requests share a batch; otherwise each request is one.
        max_batch_cost: Requests are joined while their total cost is at most this. A request that
            costs over a quarter of it is heavy.
        observe: Called with the number of rows of each batch that is run.
    """

    def __init__(
        self,
        max_batch_size: int,
        timeout_s: float = 0.0,
        num_threads: int = 1,
        max_queue_rows: int = 256,
        max_queue_bytes: int = 2**28,
        joining: bool = True,
        max_batch_cost: int = 2**62,
        observe: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._max_batch_size = max_batch_size
        self._timeout_s = timeout_s if joining else 0.0
        self._num_threads = num_threads
        self._max_queue_rows = max_queue_rows
        self._max_queue_bytes = max_queue_bytes
        self._joining = joining
        self._max_batch_cost = max_batch_cost
        self._observe = observe
        self._queues: dict[tuple[object, ...], deque[_Task]] = {}
        self._computes: dict[tuple[object, ...], Compute] = {}
        self.queued_rows = 0
        self.queued_bytes = 0
        self._heavy_rows = 0
        self._came = asyncio.Event()
        self._executor = ThreadPoolExecutor(num_threads + 1, "batch")
        self._workers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start processing submitted requests."""
        self._workers = [
            asyncio.create_task(self._work(heavy)) for heavy in (*[False] * self._num_threads, True)
        ]

    async def stop(self) -> None:
        """Stop: refuse queued requests and wait for running ones."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for queue in self._queues.values():
            _refuse(queue)
        self._queues.clear()
        self._executor.shutdown()

    async def submit(
        self, compute: Compute, inputs: Arrays, num_rows: int, cost: int = 0
    ) -> Arrays:
        """Run a function on rows, possibly batched with rows of other requests.

        Args:
            compute: Maps arrays [B, ...] to arrays [B, ...], each row independently. Calls with
                the same function are joined if their rows have the same shapes.
            inputs: Arrays [num_rows, ...].
            num_rows: Number of rows of each array.
            cost: Cost of computing them, in the unit of `max_batch_cost`.

        Returns:
            The outputs for these rows.

        Raises:
            ServingError: If there are too many rows for a batch or the queue is full. Errors of
                `compute` are raised as they are.
        """
        if num_rows > self._max_batch_size:
            raise too_many_rows(num_rows, self._max_batch_size)
        heavy = cost > self._max_batch_cost // 4
        num_bytes = sum(map(num_bytes_of, inputs.values()))
        self._admit(num_rows, num_bytes, heavy)
        done = asyncio.get_running_loop().create_future()
        task = _Task(inputs, num_rows, num_bytes, cost, heavy, done)
        shapes = sorted((name, array.dtype.str, array.shape[1:]) for name, array in inputs.items())
        key = (heavy, compute, *shapes)
        self._queues.setdefault(key, deque()).append(task)
        self._computes[key] = compute
        self._count(task, +1)
        self._came.set()
        try:
            return await done
        finally:
            # The client may have disconnected: its rows must leave the queue.
            if task in self._queues.get(key, ()):
                self._queues[key].remove(task)
                self._count(task, -1)

    def _admit(self, num_rows: int, num_bytes: int, heavy: bool) -> None:
        """Refuse rows for which the queue has no room."""
        if (
            self.queued_rows + num_rows > self._max_queue_rows
            or self.queued_bytes + num_bytes > self._max_queue_bytes
        ):
            raise ServingError(
                Code.RESOURCE_EXHAUSTED,
                f"The queue is full: {self.queued_rows} images of {self.queued_bytes} bytes wait. "
                "Try again later.",
            )
        # One heavy request may always wait, however small the queue is.
        if heavy and self._heavy_rows and self._heavy_rows + num_rows > self._max_queue_rows // 4:
            raise ServingError(
                Code.RESOURCE_EXHAUSTED,
                f"The queue of large images is full: {self._heavy_rows} wait. Try again later.",
            )

    def _count(self, task: _Task, sign: int) -> None:
        self.queued_rows += sign * task.num_rows
        self.queued_bytes += sign * task.num_bytes
        self._heavy_rows += sign * task.num_rows * task.heavy

    async def _work(self, heavy: bool) -> None:
        while True:
            # Dictionaries keep their order: this queue has waited longest.
            while (key := next((key for key in self._queues if key[0] == heavy), None)) is None:
                self._came.clear()
                await self._came.wait()
            await self._fill(key)
            compute = self._computes[key] if key in self._queues else None
            tasks = self._take(key)
            if tasks and compute is not None:
                await self._run(compute, tasks)

    async def _fill(self, key: tuple[object, ...]) -> None:
        """Wait until a batch is full, or its first row has waited long enough."""
        while queue := self._queues.get(key):
            left_s = queue[0].came_s + self._timeout_s - time.monotonic()
            if left_s <= 0.0 or sum(task.num_rows for task in queue) >= self._max_batch_size:
                return
            self._came.clear()
            try:
                await asyncio.wait_for(self._came.wait(), left_s)
            except asyncio.TimeoutError:
                return

    def _take(self, key: tuple[object, ...]) -> list[_Task]:
        queue = self._queues.pop(key, deque())
        compute = self._computes.pop(key, None)
        tasks: list[_Task] = []
        num_rows = cost = 0
        while queue and num_rows + queue[0].num_rows <= self._max_batch_size:
            if tasks and (not self._joining or cost + queue[0].cost > self._max_batch_cost):
                break
            task = queue.popleft()
            self._count(task, -1)
            num_rows += task.num_rows
            cost += task.cost
            tasks.append(task)
        if queue and compute is not None:
            # Back of the line, so that no queue starves.
            self._queues[key] = queue
            self._computes[key] = compute
        return tasks

    async def _run(self, compute: Compute, tasks: Sequence[_Task]) -> None:
        self._observe(sum(task.num_rows for task in tasks))
        running = asyncio.get_running_loop().run_in_executor(
            self._executor, _compute_each, compute, tasks
        )
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            await asyncio.wait([running])
            if running.exception() is None or len(tasks) == 1:
                _deliver(running, tasks)
            _refuse(tasks)
            raise
        if running.exception() is None or len(tasks) == 1:
            _deliver(running, tasks)
            return
        # One request's rows failed: retry each alone, so that the others still succeed.
        for index, task in enumerate(tasks):
            try:
                await self._run(compute, [task])
            except asyncio.CancelledError:
                _refuse(tasks[index + 1 :])
                raise


def _compute_each(compute: Compute, tasks: Sequence[_Task]) -> list[Arrays]:
    """Return the outputs of each task; runs in a thread, as joining large rows takes time."""
    if len(tasks) == 1:
        return [compute(tasks[0].inputs)]
    num_rows = sum(task.num_rows for task in tasks)
    outputs = compute(_join([task.inputs for task in tasks]))
    for name, array in outputs.items():
        if len(array) != num_rows:
            raise ServingError(
                Code.INTERNAL,
                f"Output {name!r} of the model must have one row per input row, {num_rows}. "
                f"Received: {len(array)}",
            )
    ends = list(itertools.accumulate(task.num_rows for task in tasks))
    starts = [0, *ends[:-1]]
    return [
        {name: array[start:end] for name, array in outputs.items()}
        for start, end in zip(starts, ends, strict=True)
    ]


def _deliver(running: "asyncio.Future[list[Arrays]]", tasks: Sequence[_Task]) -> None:
    error = running.exception()
    if error is not None:
        for task in tasks:
            _fail(task, error)
        return
    for task, outputs in zip(tasks, running.result(), strict=True):
        if not task.done.done():
            task.done.set_result(outputs)


def _refuse(tasks: Iterable[_Task]) -> None:
    for task in tasks:
        _fail(task, ServingError(Code.UNAVAILABLE, "The server is shutting down."))


def _fail(task: _Task, error: BaseException) -> None:
    if not task.done.done():
        task.done.set_exception(error)


def _join(parts: Sequence[Arrays]) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def object_array(values: Sequence[bytes]) -> np.ndarray:
    """Return files or texts as an object array, which keeps trailing zero bytes."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def num_bytes_of(array: np.ndarray) -> int:
    """Return the number of bytes of an array; of an object array, those of its elements."""
    return sum(map(len, array.flat)) if array.dtype == object else array.nbytes

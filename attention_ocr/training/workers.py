"""The processes that train one model together, and their communication."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from attention_ocr.training.devices import worker_shard

_CAPACITY = 64
"""Maximum numbers that a worker can send to the others at once."""


class Workers:
    """The processes of a run.

    Args:
        strategy: Their distribution strategy.

    Attributes:
        index: Index of this process.
        count: Number of processes.
        num_devices: Number of devices over all processes.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self.index, self.count = worker_shard(strategy)
        self.num_devices: int = strategy.num_replicas_in_sync
        self._strategy = strategy
        self._total = tf.function(self._sum_over_devices)

    def gather(self, numbers: Sequence[int]) -> list[list[int]]:
        """Return the numbers of every worker; all workers must call it at the same point.

        Args:
            numbers: Non-negative numbers; only the first 64 are sent.

        Returns:
            A list for each worker, in their order.
        """
        own = list(numbers[:_CAPACITY])
        if self.count == 1:
            return [own]
        # 0 marks an unused entry.
        row = np.zeros(_CAPACITY, np.int64)
        row[: len(own)] = np.add(own, 1)
        rows = self._gather_rows(row) - 1
        return [[int(number) for number in row if number >= 0] for row in rows]

    def gather_bytes(self, content: bytes) -> list[bytes]:
        """Return the bytes of every worker; all workers must call it at the same point.

        Args:
            content: Any number of bytes.

        Returns:
            The bytes of each worker, in their order.
        """
        if self.count == 1:
            return [content]
        lengths = [row[0] for row in self.gather([len(content)])]
        # Few different lengths, as each needs a graph.
        row = np.zeros(1 << max(lengths).bit_length(), np.int32)
        row[: len(content)] = np.frombuffer(content, np.uint8)
        rows = self._gather_rows(row)
        return [
            row[:length].astype(np.uint8).tobytes()
            for row, length in zip(rows, lengths, strict=True)
        ]

    def _gather_rows(self, row: np.ndarray) -> np.ndarray:
        """Return the rows of all workers, `[count, n]`."""
        table = np.zeros((self.count, len(row)), row.dtype)
        table[self.index] = row
        local_devices = self.num_devices // self.count
        # One device of each process contributes the table.
        shares = self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                table * np.array(context.replica_id_in_sync_group % local_devices == 0, row.dtype)
            )
        )
        rows: np.ndarray = self._total(shares).numpy()
        return rows

    def all_true(self, claim: bool) -> bool:
        """Return whether a claim holds for every worker; all workers must call it."""
        return all(row == [1] for row in self.gather([int(claim)]))

    def largest(self, number: int) -> int:
        """Return the maximum over all workers; all workers must call it."""
        return max(row[0] for row in self.gather([number]))

    def _sum_over_devices(self, shares: tf.Tensor) -> tf.Tensor:
        totals = self._strategy.run(_sum, args=(shares,))
        return self._strategy.experimental_local_results(totals)[0]


def _sum(table: tf.Tensor) -> tf.Tensor:
    context = tf.distribute.get_replica_context()
    # An argument has no device yet; the sum is placed where the shares are.
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(table))


@contextlib.contextmanager
def explaining_lost_workers(workers: Workers) -> Iterator[None]:
    """Explain the loss of another worker inside the `with` block in one line.

    Raises:
        ConnectionError: If another worker has ended, in place of TensorFlow's error.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if workers.count == 1:
            raise
        raise ConnectionError(
            f"Lost another of the {workers.count} workers ({type(error).__name__}). Start all of "
            "them again with the same commands: they resume from the newest checkpoint that all of "
            "them have."
        ) from error

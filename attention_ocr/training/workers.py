"""The processes that train one model together, and what they agree on."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from attention_ocr.training.devices import worker_shard

_CAPACITY = 64
"""Numbers that a worker can tell the others at once."""


class Workers:
    """The processes of a run.

    Args:
        strategy: by which they train.

    Attributes:
        index: of this process.
        count: of all.
        num_devices: over all processes.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self.index, self.count = worker_shard(strategy)
        self.num_devices: int = strategy.num_replicas_in_sync
        self._strategy = strategy
        self._total = tf.function(self._sum_over_devices)

    def gather(self, numbers: Sequence[int]) -> list[list[int]]:
        """Return what every worker hands in; all of them have to call it at the same place.

        Args:
            numbers: from 0 on; of more than 64, the first.

        Returns:
            A list for each worker, in their order.
        """
        own = list(numbers[:_CAPACITY])
        if self.count == 1:
            return [own]
        table = np.zeros((self.count, _CAPACITY), np.int64)
        # 0 stands for nothing.
        table[self.index, : len(own)] = np.add(own, 1)
        local_devices = self.num_devices // self.count
        # One device of each process hands the table in.
        shares = self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                table * (context.replica_id_in_sync_group % local_devices == 0)
            )
        )
        rows = self._total(shares).numpy() - 1
        return [[int(number) for number in row if number >= 0] for row in rows]

    def all_true(self, claim: bool) -> bool:
        """Return whether a claim holds for every worker; all of them have to call it."""
        return all(row == [1] for row in self.gather([int(claim)]))

    def largest(self, number: int) -> int:
        """Return the largest of a number of each worker; all of them have to call it."""
        return max(row[0] for row in self.gather([number]))

    def _sum_over_devices(self, shares: tf.Tensor) -> tf.Tensor:
        totals = self._strategy.run(_sum, args=(shares,))
        return self._strategy.experimental_local_results(totals)[0]


def _sum(table: tf.Tensor) -> tf.Tensor:
    context = tf.distribute.get_replica_context()
    # An argument is on no device yet, and the sum comes to where the shares are.
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(table))


@contextlib.contextmanager
def explaining_lost_workers(workers: Workers) -> Iterator[None]:
    """Make the end of another worker, inside the `with` block, a line for people.

    Raises:
        ConnectionError: in place of TensorFlow's error.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if workers.count == 1:
            raise
        raise ConnectionError(
            f"Lost another of the {workers.count} workers ({type(error).__name__}). Start all of "
            "them again by the same commands: they go on from the newest checkpoint that all of "
            "them have."
        ) from error

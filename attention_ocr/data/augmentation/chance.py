"""Random numbers of a batch, as a function of one seed and the name of their purpose."""

import zlib

import tensorflow as tf

from attention_ocr.settings.augmentation import Policy


class Chance:
    """Draws for a batch; the same name draws the same numbers.

    Args:
        seed: int [2].
        batch_size: int scalar, of the whole batch.
        places: int [B], images of the batch to draw for; all by default. The numbers of an image do
            not depend on the others.
    """

    def __init__(
        self, seed: tf.Tensor, batch_size: int | tf.Tensor, places: tf.Tensor | None = None
    ) -> None:
        self._seed = tf.cast(seed, tf.int32)
        self._batch_size = batch_size
        self._places = places

    def of(self, places: tf.Tensor) -> "Chance":
        """Return the draws of some images of the batch, int [B]."""
        return Chance(self._seed, self._batch_size, places)

    def seed(self, name: str) -> tf.Tensor:
        """Return the seed of a name, int32 [2]."""
        code = zlib.crc32(name.encode()) & 0x7FFFFFFF
        return tf.random.experimental.stateless_fold_in(self._seed, code)

    def uniform(
        self,
        name: str,
        low: float = 0.0,
        high: float = 1.0,
        shape: tuple[int | tf.Tensor, ...] = (),
    ) -> tf.Tensor:
        """Return numbers for each image, float32 [B, *shape]."""
        shape = (self._batch_size, *shape)
        draws = tf.random.stateless_uniform(shape, self.seed(name), low, high)
        return draws if self._places is None else tf.gather(draws, self._places)

    def sign(self, name: str) -> tf.Tensor:
        """Return -1 or 1 for each image, float32 [B]."""
        return tf.where(self.uniform(name) < 0.5, -1.0, 1.0)


def draw_amounts(
    policy: Policy, strength: float, chance: Chance, full: bool = False
) -> dict[str, tf.Tensor]:
    """Return how strongly each op of a policy changes each image.

    Args:
        policy: Ops to apply.
        strength: The largest amount.
        chance: Random numbers of the batch.
        full: Whether each amount is the largest, instead of a random one up to that.

    Returns:
        float32 [B] in [0, strength] by op; 0 where the op is not applied.
    """
    places = chance.uniform("places", shape=(len(policy.ops),))
    # The rank of each op in an independent random order for each image.
    ranks = tf.argsort(tf.argsort(places, axis=1), axis=1)
    chosen = tf.cast(ranks < policy.num_ops, tf.float32)
    return {
        op: chosen[:, index] * strength * (1.0 if full else chance.uniform(f"amount of {op}"))
        for index, op in enumerate(policy.ops)
    }

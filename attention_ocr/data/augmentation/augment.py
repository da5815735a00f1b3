"""All ops of a policy on a batch."""

from collections.abc import Callable, Mapping

import tensorflow as tf

from attention_ocr.data.augmentation.chance import Chance, draw_amounts
from attention_ocr.data.augmentation.geometry import extend
from attention_ocr.settings.augmentation import AUGMENTATION_OPS, OPS, STAGES, Policy

Change = Callable[[tf.Tensor, tf.Tensor, Mapping[str, tf.Tensor], Chance], tf.Tensor]
"""What applies ops to a batch: `(images, image_sizes, amounts, chance) -> images`.

`images` float32 [B, H, W, C] in [-1, 1], where the edge of each picture goes on into the padding;
`image_sizes` int32 [B, 2]; `amounts` float32 [B] above 0 by the name of the op. What it draws comes
from `chance` alone. It keeps the shape, and need not clip or mask.
"""


def augment(
    images: tf.Tensor,
    image_sizes: tf.Tensor,
    seed: tf.Tensor,
    policy: Policy,
    strength: float,
    full: bool = False,
) -> tf.Tensor:
    """Vary a batch of images; text stays in the picture and can still be read.

    Args:
        images: float32 [B, H, W, C] in [-1, 1], zero on the padding.
        image_sizes: int32 [B, 2], height and width of each picture, pixels.
        seed: int [2]; equal seeds give equal results.
        policy: which ops.
        strength: in [0, 1], the largest change.
        full: whether every change is the largest, to look at it.

    Returns:
        float32 [B, H, W, C] in [-1, 1], zero on the padding; sizes are unchanged.
    """
    images, image_sizes = tf.convert_to_tensor(images), tf.convert_to_tensor(image_sizes)
    static_shape = images.shape
    shape = tf.shape(images)
    chance = Chance(seed, shape[0])
    amounts = draw_amounts(policy, strength, chance, full)

    # Outside of the picture lies a copy of its edge, so that no op sees the padding.
    images = extend(images, image_sizes)
    plugins = [(op,) for op in policy.ops if op not in OPS]
    for group in (*(group for group, _ in STAGES), *plugins):
        if chosen := {op: amounts[op] for op in group if op in amounts}:
            change: Change = AUGMENTATION_OPS.resolve(next(iter(chosen)))
            images = _on_those_that_meet(chosen, change, images, image_sizes, chance)
    images = tf.clip_by_value(images, -1.0, 1.0) * picture_mask(image_sizes, shape)
    return tf.ensure_shape(images, static_shape)


def _on_those_that_meet(
    amounts: Mapping[str, tf.Tensor],
    change: Change,
    images: tf.Tensor,
    image_sizes: tf.Tensor,
    chance: Chance,
) -> tf.Tensor:
    """Change only the images of which some amount is above 0: with a policy, few for each op."""
    places = tf.where(tf.add_n(list(amounts.values())) > 0.0)

    def apply() -> tf.Tensor:
        chosen = {op: tf.gather_nd(amount, places) for op, amount in amounts.items()}
        some, sizes = tf.gather_nd(images, places), tf.gather_nd(image_sizes, places)
        some.set_shape((None, *images.shape[1:]))
        changed = change(some, sizes, chosen, chance.of(places[:, 0]))
        return tf.tensor_scatter_nd_update(images, places, changed)

    return tf.cond(tf.size(places) > 0, apply, lambda: images)


def picture_mask(image_sizes: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """Return 1 on the pictures of a batch and 0 on the padding, float32 [B, H, W, 1]."""
    rows = tf.sequence_mask(image_sizes[:, 0], shape[1], tf.float32)
    columns = tf.sequence_mask(image_sizes[:, 1], shape[2], tf.float32)
    return rows[:, :, None, None] * columns[:, None, :, None]

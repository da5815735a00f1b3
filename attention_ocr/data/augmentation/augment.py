"""Apply the ops of an augmentation policy to a batch."""

from collections.abc import Callable, Mapping

import tensorflow as tf

from attention_ocr.data.augmentation.chance import Chance, draw_amounts
from attention_ocr.data.augmentation.geometry import extend
from attention_ocr.settings.augmentation import AUGMENTATION_OPS, OPS, STAGES, Policy

Change = Callable[[tf.Tensor, tf.Tensor, Mapping[str, tf.Tensor], Chance], tf.Tensor]
"""A function that applies ops to a batch: `(images, image_sizes, amounts, chance) -> images`.

`images` float32 [B, H, W, C] in [-1, 1], with the edge of the content repeated over the padding;
`image_sizes` int32 [B, 2]; `amounts` float32 [B] above 0, by name of the op. All randomness comes
from `chance`. The shape is kept; clipping and masking are done by `augment`.
"""

# Resolving imports the op, which AutoGraph would try to convert, with a warning.
_resolve = tf.autograph.experimental.do_not_convert(AUGMENTATION_OPS.resolve)


def augment(
    images: tf.Tensor,
    image_sizes: tf.Tensor,
    seed: tf.Tensor,
    policy: Policy,
    strength: float,
    full: bool = False,
) -> tf.Tensor:
    """Augment a batch of images; text stays inside the content and legible.

    Args:
        images: float32 [B, H, W, C] in [-1, 1], zero on the padding.
        image_sizes: int32 [B, 2], height and width of each content, pixels.
        seed: int [2]; equal seeds give equal results.
        policy: Ops to apply.
        strength: Of the largest change, in [0, 1].
        full: Whether every change is the largest, for inspection.

    Returns:
        float32 [B, H, W, C] in [-1, 1], zero on the padding; sizes are unchanged.
    """
    images, image_sizes = tf.convert_to_tensor(images), tf.convert_to_tensor(image_sizes)
    static_shape = images.shape
    shape = tf.shape(images)
    chance = Chance(seed, shape[0])
    amounts = draw_amounts(policy, strength, chance, full)

    # The edge is repeated over the padding, so that no op sees it.
    images = extend(images, image_sizes)
    plugins = [(op,) for op in policy.ops if op not in OPS]
    for group in (*(group for group, _ in STAGES), *plugins):
        if chosen := {op: amounts[op] for op in group if op in amounts}:
            change: Change = _resolve(next(iter(chosen)))
            images = _on_those_that_meet(chosen, change, images, image_sizes, chance)
    images = tf.clip_by_value(images, -1.0, 1.0) * content_mask(image_sizes, shape)
    return tf.ensure_shape(images, static_shape)


def _on_those_that_meet(
    amounts: Mapping[str, tf.Tensor],
    change: Change,
    images: tf.Tensor,
    image_sizes: tf.Tensor,
    chance: Chance,
) -> tf.Tensor:
    """Change only the images with an amount above 0; under a policy these are few per op."""
    places = tf.where(tf.add_n(list(amounts.values())) > 0.0)

    def apply() -> tf.Tensor:
        chosen = {op: tf.gather_nd(amount, places) for op, amount in amounts.items()}
        some, sizes = tf.gather_nd(images, places), tf.gather_nd(image_sizes, places)
        some.set_shape((None, *images.shape[1:]))
        changed = change(some, sizes, chosen, chance.of(places[:, 0]))
        return tf.tensor_scatter_nd_update(images, places, changed)

    return tf.cond(tf.size(places) > 0, apply, lambda: images)


def content_mask(image_sizes: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """Return 1 on the content of each image and 0 on its padding, float32 [B, H, W, 1]."""
    rows = tf.sequence_mask(image_sizes[:, 0], shape[1], tf.float32)
    columns = tf.sequence_mask(image_sizes[:, 1], shape[2], tf.float32)
    return rows[:, :, None, None] * columns[:, None, :, None]

"""Join two words to one example: images side by side, labels with a space between."""

import tensorflow as tf

from attention_ocr.data.augmentation.chance import Chance

Example = dict[str, tf.Tensor]

_LEFT_TO_RIGHT = (
    r"(?s)\P{L}*([^\P{L}\x{0590}-\x{08FF}\x{FB1D}-\x{FDFF}\x{FE70}-\x{FEFF}\x{10800}-\x{10FFF}"
    r"\x{1E800}-\x{1EFFF}].*)?"
)
"""Texts whose first letter, if any, is not in a block of right-to-left scripts."""


def join_words(
    examples: tf.data.Dataset,
    share: float,
    width_multiple: int,
    max_width: int,
    max_length: int,
    seed: tuple[int, int],
) -> tf.data.Dataset:
    """Join some examples in pairs; the others are unchanged.

    The word that is read first stands at the left, or at the right if the label begins with a
    letter of a right-to-left script.

    Each example is still seen once per epoch, alone or in a pair. Pairs that would be too wide or
    too long, or with a shrunk image, stay separate.

    Args:
        examples: `images` float32 [H, w', C], zero right of the content, `image_sizes` int32 [2],
            `text` and `key` string, `shrunk` and `readable` bool; endless.
        share: Fraction of the pairs that are joined.
        width_multiple: Of which w' is a multiple, in pixels.
        max_width: Of a joined image, in pixels.
        max_length: Of a joined label, in characters.
        seed: Of the choice.

    Returns:
        A data set of the same elements.
    """

    def choose(index: tf.Tensor, pair: Example) -> tf.data.Dataset:
        chance = Chance(tf.stack([seed[0], seed[1] + tf.cast(index, tf.int32)]), 1)
        gap = _gap_width(pair, chance)
        fits = (
            (tf.reduce_sum(pair["image_sizes"][:, 1]) + gap <= max_width)
            & (tf.reduce_sum(_lengths(pair)) + 1 <= max_length)
            & tf.reduce_all(pair["image_sizes"][:, 0] == tf.shape(pair["images"])[1])
        )
        joins = fits & (chance.uniform("joins")[0] < share)
        # The zero-based index of each example that results from the pair.
        places = tf.data.Dataset.range(tf.where(joins, tf.constant(1, tf.int64), 2))
        return places.map(
            lambda place: tf.cond(
                joins,
                lambda: _join(pair, gap, width_multiple),
                lambda: _single(pair, place, width_multiple),
            )
        )

    return examples.padded_batch(2, drop_remainder=True).enumerate().flat_map(choose)


def _lengths(pair: Example) -> tf.Tensor:
    return tf.strings.length(pair["text"], unit="UTF8_CHAR")


def _gap_width(pair: Example, chance: Chance) -> tf.Tensor:
    """Return the width of a space, a quarter to a half of the height: int32 scalar."""
    height = tf.cast(tf.shape(pair["images"])[1], tf.float32)
    return tf.cast(tf.round(height * chance.uniform("gap", 0.25, 0.5)[0]), tf.int32)


def _single(pair: Example, place: tf.Tensor, width_multiple: int) -> Example:
    example = {name: values[place] for name, values in pair.items()}
    width = example["image_sizes"][1]
    return example | {"images": example["images"][:, : width + -width % width_multiple]}


def _join(pair: Example, gap: tf.Tensor, width_multiple: int) -> Example:
    text = tf.strings.reduce_join(pair["text"], separator=" ")
    starts_left = tf.strings.regex_full_match(text, _LEFT_TO_RIGHT)
    places = tf.where(starts_left, (0, 1), (1, 0))
    left, right = (_single(pair, places[side], 1) for side in (0, 1))
    # The background blends from one image to the other.
    shares = tf.linspace(0.0, 1.0, gap + 2)[1:-1][None, :, None]
    between = left["images"][:, -1:] * (1.0 - shares) + right["images"][:, :1] * shares
    joined = tf.concat([left["images"], between, right["images"]], axis=1)
    width = tf.shape(joined)[1]
    return {
        "images": tf.pad(joined, ((0, 0), (0, -width % width_multiple), (0, 0))),
        "image_sizes": tf.stack([left["image_sizes"][0], width]),
        "text": text,
        "key": tf.strings.reduce_join(pair["key"], separator="+"),
        "shrunk": left["shrunk"] | right["shrunk"],
        "readable": left["readable"] & right["readable"],
    }

"""Affine, perspective, curved and elastic distortions, in one resampling of the image.

Each keeps the whole content inside: rotated or bent content is shrunk by as much as its corners
would protrude. A crop would cut letters off, and the label would be wrong.
"""

from collections.abc import Mapping

import tensorflow as tf

from attention_ocr.data.augmentation.chance import Chance

MAX_TURN = 0.26
"""Radians at strength 1, some 15 degrees; less for long images."""
MAX_RISE = 0.5
"""Rise of a rotated image, in its heights: a longer one is rotated less."""
MAX_SHEAR = 0.4
MAX_SHRINKING = 0.2
MAX_TILT = 0.2
"""Shift of a corner in perspective, in heights of the image."""
MAX_BEND = 0.35
"""Height of a curve, in heights of the image."""
MAX_JITTER = 0.07
"""Largest elastic displacement, in heights of the image."""


def warp(
    images: tf.Tensor, image_sizes: tf.Tensor, amounts: Mapping[str, tf.Tensor], chance: Chance
) -> tf.Tensor:
    """Distort the content of each image.

    Args:
        images: float32 [B, H, W, C].
        image_sizes: int32 [B, 2], heights and widths of the contents.
        amounts: float32 [B] in [0, 1] by op, some of `GEOMETRY`.
        chance: Random numbers of the batch.

    Returns:
        float32 [B, H, W, C]; the edge is repeated outside of the content.
    """
    shape = tf.shape(images)
    sizes = tf.cast(image_sizes, tf.float32)
    height, width = sizes[:, 0, None, None], sizes[:, 1, None, None]
    aspect = width / height
    # Source position of each pixel of the result, in fractions of the content: [B, H, W].
    v = (tf.range(tf.cast(shape[1], tf.float32))[None, :, None] + 0.5) / height
    u = (tf.range(tf.cast(shape[2], tf.float32))[None, None, :] + 0.5) / width
    if "affine" in amounts or "perspective" in amounts:
        u, v = _project(u, v, _corners(aspect[:, 0, 0], amounts, chance))
    if "curve" in amounts:
        v = _bend(u, v, amounts["curve"], chance)
    if "elastic" in amounts:
        u, v = _jitter(u, v, amounts["elastic"], aspect, shape, chance)
    return _sample(images, u * width - 0.5, v * height - 0.5, image_sizes)


def extend(images: tf.Tensor, image_sizes: tf.Tensor) -> tf.Tensor:
    """Repeat the edge of each content over its padding; shapes as in `warp`."""
    shape = tf.shape(images)
    rows = tf.minimum(tf.range(shape[1])[None], image_sizes[:, :1] - 1)
    columns = tf.minimum(tf.range(shape[2])[None], image_sizes[:, 1:] - 1)
    return tf.gather(tf.gather(images, rows, batch_dims=1), columns, axis=2, batch_dims=1)


def _corners(aspect: tf.Tensor, amounts: Mapping[str, tf.Tensor], chance: Chance) -> tf.Tensor:
    """Return the new positions of the corners: [B, 4, 2], in fractions, clockwise."""
    half = tf.stack([aspect / 2, tf.ones_like(aspect) / 2], axis=-1)[:, None]
    corners = half * tf.constant([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    # Tilted first: a fixed tilt would leave too little of an image that was shrunk before.
    if "perspective" in amounts:
        tilt = chance.uniform("tilt", 0.0, MAX_TILT, (4, 2))
        tilt *= amounts["perspective"][:, None, None] * tf.minimum(1.0, 2 * half)
        corners -= tf.sign(corners) * tilt
    if "affine" in amounts:
        corners = _turn(corners, half, aspect, amounts["affine"], chance)
    return corners / (2 * half) + 0.5


def _turn(
    corners: tf.Tensor, half: tf.Tensor, aspect: tf.Tensor, amount: tf.Tensor, chance: Chance
) -> tf.Tensor:
    """Rotate, shear, shrink and shift the corners so that they stay inside."""
    turn = amount * chance.sign("turn") * tf.minimum(MAX_TURN, MAX_RISE / aspect)
    shear = amount * chance.uniform("shear", -MAX_SHEAR, MAX_SHEAR)
    x, y = corners[..., 0], corners[..., 1]
    x = x + shear[:, None] * y
    cosine, sine = tf.cos(turn)[:, None], tf.sin(turn)[:, None]
    rotated = tf.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)
    # Shrink each axis to fit, and a little more; then shift within the remaining room.
    fitting = tf.minimum(1.0, half / tf.reduce_max(tf.abs(rotated), axis=1, keepdims=True))
    shrinking = chance.uniform("shrinking", 0.0, MAX_SHRINKING, (1, 2))
    rotated *= fitting * (1.0 - shrinking * amount[:, None, None])
    room = half - tf.reduce_max(tf.abs(rotated), axis=1, keepdims=True)
    shift = chance.uniform("shift", -1.0, 1.0, (1, 2))
    return rotated + shift * room


def _project(u: tf.Tensor, v: tf.Tensor, corners: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Map positions of the result to positions of the source, whose corners are at `corners`.

    Heckbert, "Fundamentals of Texture Mapping and Image Warping" (1989), section 2.2.3: the map of
    the unit square to a quadrilateral, inverted.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (
        tf.unstack(corner, axis=-1) for corner in tf.unstack(corners, axis=1)
    )
    dx1, dx2, sum_x = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sum_y = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    determinant = dx1 * dy2 - dx2 * dy1
    g = (sum_x * dy2 - dx2 * sum_y) / determinant
    h = (dx1 * sum_y - sum_x * dy1) / determinant
    rows = [
        [x1 - x0 + g * x1, x3 - x0 + h * x3, x0],
        [y1 - y0 + g * y1, y3 - y0 + h * y3, y0],
        [g, h, tf.ones_like(g)],
    ]
    matrix = tf.linalg.inv(tf.stack([tf.stack(row, axis=-1) for row in rows], axis=1))
    entry = [[matrix[:, row, column, None, None] for column in range(3)] for row in range(3)]
    scale = entry[2][0] * u + entry[2][1] * v + entry[2][2]
    return (
        (entry[0][0] * u + entry[0][1] * v + entry[0][2]) / scale,
        (entry[1][0] * u + entry[1][1] * v + entry[1][2]) / scale,
    )


def _bend(u: tf.Tensor, v: tf.Tensor, amount: tf.Tensor, chance: Chance) -> tf.Tensor:
    """Bend the line: an arc up or down, or a wave."""
    bend = (MAX_BEND * amount)[:, None, None]
    place = tf.clip_by_value(u, 0.0, 1.0)
    arc = 1.0 - (2.0 * place - 1.0) ** 2
    phase = chance.uniform("phase", 0.0, 6.28)[:, None, None]
    wave = 0.5 + 0.5 * tf.sin(6.28 * place + phase)
    kind = chance.uniform("kind of curve")[:, None, None]
    lift = tf.where(kind < 0.4, arc, tf.where(kind < 0.8, 1.0 - arc, wave))
    # The line is lowered by up to `bend` and squeezed to make room for it.
    return v * (1.0 + bend) - bend * lift


def _jitter(
    u: tf.Tensor,
    v: tf.Tensor,
    amount: tf.Tensor,
    aspect: tf.Tensor,
    shape: tf.Tensor,
    chance: Chance,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Displace each position by a smooth random field."""
    reach = (MAX_JITTER * amount)[:, None, None]
    # About one node per half letter: whole letters move, strokes hardly bend.
    columns = tf.maximum(shape[2] * 2 // shape[1], 2)
    nodes = chance.uniform("field", -1.0, 1.0, (3, columns, 2))
    field = tf.image.resize(nodes, shape[1:3])
    return (
        u + reach * field[..., 0] / aspect,
        (v - 0.5) * (1.0 + 2.0 * reach) + 0.5 + reach * field[..., 1],
    )


def _sample(images: tf.Tensor, x: tf.Tensor, y: tf.Tensor, image_sizes: tf.Tensor) -> tf.Tensor:
    """Sample the images at positions [B, H, W], bilinearly, with repeated edges."""
    shape = tf.shape(images)
    last = tf.cast(image_sizes - 1, tf.float32)
    x = tf.clip_by_value(x, 0.0, last[:, 1, None, None])
    y = tf.clip_by_value(y, 0.0, last[:, 0, None, None])
    left, top = tf.floor(x), tf.floor(y)
    x_share, y_share = (x - left)[..., None], (y - top)[..., None]
    column, row = tf.cast(left, tf.int32), tf.cast(top, tf.int32)
    # Each pixel with its neighbours to the right, below, and both: one gather instead of four. The
    # neighbours of the last pixel have no weight.
    pixels = tf.reshape(images, (-1, shape[3]))
    below = tf.roll(pixels, -shape[2], axis=0)
    square = tf.concat(
        [pixels, tf.roll(pixels, -1, axis=0), below, tf.roll(below, -1, axis=0)], axis=1
    )
    first = (tf.range(shape[0])[:, None, None] * shape[1] + row) * shape[2] + column
    here, right, down, both = tf.split(tf.gather(square, first), 4, axis=-1)
    return _mix(_mix(here, right, x_share), _mix(down, both, x_share), y_share)


def _mix(one: tf.Tensor, other: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    return one + share * (other - one)

"""An encoder of self-attention: mixing blocks over patches, after SVTR."""

import itertools

import keras
import tensorflow as tf

from attention_ocr.models.encoders.grid import ConvolutionUnit, scaled_channels, valid_cells
from attention_ocr_plugins.gelu import gelu
from attention_ocr_plugins.multi_head import attend, mask_bias


class MixingBlock(keras.layers.Layer):
    """Self-attention and a perceptron, each beside a shortcut (Du et al., 2022, section 3.3).

    Which cells a cell sees is the caller's: all of them (global mixing), or those of a window
    around it (local mixing).

    Args:
        channels: C.
        head_width: Channels of one head, about.

    Call arguments:
        tokens: float [B, N, C].
        bias: float32, broadcasts to [B, 1, N, N]; added to the scores of the attention.

    Returns:
        float [B, N, C].
    """

    def __init__(self, channels: int, head_width: int, **kwargs: object) -> None:
        # Keras would cast the bias.
        super().__init__(autocast=False, **kwargs)
        most = max(1, channels // head_width)
        self.heads = next(count for count in range(most, 0, -1) if channels % count == 0)
        self.mixing_norm = keras.layers.LayerNormalization(epsilon=1e-6, name="mixing_norm")
        # A bias of the keys would change no weight.
        self.entry = keras.layers.Dense(3 * channels, use_bias=False, name="entry")
        self.mixed = keras.layers.Dense(channels, name="mixed")
        self.perceptron_norm = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")
        self.hidden = keras.layers.Dense(4 * channels, activation=gelu, name="hidden")
        self.output_projection = keras.layers.Dense(channels, name="output")

    def call(self, tokens: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        queries, keys, values = tf.split(self.entry(self.mixing_norm(tokens)), 3, axis=-1)
        contexts, _ = attend(queries, keys, values, bias, self.heads)
        tokens = tokens + self.mixed(contexts)
        return tokens + self.output_projection(self.hidden(self.perceptron_norm(tokens)))


class SVTREncoder(keras.layers.Layer):
    """Encoder of mixing blocks in three stages, with half the rows in each (Du et al., 2022).

    Two strided convolutions make patches of 4x4 pixels overlap (section 3.2); merging halves the
    rows by a strided convolution (section 3.4). The first `local` blocks see a window of 7x11
    cells, the others the whole image. The defaults are those of SVTR-T (table 1). Three things
    differ from the paper, whose images have one size: attention sees no padding; where a patch
    lies is encoded by a depthwise convolution (Chu et al., 2023, section 3.3); and the rows are not
    merged into one at the end, which the layers after the encoder do.

    Args:
        width: Multiplies the channels of every stage.
        channels: Of the stages, before `width`.
        depths: Mixing blocks of the stages.
        local: Blocks, from the first on, that mix locally.
        head_width: Channels of one head.
        window: Rows and columns of the cells that a local block sees, odd.

    Call arguments:
        images: float [B, H, W, C], H and W multiples of 16.
        image_sizes: int32 [B, 2], height and width of each image without its padding.

    Returns:
        `feature_grid`: float [B, H/16, W/4, D]; zero on the padding.
        `cells`: bool [B, H/16, W/4], true on the image.

    Raises:
        ValueError: If `window` is not odd.
    """

    stride = (16, 4)

    def __init__(
        self,
        width: float = 1.0,
        channels: tuple[int, int, int] = (64, 128, 256),
        depths: tuple[int, int, int] = (3, 6, 3),
        local: int = 6,
        head_width: int = 32,
        window: tuple[int, int] = (7, 11),
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        if not all(size % 2 for size in window):
            raise ValueError(f"`window` must be odd. Received: {window}")
        scaled = [scaled_channels(count, width) for count in channels]
        self.patches = [
            ConvolutionUnit(scaled_channels(scaled[0], 0.5), 3, (2, 2), name="patches_0"),
            ConvolutionUnit(scaled[0], 3, (2, 2), name="patches_1"),
        ]
        self.places = keras.layers.DepthwiseConv2D(3, padding="same", name="places")
        # One list: a `.keras` file of Keras 3.12 leaves out layers in lists of lists.
        self.depths = tuple(depths)
        self.blocks = [
            MixingBlock(count, head_width, name=f"stage_{stage}_block_{block}")
            for stage, (count, depth) in enumerate(zip(scaled, depths, strict=True))
            for block in range(depth)
        ]
        self.merges = [
            keras.layers.Conv2D(count, 3, (2, 1), padding="same", name=f"merge_{stage}")
            for stage, count in enumerate(scaled[1:])
        ]
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-6, name=f"norm_{stage}")
            for stage in range(len(scaled))
        ]
        self.local = local
        self.window = window

    def call(
        self, images: tf.Tensor, image_sizes: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        height, width = images.shape[1], tf.shape(images)[2]

        def cells_at(stride: tuple[int, int]) -> tf.Tensor:
            return valid_cells(image_sizes, height // stride[0], width // stride[1], stride)

        features = images
        for unit, stride in zip(self.patches, ((2, 2), (4, 4)), strict=True):
            cells = cells_at(stride)
            features = unit(features, tf.expand_dims(cells, -1), training=training)
        features = _on_image(features + self.places(features), cells)
        num_local = self.local
        remaining = iter(self.blocks)
        for stage, depth in enumerate(self.depths):
            if stage > 0:
                cells = cells_at((4 * 2**stage, 4))
                features = _on_image(self.merges[stage - 1](features), cells)
            blocks = list(itertools.islice(remaining, depth))
            features = self._mix(blocks, features, cells, num_local)
            features = _on_image(self.norms[stage](features), cells)
            num_local -= depth
        return features, cells

    def _mix(
        self, blocks: list[MixingBlock], features: tf.Tensor, cells: tf.Tensor, num_local: int
    ) -> tf.Tensor:
        rows, channels = features.shape[1], features.shape[3]
        batch_size, columns = tf.shape(features)[0], tf.shape(features)[2]
        tokens = tf.reshape(features, (batch_size, rows * columns, channels))
        is_image = tf.reshape(cells, (batch_size, 1, 1, rows * columns))
        in_sight = is_image
        if num_local > 0:
            in_sight = is_image & in_window(rows, columns, self.window)
        sees_all, sees_window = mask_bias(is_image), mask_bias(in_sight)
        for index, block in enumerate(blocks):
            tokens = block(tokens, sees_window if index < num_local else sees_all)
        return tf.reshape(tokens, (batch_size, rows, columns, channels))


def in_window(rows: int, columns: tf.Tensor, window: tuple[int, int]) -> tf.Tensor:
    """Return bool [N, N]: whether cell n of a grid of N cells lies in the window of another."""
    is_near = [
        tf.abs(tf.expand_dims(tf.range(count), 1) - tf.range(count)) <= size // 2
        for count, size in zip((rows, columns), window, strict=True)
    ]
    near = tf.reshape(is_near[0], (rows, 1, rows, 1)) & tf.reshape(
        is_near[1], (1, columns, 1, columns)
    )
    return tf.reshape(near, (rows * columns, rows * columns))


def _on_image(features: tf.Tensor, cells: tf.Tensor) -> tf.Tensor:
    return features * tf.cast(tf.expand_dims(cells, -1), features.dtype)

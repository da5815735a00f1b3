"""The graph of an exported model: image files in, texts out, all preprocessing inside."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from attention_ocr.decoding.context import prepare_decoding
from attention_ocr.images.graph_decode import decodes_in_graph, over_contrast
from attention_ocr.images.graph_fitting import decode_or_blank, fit_image
from attention_ocr.inference.engines.signature_names import (
    ALTERNATIVES,
    BEAM_SIGNATURE,
    CLASSIFY_SIGNATURE,
    EXAMPLE_FEATURE,
    FLOAT_PIXELS_SIGNATURE,
    PIXELS_SIGNATURE,
    RAW_PIXELS_SIGNATURE,
    SERVING_SIGNATURE,
    STATUS_NOT_IN_GRAPH,
    STATUS_OK,
    STATUS_UNREADABLE,
)
from attention_ocr.inference.recognize import recognize
from attention_ocr.inference.work_directory import TrainedModel
from attention_ocr.settings.image import WIDTH_MULTIPLE, ImageConfig

Serve = Callable[[tf.Tensor], dict[str, tf.Tensor]]
ServeRaw = Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]
Prepared = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


def make_serving_function(model: TrainedModel) -> Serve:
    """Return the graph that reads files by the decoding settings of the model.

    The returned function takes `images` string [B], each the bytes of a file of any size that
    `images.graph_decode.decodes_in_graph` accepts, and returns

    - `text` string [B], UTF-8;
    - `confidence` float32 [B] in [0, 1], probability of the whole text;
    - `character_confidences` float32 [B, L] in [0, 1], 0 after the last character;
    - `attention` float32 [B, L, H', W'], where each character was read, over the padded image;
    - `attention_extent` float32 [B, 2], the fractions of the attention's height and width that the
      content fills: crop the attention there and stretch it over the image;
    - `status` string [B]: `ok`, or why the image is unreadable: `STATUS_UNREADABLE` if it is
      damaged, `STATUS_NOT_IN_GRAPH` if the graph does not decode its kind.

    A search (`beam_width` above 1) adds the n best texts, the best first: `texts` string [B, n],
    `text_confidences` float32 [B, n] and `text_scores` float32 [B, n], the scores of the search;
    -inf if there are fewer texts.

    An unreadable image has an empty text and confidence 0 and changes no other row.

    Args:
        model: Model that computes in float32.
    """
    return _serve_files(_make_read(model), model.config.image)


def make_pixel_function(model: TrainedModel) -> ServeRaw:
    """Return the graph that reads pixels like `make_serving_function` reads files.

    The returned function takes `pixels` string [B], each the bytes of an image uint8 [h, w, 3], and
    `sizes` int32 [B, 2], their heights and widths, and returns the same outputs. An image without
    bytes, or whose bytes do not match its size, is unreadable.

    Args:
        model: Model that computes in float32.
    """
    return _serve_raw(_make_read(model), model.config.image)


def make_signatures(model: TrainedModel) -> dict[str, Serve | ServeRaw]:
    """Return the graphs of an export by the names of their signatures; all share one network.

    - `serving_default` takes files and returns the outputs of `make_serving_function` without the
      n best texts; `beam`, only there with a search, returns all.
    - `images` and `images_float` take pixels: `images` uint8 or float32 [B, h, w, 1, 3 or 4] in
      [0, 255], gray, RGB or RGBA of any height and width. Outputs like `serving_default`; an image
      with a value that is not finite, or without pixels, is unreadable.
    - `raw_pixels` takes pixels of images of several sizes, see `make_pixel_function`, and returns
      all outputs.
    - `classify` takes `inputs` string [B], serialised `tf.train.Example`s whose feature
      `image/encoded` is a file, and returns `classes` string [B, n], the best texts, and `scores`
      float32 [B, n], their confidences: the Classification API of TF Serving.

    Args:
        model: Model that computes in float32.
    """
    read, settings = _make_read(model), model.config.image
    searches = model.config.decoding.beam_width > 1
    serve = _serve_files(read, settings)
    signatures: dict[str, Serve | ServeRaw] = {
        SERVING_SIGNATURE: _without_alternatives(serve) if searches else serve,
        PIXELS_SIGNATURE: _serve_pixels(read, settings, tf.uint8),
        FLOAT_PIXELS_SIGNATURE: _serve_pixels(read, settings, tf.float32),
        RAW_PIXELS_SIGNATURE: _serve_raw(read, settings),
        CLASSIFY_SIGNATURE: _classify(serve),
    }
    return signatures | ({BEAM_SIGNATURE: serve} if searches else {})


def _make_read(model: TrainedModel) -> Callable[..., dict[str, tf.Tensor]]:
    """Return the graph from prepared images to outputs, traced once for all signatures."""
    config, charset, recognizer = model
    decoding = prepare_decoding(config, charset)
    image = config.image

    @tf.function(
        input_signature=(
            tf.TensorSpec((None, image.input_height, None, image.image_channels), tf.float32),
            tf.TensorSpec((None, 2), tf.int32),
            tf.TensorSpec((None,), tf.bool),
        )
    )
    def read(images: tf.Tensor, sizes: tf.Tensor, readable: tf.Tensor) -> dict[str, tf.Tensor]:
        recognition = recognize(recognizer, decoding, images, sizes)
        seen = tf.cast(readable, tf.float32)
        padded_size = tf.stack([image.image_height, tf.shape(images)[2]])
        padded_size = tf.cast(padded_size, tf.float32)
        outputs = {
            "text": tf.where(readable, recognition.text, ""),
            "confidence": recognition.confidence * seen,
            "character_confidences": recognition.character_confidences * seen[:, None],
            "attention": recognition.attention * seen[:, None, None, None],
            # Several views, side by side in the attention and stacked in `images`, fill the same
            # fraction each.
            "attention_extent": tf.cast(sizes, tf.float32) / padded_size,
            "status": tf.where(readable, STATUS_OK, STATUS_UNREADABLE),
        }
        if recognition.alternatives is not None:
            texts, confidences, scores = recognition.alternatives
            outputs["texts"] = tf.where(readable[:, None], texts, "")
            outputs["text_confidences"] = confidences * seen[:, None]
            outputs["text_scores"] = scores
        return outputs

    return read


def _serve_files(read: Callable[..., dict[str, tf.Tensor]], settings: ImageConfig) -> Serve:
    @tf.function(input_signature=(tf.TensorSpec((None,), tf.string, name="images"),))
    def serve(encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        # The network cannot run on an empty batch: a blank row is added and removed again.
        num_images = tf.shape(encoded)[0]
        stand_in = tf.fill((tf.cast(num_images == 0, tf.int32),), "")
        prepared = prepare_encoded(tf.concat([encoded, stand_in], 0), settings)
        outputs = {name: value[:num_images] for name, value in read(*prepared).items()}
        return outputs | {"status": _named_status(outputs["status"], encoded)}

    return serve


def _named_status(status: tf.Tensor, encoded: tf.Tensor) -> tf.Tensor:
    """Distinguish damaged files from kinds that the graph does not decode."""
    is_bad = tf.equal(status, STATUS_UNREADABLE) & (tf.strings.length(encoded) > 0)

    def named() -> tf.Tensor:
        is_known = tf.map_fn(decodes_in_graph, encoded, fn_output_signature=tf.bool)
        return tf.where(is_bad & ~is_known, STATUS_NOT_IN_GRAPH, status)

    return tf.cond(tf.reduce_any(is_bad), named, lambda: status)


def _serve_pixels(
    read: Callable[..., dict[str, tf.Tensor]], settings: ImageConfig, dtype: tf.DType
) -> Serve:
    @tf.function(input_signature=(tf.TensorSpec((None, None, None, None), dtype, name="images"),))
    def serve_pixels(pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        num_images, channels = tf.shape(pixels)[0], tf.shape(pixels)[3]
        # An image of one pixel stands in: an empty batch can claim any image size, and padding
        # would allocate that much memory.
        prepared = prepare_pixels(
            tf.cond(num_images > 0, lambda: pixels, lambda: tf.zeros((1, 1, 1, channels), dtype)),
            settings,
        )
        outputs = read(*prepared).items()
        return {name: value[:num_images] for name, value in outputs if name not in ALTERNATIVES}

    return serve_pixels


def _serve_raw(read: Callable[..., dict[str, tf.Tensor]], settings: ImageConfig) -> ServeRaw:
    @tf.function(
        input_signature=(
            tf.TensorSpec((None,), tf.string, name="pixels"),
            tf.TensorSpec((None, 2), tf.int32, name="sizes"),
        )
    )
    def serve_raw(pixels: tf.Tensor, sizes: tf.Tensor) -> dict[str, tf.Tensor]:
        # A blank row is added to an empty batch, as for files.
        num_images = tf.shape(sizes)[0]
        num_stand_ins = tf.cast(num_images == 0, tf.int32)
        pixels = tf.concat([pixels, tf.fill((num_stand_ins,), "")], 0)
        sizes = tf.concat([sizes, tf.zeros((num_stand_ins, 2), tf.int32)], 0)
        prepared = prepare_raw(pixels, sizes, settings)
        return {name: value[:num_images] for name, value in read(*prepared).items()}

    return serve_raw


def _without_alternatives(serve: Serve) -> Serve:
    @tf.function(input_signature=(tf.TensorSpec((None,), tf.string, name="images"),))
    def serve_best(encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        return {name: value for name, value in serve(encoded).items() if name not in ALTERNATIVES}

    return serve_best


def _classify(serve: Serve) -> Serve:
    @tf.function(input_signature=(tf.TensorSpec((None,), tf.string, name="inputs"),))
    def classify(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        # A missing image is an empty one, which is unreadable.
        feature = tf.io.FixedLenFeature((), tf.string, default_value="")
        outputs = serve(tf.io.parse_example(examples, {EXAMPLE_FEATURE: feature})[EXAMPLE_FEATURE])
        if "texts" in outputs:
            return {"classes": outputs["texts"], "scores": outputs["text_confidences"]}
        return {"classes": outputs["text"][:, None], "scores": outputs["confidence"][:, None]}

    return classify


def prepare_encoded(encoded: tf.Tensor, settings: ImageConfig) -> Prepared:
    """Decode and scale the files of a batch one by one, and pad them to the widest.

    Args:
        encoded: string [B], B at least 1.
        settings: Image settings.

    Returns:
        `images` float32 [B, H, W, C], `image_sizes` int32 [B, 2], `readable` bool [B].
    """

    def prepare(file: tf.Tensor) -> Prepared:
        image = decode_or_blank(file)
        fitted, size = _fit_to_widest(image, settings)
        return fitted, size, tf.size(image) > 0

    return _prepare_each(prepare, encoded, settings)


def prepare_pixels(pixels: tf.Tensor, settings: ImageConfig) -> Prepared:
    """Scale a batch of images of one size.

    Args:
        pixels: uint8 or float32 [B, h, w, 1, 3 or 4] in [0, 255], B at least 1.
        settings: Image settings.

    Returns:
        As `prepare_encoded`.

    Raises:
        tf.errors.InvalidArgumentError: If there is another number of channels.
    """
    channels = tf.shape(pixels)[-1]
    known = tf.reduce_any(tf.equal(channels, (1, 3, 4)))
    message = "`images` must have 1 (gray), 3 (RGB) or 4 (RGBA) channels. Received:"
    with tf.control_dependencies([tf.debugging.Assert(known, [message, channels])]):
        pixels = tf.identity(pixels)

    def colour(image: tf.Tensor) -> tf.Tensor:
        return tf.case(
            [
                (tf.equal(channels, 1), lambda: tf.tile(image, (1, 1, 3))),
                (tf.equal(channels, 4), lambda: over_contrast(image)),
            ],
            lambda: image,
        )

    def prepare(image: tf.Tensor) -> Prepared:
        image = tf.cast(image, tf.float32)
        finite = tf.reduce_all(tf.math.is_finite(image))
        image = tf.clip_by_value(tf.where(finite, image, 0.0), 0.0, 255.0)
        fitted, size = _fit_to_widest(tf.ensure_shape(colour(image), (None, None, 3)), settings)
        return fitted, size, finite & (tf.size(image) > 0)

    return _prepare_each(prepare, pixels, settings)


def prepare_raw(pixels: tf.Tensor, sizes: tf.Tensor, settings: ImageConfig) -> Prepared:
    """Scale a batch of images, of different sizes, and pad them to the widest.

    Args:
        pixels: string [B], bytes of images uint8 [h, w, 3], B at least 1.
        sizes: int32 [B, 2], their heights and widths.
        settings: Image settings.

    Returns:
        As `prepare_encoded`.
    """

    def prepare(row: tuple[tf.Tensor, tf.Tensor]) -> Prepared:
        values, size = tf.io.decode_raw(row[0], tf.uint8), tf.cast(row[1], tf.int64)
        num_values = tf.size(values, tf.int64)
        # A side above the number of values could make the product overflow.
        is_possible = tf.reduce_all((size > 0) & (size <= num_values))
        readable = is_possible & tf.equal(num_values, 3 * tf.reduce_prod(size))
        shape = tf.where(readable, size, 0)
        image = tf.reshape(values[: 3 * tf.reduce_prod(shape)], (shape[0], shape[1], 3))
        fitted, fitted_size = _fit_to_widest(image, settings)
        return fitted, fitted_size, readable

    return _prepare_each(prepare, (pixels, sizes), settings)


def _fit_to_widest(image: tf.Tensor, settings: ImageConfig) -> tuple[tf.Tensor, tf.Tensor]:
    fitted, size, _ = fit_image(image, settings)
    missing = _widest(settings) - tf.shape(fitted)[1]
    return tf.pad(fitted, ((0, 0), (0, missing), (0, 0))), size


def _widest(settings: ImageConfig) -> int:
    return settings.max_image_width + -settings.max_image_width % WIDTH_MULTIPLE


def _prepare_each(
    prepare: Callable[[Any], Prepared], batch: Any, settings: ImageConfig
) -> Prepared:
    shape = (settings.input_height, _widest(settings), settings.image_channels)

    def prepare_one(entry: Any) -> Prepared:
        image, size, readable = prepare(entry)
        return tf.ensure_shape(image, shape), size, readable

    images, sizes, readable = tf.map_fn(
        prepare_one,
        batch,
        fn_output_signature=(
            tf.TensorSpec(shape, tf.float32),
            tf.TensorSpec((2,), tf.int32),
            tf.TensorSpec((), tf.bool),
        ),
    )
    width = tf.reduce_max(sizes[:, 1])
    return images[:, :, : width + -width % WIDTH_MULTIPLE], sizes, readable

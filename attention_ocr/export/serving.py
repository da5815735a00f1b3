"""What an exported model does: encoded images in, texts out, all preprocessing inside."""

from collections.abc import Callable

import tensorflow as tf

from attention_ocr.data.images import WIDTH_MULTIPLE, decode_or_blank, fit_image
from attention_ocr.decoding.prepare import prepare_decoding
from attention_ocr.recognition import recognize
from attention_ocr.settings.image import ImageConfig
from attention_ocr.work_directory import TrainedModel

STATUS_OK = "ok"
STATUS_UNREADABLE = "unreadable image"
ALTERNATIVES = ("texts", "text_confidences", "text_scores")

Serve = Callable[[tf.Tensor], dict[str, tf.Tensor]]


def make_serving_function(model: TrainedModel) -> Serve:
    """Return the graph that an export serves.

    The returned function takes `images` string [B], each the bytes of a PNG, JPEG, BMP or GIF of
    any size, and returns

    - `text` string [B], UTF-8;
    - `confidence` float32 [B] in [0, 1], probability of the whole text;
    - `character_confidences` float32 [B, L] in [0, 1], 0 behind the last character;
    - `attention` float32 [B, L, H', W'], where each character was read, over the padded picture;
    - `attention_extent` float32 [B, 2], the shares of the attention's height and width that the
      picture fills: cut the attention there and stretch it over the picture;
    - `status` string [B], `ok` or `unreadable image`.

    With a search (`beam_width` above 1), the n best texts come on top, the best first: `texts`
    string [B, n], `text_confidences` float32 [B, n] and `text_scores` float32 [B, n], by which
    the search put them in order; -inf where no other text was left.

    An unreadable image has an empty text and confidence 0 and changes no other row.

    Args:
        model: computing in float32.
    """
    config, charset, recognizer = model
    decoding = prepare_decoding(config, charset)

    @tf.function(input_signature=(tf.TensorSpec((None,), tf.string, name="images"),))
    def serve(encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        num_images = tf.shape(encoded)[0]
        # The network cannot run on an empty batch; a blank row stands in and is cut off again.
        stand_in = tf.fill((tf.cast(num_images == 0, tf.int32),), "")
        images, sizes, readable = prepare_encoded(tf.concat([encoded, stand_in], 0), config.image)
        recognition = recognize(recognizer, decoding, images, sizes)
        seen = tf.cast(readable, tf.float32)
        padded_size = tf.stack([config.image.image_height, tf.shape(images)[2]])
        padded_size = tf.cast(padded_size, tf.float32)
        outputs = {
            "text": tf.where(readable, recognition.text, ""),
            "confidence": recognition.confidence * seen,
            "character_confidences": recognition.character_confidences * seen[:, None],
            "attention": recognition.attention * seen[:, None, None, None],
            # Of several views, side by side in the attention and one below the other in `images`,
            # each fills the same share.
            "attention_extent": tf.cast(sizes, tf.float32) / padded_size,
            "status": tf.where(readable, STATUS_OK, STATUS_UNREADABLE),
        }
        if recognition.alternatives is not None:
            texts, confidences, scores = recognition.alternatives
            outputs["texts"] = tf.where(readable[:, None], texts, "")
            outputs["text_confidences"] = confidences * seen[:, None]
            outputs["text_scores"] = scores
        return {name: value[:num_images] for name, value in outputs.items()}

    return serve


def without_alternatives(serve: Serve) -> Serve:
    """Return a graph that serves the same but for the n best texts.

    Args:
        serve: from `make_serving_function`.
    """

    @tf.function(input_signature=(tf.TensorSpec((None,), tf.string, name="images"),))
    def serve_best(encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        return {name: value for name, value in serve(encoded).items() if name not in ALTERNATIVES}

    return serve_best


def prepare_encoded(
    encoded: tf.Tensor, settings: ImageConfig
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Decode and scale a batch of files, each alone, and pad them to the widest.

    Args:
        encoded: string [B], B at least 1.
        settings: of the image.

    Returns:
        `images` float32 [B, H, W, C], `image_sizes` int32 [B, 2], `readable` bool [B].
    """
    widest = settings.max_image_width + -settings.max_image_width % WIDTH_MULTIPLE

    def prepare(file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        image = decode_or_blank(file)
        fitted, size, _ = fit_image(image, settings)
        fitted = tf.pad(fitted, ((0, 0), (0, widest - tf.shape(fitted)[1]), (0, 0)))
        shape = (settings.input_height, widest, settings.image_channels)
        return tf.ensure_shape(fitted, shape), size, tf.size(image) > 0

    images, sizes, readable = tf.map_fn(
        prepare,
        encoded,
        fn_output_signature=(
            tf.TensorSpec((settings.input_height, widest, settings.image_channels), tf.float32),
            tf.TensorSpec((2,), tf.int32),
            tf.TensorSpec((), tf.bool),
        ),
    )
    width = tf.reduce_max(sizes[:, 1])
    return images[:, :, : width + -width % WIDTH_MULTIPLE], sizes, readable

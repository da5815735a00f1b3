"""ONNX: a model in one file for any runtime of that standard, batch and width dynamic."""

from pathlib import Path

import tensorflow as tf

from attention_ocr.decoding.prepare import prepare_decoding
from attention_ocr.engines.notes import BLANK_DIGEST, make_notes
from attention_ocr.engines.onnx import digest_of
from attention_ocr.engines.prepared import IMAGE_SIZES, IMAGES, OUTPUTS
from attention_ocr.recognition import recognize_ids
from attention_ocr.work_directory import TrainedModel

OPSET = 18


def write_onnx(model: TrainedModel, path: Path) -> None:
    """Write an `.onnx` file, whose loops are inside.

    Args:
        model: computing in float32; its sequence layers are made convertible.
        path: of the file.

    Raises:
        ImportError: tf2onnx is not installed.
        ValueError: a part of the model cannot be converted; the message names it.
        OSError: the file cannot be written.
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise ImportError(
            "`format=onnx` needs tf2onnx: pip install 'attention-ocr[onnx]'"
        ) from error
    config, charset, recognizer = model
    recognizer.make_convertible()
    decoding = prepare_decoding(config, charset)
    shape = (None, config.image.input_height, None, config.image.image_channels)

    @tf.function(
        input_signature=(
            tf.TensorSpec(shape, tf.float32, name=IMAGES),
            tf.TensorSpec((None, 2), tf.int32, name=IMAGE_SIZES),
        ),
        autograph=False,
    )
    def read(images: tf.Tensor, image_sizes: tf.Tensor) -> dict[str, tf.Tensor]:
        return recognize_ids(recognizer, decoding, images, image_sizes)

    try:
        proto, _ = tf2onnx.convert.from_function(
            read, input_signature=read.input_signature, opset=OPSET
        )
    except (ValueError, RuntimeError, NotImplementedError) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"`format=onnx` cannot hold this model: {line}") from error
    _name_axes(proto)
    for name, text in make_notes("onnx", config, charset).to_entries().items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = name, text
    content = proto.SerializeToString(deterministic=True)
    # The digest has the length of what it takes the place of.
    blank, digest = BLANK_DIGEST.encode("ascii"), digest_of(content).encode("ascii")
    place = content.rfind(blank)
    path.write_bytes(content[:place] + digest + content[place + len(blank) :])


def _name_axes(proto: object) -> None:
    """Name the dynamic axes, which the conversion numbers."""
    names = {
        IMAGES: ("batch", None, "width", None),
        IMAGE_SIZES: ("batch", None),
        "token_ids": ("batch", None),
        "confidence": ("batch",),
        "character_confidences": ("batch", None),
        "attention": ("batch", None, "rows", "columns"),
    }
    graph = proto.graph  # type: ignore[attr-defined]
    known = {value.name for value in (*graph.input, *graph.output)}
    if known != set(names):
        raise ValueError(f"Expected {sorted((IMAGES, IMAGE_SIZES, *OUTPUTS))}. Received: {known}")
    for value in (*graph.input, *graph.output):
        for dimension, name in zip(
            value.type.tensor_type.shape.dim, names[value.name], strict=True
        ):
            if name is not None and not dimension.dim_value:
                dimension.dim_param = name

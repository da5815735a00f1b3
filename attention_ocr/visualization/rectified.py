"""Images as the rectifier of a trained model passes them to the encoder."""

from collections.abc import Iterable

import numpy as np

from attention_ocr.images.graph_fitting import unpad_image
from attention_ocr.images.image import raw_pixels
from attention_ocr.inference.inputs import NOT_OPENED, ImageLike, name_of, open_image
from attention_ocr.inference.serving_function import prepare_raw
from attention_ocr.inference.work_directory import TrainedModel


def rectify_images(
    model: TrainedModel, images: Iterable[ImageLike]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rectify images as a model does before it reads them.

    Args:
        model: Model with a rectifier, from `work_directory.load_trained_model`.
        images: Paths, encoded bytes or arrays, see `Reader.read`.

    Returns:
        For each image, in order, two arrays uint8 [h, w, C] of one size: the network's input and
        the rectifier's output, both without padding; views stand side by side.

    Raises:
        ValueError: If the model has no rectifier, or an image cannot be read.

    Example:
        model = load_trained_model(Path("runs/mine"))
        for before, after in rectify_images(model, ["word.png"]):
            show(before, after)
    """
    if model.recognizer.rectifier is None:
        raise ValueError("Expected a model with a rectifier. Received: rectifier='none'")
    opened = []
    for index, image in enumerate(images):
        opened.append(open_image(image))
        error = opened[-1].error
        if error is not None:
            reason = error if error.startswith(NOT_OPENED) else f"cannot be read: {error}"
            raise ValueError(f"Image {index} {reason}; received {name_of(image) or 'no name'}")
    if not opened:
        return []
    fitted, sizes, _ = prepare_raw(*raw_pixels(opened), model.config.image)
    rectified = model.recognizer.rectify(fitted, sizes)
    num_views = model.config.image.num_views
    return [
        (unpad_image(before, size, num_views), unpad_image(after, size, num_views))
        for before, after, size in zip(
            fitted.numpy(), rectified.numpy(), sizes.numpy(), strict=True
        )
    ]

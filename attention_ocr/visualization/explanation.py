"""Where the network looked for each character of an image: attention, gradient or feedback."""

import dataclasses
import os

from attention_ocr.images.image import raw_pixels
from attention_ocr.inference.inputs import open_image
from attention_ocr.inference.reader import ImageLike, Reading, load
from attention_ocr.inference.serving_function import prepare_raw
from attention_ocr.inference.work_directory import WEIGHTS_FILE, find_model, load_trained_model
from attention_ocr.text.charset import normalize
from attention_ocr.visualization.saliency import feedback_saliency, gradient_saliency

METHODS = ("attention", "gradient", "feedback")


class Explainer:
    """Maps each character of a reading to the parts of the image that support it.

    Args:
        path: A work directory; an export has no gradients. `None` takes the weights that come with
            the package.
        method: `attention`, the weights of the head that reads; `gradient` or `feedback`, the
            saliency of the pixels, see `attention_ocr.visualization.saliency`.

    Raises:
        FileNotFoundError: If there is no model.
        ValueError: If the method is unknown, or the model is an export or damaged.

    Example:
        reading = Explainer("runs/mine", "gradient").explain("word.png")
        reading.attention  # float32 [n, H, W], a map for each of the n characters
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, method: str = "gradient"
    ) -> None:
        if method not in METHODS:
            raise ValueError(f"`method` must be one of {', '.join(METHODS)}. Received: {method!r}")
        directory = find_model(path)
        if not (directory / WEIGHTS_FILE).is_file():
            raise ValueError(f"An explanation needs a work directory. Received: {directory}")
        self.method = method
        self._reader = load(directory, engine="tensorflow", second_looks=False)
        self._model = load_trained_model(directory)

    def explain(self, image: ImageLike, text: str | None = None) -> Reading:
        """Read an image, and locate each character.

        Args:
            image: As in `Reader.read`.
            text: Text to explain in place of the prediction; the saliency of the attention head can
                explain any text.

        Returns:
            The reading, its `attention` holding the maps: float32 [n, H, W] over the padded image
            for a saliency, non-negative.

        Raises:
            ValueError: If the text has characters that the model lacks, or the method cannot
                explain another text than the prediction.
        """
        opened = open_image(image)
        (reading,) = self._reader.read(opened)
        if reading.error is not None:
            return reading
        target = reading.text if text is None else normalize(text)
        if self.method == "attention":
            if target != reading.text:
                raise ValueError(
                    f"Attention exists only for the prediction {reading.text!r}. Received: {text!r}"
                )
            return reading
        charset = self._model.charset
        if unknown := charset.unknown_characters(target):
            raise ValueError(
                f"The model lacks the characters {', '.join(map(repr, unknown))}. "
                f"Received: {target!r}"
            )
        images, sizes, _ = prepare_raw(*raw_pixels([opened]), self._model.config.image)
        head = "ctc" if self._model.config.decoding.decoding == "ctc" else "attention"
        saliency = gradient_saliency if self.method == "gradient" else feedback_saliency
        maps = saliency(self._model.recognizer, images, sizes, charset.encode(target), head)
        return dataclasses.replace(reading, text=target, attention=maps.numpy())

"""The CTC head, which predicts a character or blank in every column."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="attention_ocr")
class CTCHead(keras.layers.Dense):
    """Projects columns to the logits of CTC (Graves et al., 2006).

    `logits = columns W + b`, in float32 whatever the compute dtype. The blank is a token of the
    vocabulary, `attention_ocr.text.charset.BLANK_ID`.

    Args:
        vocabulary_size: V.

    Call arguments:
        inputs: float [B, W', D].

    Returns:
        float32 [B, W', V].
    """

    def __init__(self, vocabulary_size: int, **kwargs: Any) -> None:
        super().__init__(vocabulary_size, **{**kwargs, "dtype": "float32"})

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            "vocabulary_size": self.units,
            "name": self.name,
            "trainable": self.trainable,
        }

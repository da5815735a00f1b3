"""Recognisers: composed of layers or built from settings, saved and loaded.

The layers themselves are in `attention_ocr.layers`; `build` is the one map from settings to layers.
"""

from typing import TYPE_CHECKING

from attention_ocr.public_names import public_names

if TYPE_CHECKING:
    from attention_ocr.inference.work_directory import (
        TrainedModel,
        load_trained_model,
        save_trained_model,
    )
    from attention_ocr.models.build import build_recognizer
    from attention_ocr.models.losses import (
        RecognitionLoss,
        attention_loss,
        ctc_loss,
        reinforce_loss,
    )
    from attention_ocr.models.recognizer import EncoderOutput, Recognizer, portable_copy
    from attention_ocr.models.serialization import load_recognizer
else:
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "attention_ocr.inference.work_directory": (
                "TrainedModel",
                "load_trained_model",
                "save_trained_model",
            ),
            "attention_ocr.models.build": ("build_recognizer",),
            "attention_ocr.models.losses": (
                "RecognitionLoss",
                "attention_loss",
                "ctc_loss",
                "reinforce_loss",
            ),
            "attention_ocr.models.recognizer": ("EncoderOutput", "Recognizer", "portable_copy"),
            "attention_ocr.models.serialization": ("load_recognizer",),
        },
    )

__all__ = [
    "EncoderOutput",
    "RecognitionLoss",
    "Recognizer",
    "TrainedModel",
    "attention_loss",
    "build_recognizer",
    "ctc_loss",
    "load_recognizer",
    "load_trained_model",
    "portable_copy",
    "reinforce_loss",
    "save_trained_model",
]

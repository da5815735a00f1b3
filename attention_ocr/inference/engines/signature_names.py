"""Names of the signatures of a SavedModel, and of their outputs."""

from attention_ocr.images.formats import STATUS_NOT_IN_GRAPH, STATUS_UNREADABLE

__all__ = [
    "ALTERNATIVES",
    "BEAM_SIGNATURE",
    "CLASSIFY_METHOD",
    "CLASSIFY_SIGNATURE",
    "EXAMPLE_FEATURE",
    "FLOAT_PIXELS_SIGNATURE",
    "PIXELS_SIGNATURE",
    "RAW_PIXELS_SIGNATURE",
    "SERVING_SIGNATURE",
    "STATUS_NOT_IN_GRAPH",
    "STATUS_OK",
    "STATUS_UNREADABLE",
]

SERVING_SIGNATURE = "serving_default"
BEAM_SIGNATURE = "beam"
PIXELS_SIGNATURE = "images"
FLOAT_PIXELS_SIGNATURE = "images_float"
RAW_PIXELS_SIGNATURE = "raw_pixels"
CLASSIFY_SIGNATURE = "classify"
CLASSIFY_METHOD = "tensorflow/serving/classify"
"""The API of TF Serving that `classify` answers."""

EXAMPLE_FEATURE = "image/encoded"
"""The feature of a `tf.train.Example` that `classify` reads, as in the project's own records."""

STATUS_OK = "ok"
ALTERNATIVES = ("texts", "text_confidences", "text_scores")
"""Outputs of `beam` in addition to those of `serving_default`."""

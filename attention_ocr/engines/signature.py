"""What a SavedModel is asked and answers, by name."""

SERVING_SIGNATURE = "serving_default"
BEAM_SIGNATURE = "beam"
PIXELS_SIGNATURE = "images"
FLOAT_PIXELS_SIGNATURE = "images_float"
CLASSIFY_SIGNATURE = "classify"

EXAMPLE_FEATURE = "image/encoded"
"""The feature of a `tf.train.Example` that `classify` reads, as in the project's own records."""

STATUS_OK = "ok"
STATUS_UNREADABLE = "unreadable image"
ALTERNATIVES = ("texts", "text_confidences", "text_scores")
"""What `beam` answers beside the outputs of `serving_default`."""

"""Write a recogniser as a SavedModel."""

from pathlib import Path

import tensorflow as tf

from attention_ocr.inference.engines.signature_names import CLASSIFY_METHOD, CLASSIFY_SIGNATURE
from attention_ocr.inference.serving_function import make_signatures
from attention_ocr.inference.work_directory import TrainedModel


def save_recognizer(model: TrainedModel, directory: Path) -> None:
    """Write a SavedModel with settings and characters, unchecked.

    Args:
        model: Model to write.
        directory: Created here.

    Raises:
        OSError: If the disk is full or cannot be written.
    """
    module = tf.Module()
    module.signatures_to_keep = signatures = make_signatures(model)
    # Layers must not be attributes: Keras would trace its own functions.
    module.weights = [weight.value for weight in model.recognizer.variables]
    try:
        tf.saved_model.save(module, str(directory), signatures=signatures)
    except tf.errors.OpError as error:
        raise OSError(f"Cannot write {directory}: {error.message}") from error
    _name_method(directory)
    model.config.save(directory)
    model.charset.save(directory)


def _name_method(directory: Path) -> None:
    """Set the method name of `classify`; TensorFlow names every method `predict`."""
    from tensorflow.python.saved_model.method_name_updater import MethodNameUpdater

    updater = MethodNameUpdater(str(directory))
    updater.replace_method_name(CLASSIFY_SIGNATURE, CLASSIFY_METHOD)
    updater.save()

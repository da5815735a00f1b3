"""The training loss: recognition loss and L2 penalty."""

from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from attention_ocr.models.build import make_recognition_loss
from attention_ocr.settings.config import Config
from attention_ocr.training.optimization import NOT_DECAYED


def make_loss(
    config: Config, variables: Sequence[keras.Variable], replicas: int = 1
) -> Callable[..., dict[str, tf.Tensor]]:
    """Return the training loss, a function of outputs, batch and `normalizer`.

    It is the loss of `make_recognition_loss` and, with `l2` above 0, `l2` times half of the squared
    norm of the variables, as `l2_penalty`; biases and normalisation scales are exempt.

    Args:
        config: The settings.
        variables: Trained variables.
        replicas: Number of replicas whose losses are summed; each counts its share of the penalty.
    """
    settings, recognition_loss = config.training, make_recognition_loss(config)
    penalised = [variable for variable in variables if variable.name not in NOT_DECAYED]

    def loss(
        outputs: Mapping[str, tf.Tensor],
        batch: Mapping[str, tf.Tensor],
        normalizer: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        losses = recognition_loss(outputs, batch, normalizer)
        if settings.l2 > 0:
            norms = [tf.nn.l2_loss(variable.value) for variable in penalised]
            losses["l2_penalty"] = settings.l2 / replicas * tf.add_n(norms)
            losses["loss"] += losses["l2_penalty"]
        return losses

    return loss

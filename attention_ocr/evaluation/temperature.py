"""Temperature scaling: calibrate confidences to the accuracy of predictions."""

from collections.abc import Iterable
from typing import NamedTuple

import tensorflow as tf

from attention_ocr.evaluation.evaluate import evaluate_batches, make_recognize
from attention_ocr.evaluation.image_lexicons import has_lexicons, make_lexicon_recognize
from attention_ocr.metrics.calibration import fit_temperature, negative_log_likelihood
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset


class FittedTemperature(NamedTuple):
    """A temperature for the confidences of one head.

    Attributes:
        setting: Its field in `DecodingConfig`.
        value: The temperature.
        loss_before: Negative log-likelihood of right and wrong predictions at temperature 1.
        loss: The same at this temperature.
    """

    setting: str
    value: float
    loss_before: float
    loss: float


def fit_on(
    recognizer: Recognizer,
    config: Config,
    charset: Charset,
    batches: Iterable[dict[str, tf.Tensor]],
    num_examples: int | None = None,
) -> FittedTemperature:
    """Fit the temperature of the decoding head; predictions do not depend on it.

    The data set is evaluated once per tried temperature.

    Args:
        recognizer: The network.
        config: Its settings.
        charset: Its charset.
        batches: Examples not used in training, from `evaluation_batches`.
        num_examples: Number of examples, for the progress bars; None if unknown.

    Raises:
        ValueError: If all predictions are right or all are wrong, which determines no temperature.
    """
    temperature = tf.Variable(1.0, trainable=False)
    make = make_lexicon_recognize if has_lexicons(batches) else make_recognize
    read = make(recognizer, config, charset, temperature)

    def outcomes_at(value: float) -> tuple[list[float], list[bool]]:
        temperature.assign(value)
        evaluation = evaluate_batches(read, batches, charset, num_examples)
        predictions = [p for p in evaluation.predictions if p.readable]
        return [p.confidence for p in predictions], [p.right for p in predictions]

    confidences, right = outcomes_at(1.0)
    if all(right) or not any(right):
        raise ValueError(
            "Fitting a temperature requires right and wrong predictions. "
            f"Received: {sum(right)} right, {len(right) - sum(right)} wrong"
        )
    value = round(fit_temperature(lambda value: negative_log_likelihood(*outcomes_at(value))), 3)
    return FittedTemperature(
        setting="ctc_temperature" if config.decoding.decoding == "ctc" else "attention_temperature",
        value=value,
        loss_before=negative_log_likelihood(confidences, right),
        loss=negative_log_likelihood(*outcomes_at(value)),
    )

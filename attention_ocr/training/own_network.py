"""Training a recogniser composed of layers: checks of its settings, and saving its layers."""

from pathlib import Path
from typing import Any

import numpy as np

from attention_ocr.inference.network_file import (
    check_vocabulary,
    has_network,
    precision_of,
    read_network,
    save_network,
)
from attention_ocr.models.build import example_inputs
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.models.serialization import serialize_layer
from attention_ocr.settings.checks import check
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.text.charset import Charset


def check_network(recognizer: Recognizer, config: Config) -> None:
    """Refuse settings that do not match a composed recogniser.

    Raises:
        ValueError: If a setting does not match; the message names it.
    """
    model, training = config.model, config.training
    for name, head, weight in (
        ("attention_weight", recognizer.decoder, model.attention_weight),
        ("ctc_weight", recognizer.ctc_head, model.ctc_weight),
    ):
        expected = "be 0 for a recogniser without its head" if head is None else "be above 0"
        check((head is not None) == (weight > 0), f"`{name}` must {expected}.", weight)
    check(
        recognizer.num_views == config.image.num_views,
        f"`num_views` must be that of the recogniser, {recognizer.num_views}.",
        config.image.num_views,
    )
    rows = recognizer.encoder.stride[0]
    check(
        config.image.image_height % rows == 0,
        f"`image_height` must be divisible by {rows}, the stride of the encoder.",
        config.image.image_height,
    )
    precision = precision_of(recognizer)
    check(
        training.precision in ("auto", precision),
        f"`precision` must be that in which the recogniser was composed, {precision}, or auto.",
        training.precision,
    )
    check(
        training.scheduled_sampling == "none"
        or getattr(recognizer.decoder, "seed_generator", None) is not None,
        "`scheduled_sampling` needs a decoder with `samples_feedback`.",
        training.scheduled_sampling,
    )
    for name in ("init_from", "encoder_weights"):
        value = getattr(training, name)
        check(not value, f"`{name}` must be empty: a composed recogniser has weights.", value)


def initial_values(recognizer: Recognizer, config: Config) -> list[np.ndarray]:
    """Return the weights of a recogniser in its order, building it if necessary."""
    if not recognizer.built:
        recognizer(example_inputs(config), training=False)
    values: list[np.ndarray] = recognizer.get_weights()
    return values


def keep_network(recognizer: Recognizer, charset: Charset, work_dir: Path) -> None:
    """Write the layers of a recogniser into a new work directory, or check them against an old one.

    Args:
        recognizer: The recogniser to train.
        charset: Charset of the model.
        work_dir: Work directory; its settings are not written yet.

    Raises:
        ValueError: If the recogniser has another charset, or the directory holds another one.
    """
    decoder, head = recognizer.decoder, recognizer.ctc_head
    check_vocabulary(getattr(decoder, "vocabulary_size", None), charset)
    check_vocabulary(getattr(head, "units", None), charset)
    if not (work_dir / CONFIG_FILE).exists():
        save_network(recognizer, work_dir)
    elif not has_network(work_dir) or not _alike(
        read_network(work_dir), serialize_layer(recognizer)
    ):
        raise ValueError(
            f"{work_dir} holds a model with another network; train this one in another directory."
        )


def _alike(network: Any, other: Any) -> bool:
    """Return whether two configurations are equal but for names, some of which Keras numbers."""
    if isinstance(network, dict) and isinstance(other, dict):
        return network.keys() == other.keys() and all(
            name == "name" or _alike(value, other[name]) for name, value in network.items()
        )
    if isinstance(network, list | tuple) and isinstance(other, list | tuple):
        return len(network) == len(other) and all(map(_alike, network, other))
    return bool(network == other)

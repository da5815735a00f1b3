"""The mean of the weights of several models of one network."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from attention_ocr.inference.work_directory import (
    load_trained_model,
    weight_values,
    write_for_reading,
)
from attention_ocr.settings.formats import FILES


def average_models(sources: Sequence[Path], target: Path, shares: Sequence[float] = ()) -> Path:
    """Write the model whose weights are the mean of those of others.

    The mean of a fine-tuned model and the one that it started from often keeps what both can do
    (Wortsman et al., Robust fine-tuning of zero-shot models, 2022, section 3); so does that of
    several runs from one start (Wortsman et al., Model soups, 2022, section 2). Models that were
    trained from different random weights have no useful mean.

    Args:
        sources: Two or more work directories or bundled models, with equal networks and characters.
            The settings of reading are those of the first.
        target: Created here; a model that it holds is replaced.
        shares: Share of each model, above 0, divided by their sum; by default equal.

    Returns:
        The weights file.

    Raises:
        FileNotFoundError: If a model is missing.
        ValueError: If a model is damaged or of another network than the first, `target` is one of
            them, or the shares do not fit.
        OSError: If a file cannot be written.
    """
    if len(sources) < 2 or len(shares) not in (0, len(sources)):
        raise ValueError(
            "Expected two or more models, and as many shares if any. "
            f"Received: {len(sources)} models, {len(shares)} shares"
        )
    shares = shares or [1.0] * len(sources)
    if not all(0 < share < float("inf") for share in shares):
        raise ValueError(f"Expected shares above 0. Received: {', '.join(map(str, shares))}")
    if target.resolve() in {source.resolve() for source in sources}:
        raise ValueError(f"Expected another directory for the mean. Received: {target}")
    model = load_trained_model(sources[0])
    kept = weight_values(model.recognizer)
    total = {name: np.zeros(value.shape, np.float64) for name, value in kept.items()}
    for index, (source, share) in enumerate(zip(sources, shares, strict=True)):
        other = load_trained_model(source) if index else model
        values = weight_values(other.recognizer)
        if other.charset.characters != model.charset.characters:
            raise ValueError(
                f"Expected the characters of {sources[0]}. Received: {source} with others"
            )
        for name in sorted({*kept, *values}):
            shapes = [held[name].shape if name in held else "nothing" for held in (kept, values)]
            if shapes[0] != shapes[1]:
                raise ValueError(
                    f"Expected the network of {sources[0]}, whose `{name}` is {shapes[0]}. "
                    f"Received: {source} with {shapes[1]}"
                )
            total[name] += share * values[name]
    mean = {name: (value / sum(shares)).astype(kept[name].dtype) for name, value in total.items()}
    # A file of the weights before would be refused.
    for file in FILES.values():
        (target / file).unlink(missing_ok=True)
    return write_for_reading(model, mean, sources[0], target)

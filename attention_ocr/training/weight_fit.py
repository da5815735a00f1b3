"""Check that pretrained weights fit the network of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attention_ocr.models.build import build_recognizer
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.training.inherited_settings import differing_settings, model_directory
from attention_ocr.training.initial_weights import (
    NOT_IN_OTHER,
    OTHER_SHAPE,
    SavedWeights,
    Transfer,
    has_prefix,
    read_saved_weights,
    transfer_weights,
)

SHAPELESS = frozenset(
    {
        "attention_heads",
        "attention_normalization",
        "attention_weight",
        "cell_clip",
        "ctc_weight",
        "dropout",
        "hard_soft_share",
        "hard_temperature",
        "max_length",
        "narrow_stretch",
    }
)
"""Network settings that do not change the shape of weights common to both networks."""


def check_initial_weights(config: Config, work_dir: Path) -> None:
    """Refuse, before anything is written, settings that the weights of `init_from` do not fit.

    A part that only one of the networks has (a rectifier, a CTC head) is allowed, as is another
    charset. A resumed run is not checked.

    Args:
        config: Settings of the run.
        work_dir: Work directory of the run.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If weights of a part that both networks have cannot be transferred; the message
            names the differing settings.
    """
    settings = config.training
    if not settings.init_from or (work_dir / CONFIG_FILE).is_file():
        return
    differing = differing_settings(Config.load(model_directory(settings.init_from)), config)
    if not differing:
        return
    saved = read_saved_weights(settings.init_from)
    prefixes = settings.init_parts.split(",") if settings.init_parts else []
    recognizer = build_recognizer(config, saved.charset)
    num_rows = config.image.image_height // recognizer.encoder.stride[0]
    transfer = transfer_weights(recognizer, saved.charset, saved, prefixes, num_rows)
    if misfits := find_misfits(transfer, saved, prefixes):
        raise ValueError(_explain(settings.init_from, misfits, transfer, differing))


def find_misfits(
    transfer: Transfer, saved: SavedWeights, prefixes: list[str] | None = None
) -> dict[str, str]:
    """Return the weights of shared parts that exist in one network only, or differ in shape.

    Additional weights of a decoder or an attention are not a misfit: they are learned alongside the
    transferred ones. In the middle of an encoder they would destroy what those have learned, unless
    they start as the identity.

    Args:
        transfer: Outcome of the transfer.
        saved: Weights of the pretrained model.
        prefixes: Requested path prefixes; None for all.

    Returns:
        The reason by the name of the weight.
    """
    old_parts = {_part(name) for name in saved.values}
    new_parts = {_part(name) for name in (*transfer.taken, *transfer.left)}
    misfits = {
        name: reason
        for name, reason in transfer.left.items()
        if reason.startswith(OTHER_SHAPE)
        or (reason == NOT_IN_OTHER and _part(name) == "encoder" and "encoder" in old_parts)
    }
    known = {*transfer.taken, *transfer.left}
    for name in saved.values:
        asked_for = not prefixes or any(has_prefix(name, prefix) for prefix in prefixes)
        if asked_for and name not in known and _part(name) in new_parts:
            misfits[name] = "not in this network"
    return misfits


def _part(name: str) -> str:
    return name.split("/", maxsplit=1)[0]


def _explain(
    init_from: str,
    misfits: Mapping[str, str],
    transfer: Transfer,
    differing: Mapping[str, tuple[Any, Any]],
) -> str:
    shaping = {name: values for name, values in differing.items() if name not in SHAPELESS}
    named = shaping or differing
    expected = ", ".join(f"{name}={old}" for name, (old, _) in named.items())
    received = ", ".join(f"{name}={new}" for name, (_, new) in named.items())
    name, reason = next(iter(misfits.items()))
    num_weights = len(transfer.taken) + len(transfer.left)
    return (
        f"Weights of init_from={init_from} do not fit this network ({len(transfer.taken)} of "
        f"{num_weights} can be transferred; {name}: {reason}). Leave these settings to the model, "
        f"which has {expected}, or name the parts to transfer in `init_parts`. "
        f"Received: {received}"
    )

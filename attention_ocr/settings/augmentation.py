"""Augmentation of training images."""

import dataclasses
from typing import NamedTuple

from attention_ocr.settings.checks import check
from attention_ocr.settings.fields import FRACTION, between, check_fields, setting
from attention_ocr.settings.image import MAX_STRETCH
from attention_ocr.settings.registries import PLACE, Registry

GEOMETRY = ("affine", "perspective", "curve", "elastic")
PHOTOMETRY = ("brightness", "contrast", "gamma", "colour", "inversion")
BLURS = ("gaussian_blur", "motion_blur", "defocus")
NOISES = ("gaussian_noise", "poisson_noise", "salt_and_pepper")
DEGRADATIONS = ("jpeg", "low_resolution", "erasing")
OPS = (*GEOMETRY, *PHOTOMETRY, *BLURS, *DEGRADATIONS, *NOISES)
"""The ops in the order in which they are applied."""
DEFAULT_NUM_OPS = 3

_ROOM = "attention_ocr.data.augmentation"
STAGES: tuple[tuple[tuple[str, ...], str], ...] = (
    (GEOMETRY, f"{_ROOM}.geometry:warp"),
    (PHOTOMETRY, f"{_ROOM}.photometry:change_light"),
    (BLURS, f"{_ROOM}.blurs:blur"),
    *(((op,), f"{_ROOM}.degradations:degrade") for op in DEGRADATIONS),
    *(((op,), f"{_ROOM}.noises:add_noise") for op in NOISES),
)
"""Groups of ops that one function applies together, and its place, in the order of `OPS`."""
AUGMENTATION_OPS = Registry(
    "augmentation_ops", "augmentation", {op: place for group, place in STAGES for op in group}
)


class Policy(NamedTuple):
    """Which ops are applied to an image.

    Attributes:
        ops: Names in the order of `OPS`, then plugins in their own order.
        num_ops: How many of them are drawn for each image.
    """

    ops: tuple[str, ...]
    num_ops: int


def parse_policy(policy: str) -> Policy:
    """Parse `AugmentationConfig.augmentation`.

    Raises:
        ValueError: If an op is unknown, or a number is out of range.

    Example:
        >>> parse_policy("jpeg+affine,num_ops=1")
        Policy(ops=('affine', 'jpeg'), num_ops=1)
    """
    names, number = _split(policy)
    with_defaults = "default" in names
    wanted = [name for name in names if name != "default"] + list(OPS) * with_defaults
    plugins = dict.fromkeys(AUGMENTATION_OPS.place(name) for name in wanted if name not in OPS)
    unknown = [name for name in plugins if not PLACE.fullmatch(name)]
    check(
        not unknown,
        f"`augmentation` must be 'default', or some of {', '.join(AUGMENTATION_OPS.names())} or "
        "`package.module:function`, joined by +.",
        ", ".join(unknown),
    )
    ops = (*(op for op in OPS if op in wanted), *plugins)
    if not number:
        return Policy(ops, DEFAULT_NUM_OPS if with_defaults else len(ops))
    check(
        number.isdecimal() and 1 <= int(number) <= len(ops),
        f"`num_ops` of `augmentation` must be a whole number from 1 to {len(ops)}.",
        number,
    )
    return Policy(ops, int(number))


def _split(policy: str) -> tuple[list[str], str]:
    names, _, number = policy.partition(",num_ops=")
    return [name for name in names.split("+") if name], number


def _with_places(policy: str) -> str:
    """Replace the names of entry points in a policy by their places."""
    names, number = _split(policy)
    kept = "+".join(name if name == "default" else AUGMENTATION_OPS.place(name) for name in names)
    return f"{kept},num_ops={number}" if number else kept


@dataclasses.dataclass(frozen=True)
class AugmentationConfig:
    """Augmentation of training images; evaluation images are never changed."""

    augmentation: str = setting(
        "",
        "Augmentation ops: 'default' (three of all ops, drawn for each image), or names joined by "
        "+ (all of them) [',num_ops=N' (N of them, drawn)], including `package.module:function`, "
        "see `attention-ocr augment`; empty for none.",
    )
    augmentation_strength: float = setting(
        0.5,
        "Largest augmentation strength; each image draws its own up to it.",
        between(0.0, 1.0),
    )
    join_words: float = setting(
        0.0,
        "Fraction of the training examples that are joined in pairs, with a space between them.",
        FRACTION,
    )
    min_stretch: float = setting(
        1.0,
        "Smallest factor by which the width of a training image is multiplied; each image draws "
        "its own, on a logarithmic scale.",
    )
    max_stretch: float = setting(
        1.0, "Largest factor by which the width of a training image is multiplied."
    )

    def __post_init__(self) -> None:
        check_fields(self)
        parse_policy(self.augmentation)
        object.__setattr__(self, "augmentation", _with_places(self.augmentation))
        check(
            0.0 < self.min_stretch <= self.max_stretch <= MAX_STRETCH,
            f"`min_stretch` and `max_stretch` must ascend from above 0 to {MAX_STRETCH:g}.",
            (self.min_stretch, self.max_stretch),
        )

"""How training images are varied."""

import dataclasses
from typing import NamedTuple

from attention_ocr.settings.checks import check, check_fraction
from attention_ocr.settings.image import MAX_STRETCH

GEOMETRY = ("affine", "perspective", "curve", "elastic")
PHOTOMETRY = ("brightness", "contrast", "gamma", "colour", "inversion")
BLURS = ("gaussian_blur", "motion_blur", "defocus")
NOISES = ("gaussian_noise", "poisson_noise", "salt_and_pepper")
DEGRADATIONS = ("jpeg", "low_resolution", "erasing")
OPS = (*GEOMETRY, *PHOTOMETRY, *BLURS, *DEGRADATIONS, *NOISES)
"""The ops in the order in which an image meets them."""
DEFAULT_NUM_OPS = 3


class Policy(NamedTuple):
    """Which ops an image meets.

    Attributes:
        ops: their names, in the order of `OPS`.
        num_ops: how many of them each image meets, drawn for each image.
    """

    ops: tuple[str, ...]
    num_ops: int


def parse_policy(policy: str) -> Policy:
    """Return what `AugmentationConfig.augmentation` says.

    Raises:
        ValueError: an unknown op, or a number that is out of range.

    Example:
        >>> parse_policy("jpeg+affine,num_ops=1")
        Policy(ops=('affine', 'jpeg'), num_ops=1)
    """
    names, _, number = policy.partition(",num_ops=")
    wanted = set(OPS) if names == "default" else set(filter(None, names.split("+")))
    unknown = sorted(wanted - set(OPS))
    check(
        not unknown,
        f"`augmentation` must be 'default', or some of {', '.join(OPS)} joined by +.",
        ", ".join(unknown),
    )
    ops = tuple(op for op in OPS if op in wanted)
    if not number:
        return Policy(ops, DEFAULT_NUM_OPS if names == "default" else len(ops))
    check(
        number.isdecimal() and 1 <= int(number) <= len(ops),
        f"`num_ops` of `augmentation` must be a whole number from 1 to {len(ops)}.",
        number,
    )
    return Policy(ops, int(number))


@dataclasses.dataclass(frozen=True)
class AugmentationConfig:
    """How training images are varied; evaluation is never.

    Args:
        augmentation: `default` (three ops on each image, drawn from all), or names of ops joined by
            `+`, all on each image, or with `,num_ops=N` so many drawn for each; empty for none.
        augmentation_strength: in [0, 1]. The largest change; each image draws its own up to that.
        join_words: share of the examples that are joined in pairs, with a space between them.
        min_stretch: least factor by which the width of a training image is multiplied; each draws
            its own, on a logarithmic scale.
        max_stretch: largest factor.
    """

    augmentation: str = ""
    augmentation_strength: float = 0.5
    join_words: float = 0.0
    min_stretch: float = 1.0
    max_stretch: float = 1.0

    def __post_init__(self) -> None:
        parse_policy(self.augmentation)
        check(
            0.0 <= self.augmentation_strength <= 1.0,
            "`augmentation_strength` must be from 0 to 1.",
            self.augmentation_strength,
        )
        check_fraction(self, "join_words")
        check(
            0.0 < self.min_stretch <= self.max_stretch <= MAX_STRETCH,
            f"`min_stretch` and `max_stretch` must ascend from above 0 to {MAX_STRETCH:g}.",
            (self.min_stretch, self.max_stretch),
        )

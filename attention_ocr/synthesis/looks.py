"""Looks of a picture: what tells words on signs from words in print, as numbers."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Look:
    """Say how pictures of one look differ; what all share scales with the difficulty.

    Args:
        bold: How much more often a bold face comes than one of normal weight, and that more often
            than a light one.
        emboldened: Share of the texts whose strokes are widened.
        margins: Least and most room around the text, as shares of its height; below 0 it is cut.
        natural_colors: Whether colours are those of paint in daylight: muted, of middling contrast.
        steepest: Largest turn in radians.
        rise: Largest rise of a turned line, in heights of the line.
        tilt: Largest shift of a corner, seen from the side, in the shorter side of the line.
        bent: Share of the lines that run on an arc.
        bend: Largest arc of a bent line, in radians.
        noise: Share of the pictures with noise.
    """

    bold: float
    emboldened: float
    margins: tuple[float, float]
    natural_colors: bool
    steepest: float
    rise: float
    tilt: float
    bent: float
    bend: float
    noise: float


_SIGNS = Look(
    bold=5.0,
    emboldened=0.35,
    margins=(-0.05, 0.13),
    natural_colors=True,
    steepest=0.5,
    rise=1.0,
    tilt=0.13,
    bent=0.15,
    bend=1.2,
    noise=0.25,
)

LOOKS = {
    "any": Look(
        bold=1.0,
        emboldened=0.0,
        margins=(0.0, 0.25),
        natural_colors=False,
        steepest=0.3,
        rise=0.8,
        tilt=0.13,
        bent=0.15,
        bend=1.2,
        noise=0.6,
    ),
    "signs": _SIGNS,
    "irregular": replace(_SIGNS, steepest=0.8, rise=1.6, tilt=0.25, bent=0.4, bend=1.9),
}
"""By name, as in the options of a source: `any`, of all sorts of pictures; `signs`, with the bold
strokes, tight crops, muted colours and slants of words in photographs of streets; and `irregular`,
words on signs that are turned, bent and seen from the side as far as they can be read."""

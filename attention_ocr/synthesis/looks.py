"""Looks of images: the statistics that distinguish signs, print, plates and displays."""

from dataclasses import dataclass, replace

SURFACES = ("paint", "paper", "plate", "tag", "metal", "lamps", "neon", "wheels", "captcha")
"""Materials of a text: paint on a wall, ink on paper, embossed sheet, a printed label, marks in
metal, lamps and segments, glowing tubes, wheels of a meter, or strokes of a captcha."""


@dataclass(frozen=True)
class Look:
    """Parameters of one look; all else scales with the difficulty.

    Args:
        bold: Ratio of bold to normal faces, and of normal to light ones.
        emboldened: Share of the texts whose strokes are widened.
        margins: Smallest and largest margin, as shares of the text's height; negative ones cut it.
        natural_colors: Whether colours are those of paint in daylight: muted, of medium contrast.
        steepest: Largest rotation in radians.
        rise: Largest rise of a rotated line, in heights of the line.
        tilt: Largest perspective shift of a corner, relative to the shorter side of the line.
        bent: Share of the lines that run on an arc.
        bend: Largest arc of a bent line, in radians.
        noise: Share of the images with noise.
        shear: Largest slant of upright strokes, as a share of the height.
        stretch: Exponents of the smallest and the largest factor of the width.
        rotated: Share of the lines that are rotated by up to 60 degrees.
        surface: One of `SURFACES`; empty for the first three looks, which ignore all that follows.
        faces: Regular expression of favoured face names; empty for none.
        favor: Factor of their frequency.
        shunned: Regular expression of face names that are twenty times rarer; empty for none.
        scattered: Share of the texts whose letters are placed one by one.
        scatter: Variation of such letters in size, rotation and height, see `Scatter`.
        overlap: Smallest and largest gap between such letters, as shares of the em.
        stacked: Share of the texts whose letters stand below each other.
        grouped: Share of the codes with gaps between letters and digits.
        rippled: Share of the texts that are distorted elastically.
        ripple: Largest distortion, as a share of the height.
        framed: Share of the texts on a panel, with an edge or without.
        emblems: Share of the texts with an emblem beside them or between their parts.
        captioned: Share of the texts with a small second text above, below or next to them.
        neighbored: Share of the texts next to a cut-off one of the same size.
        loose: Share of the images with wide margins.
        loosest: Widest margins, as shares of the height of the text.
        ghosted: Share of the texts over another, faint one.
        shadowed: Share of the texts that cast a shadow.
        extruded: Share of the texts with sides, as of solid letters.
        outlined: Share of the texts with an outline.
        degraded: Share of the images that are strongly damaged afterwards.
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
    shear: float = 0.35
    stretch: tuple[float, float] = (-0.3, 0.25)
    rotated: float = 0.0
    surface: str = ""
    faces: str = ""
    favor: float = 1.0
    shunned: str = ""
    scattered: float = 0.0
    scatter: tuple[float, float, float] = (0.15, 0.25, 0.08)
    overlap: tuple[float, float] = (0.02, 0.15)
    stacked: float = 0.0
    grouped: float = 0.0
    rippled: float = 0.0
    ripple: float = 0.06
    framed: float = 0.0
    emblems: float = 0.0
    captioned: float = 0.0
    neighbored: float = 0.0
    loose: float = 0.0
    loosest: float = 0.6
    ghosted: float = 0.0
    shadowed: float = 0.0
    extruded: float = 0.0
    outlined: float = 0.0
    degraded: float = 0.0


# fmt: off
_SIGNS = Look(
    bold=5.0, emboldened=0.35, margins=(-0.05, 0.13), natural_colors=True,
    steepest=0.5, rise=1.0, tilt=0.13, bent=0.15, bend=1.2, noise=0.25,
)
_SCENES = replace(
    _SIGNS, surface="paint", bold=4.0, margins=(-0.05, 0.2),
    steepest=0.6, rise=1.2, tilt=0.3, bent=0.22, bend=1.9, shear=0.577, stretch=(-0.6, 0.4),
    rotated=0.04, scattered=0.2, rippled=0.3,
    framed=0.2, captioned=0.15, neighbored=0.2, loose=0.25,
    ghosted=0.12, shadowed=0.25, extruded=0.15, outlined=0.2, degraded=0.35,
)
_ORNATE = (
    r"italic|oblique|slanted|kursiv|serif|script|hand|roman|slab|old|fraktur|gothic medium|chancery"
    r"|antiqua|didot|bodoni|garamond|basker|caslon|times|tinos|termes|bonum|schola|pagella|outline"
    r"|shadow|swash|caps|libertine|palladio|bookman|c059|cabinsketch|aenigma"
)
_CODES = replace(
    _SCENES, favor=12.0, shunned=_ORNATE,
    steepest=0.3, rise=0.8, tilt=0.2, bent=0.0, shear=0.3, rotated=0.0, scattered=0.0, rippled=0.1,
    ghosted=0.0, shadowed=0.0, extruded=0.0, outlined=0.0,
)
_DOCUMENTS = replace(
    _SCENES, surface="paper", natural_colors=False,
    bold=0.6, emboldened=0.08, margins=(-0.02, 0.25), noise=0.4,
    steepest=0.06, rise=0.35, tilt=0.12, bent=0.08, bend=0.12, shear=0.06, stretch=(-0.25, 0.2),
    rotated=0.0, scattered=0.0, rippled=0.25, ripple=0.04,
    framed=0.03, captioned=0.0, neighbored=0.35, loose=0.15,
    ghosted=0.05, shadowed=0.0, extruded=0.0, outlined=0.0, degraded=0.35,
)

LOOKS = {
    "any": Look(
        bold=1.0, emboldened=0.0, margins=(0.0, 0.25), natural_colors=False,
        steepest=0.3, rise=0.8, tilt=0.13, bent=0.15, bend=1.2, noise=0.6,
    ),
    "signs": _SIGNS,
    "irregular": replace(_SIGNS, steepest=0.8, rise=1.6, tilt=0.25, bent=0.4, bend=1.9),
    "scenes": _SCENES,
    "plates": replace(
        _CODES, surface="plate", favor=40.0,
        faces=r"condens|narrow|roadgeek|highway|bebas|\bdin\b|din |opendin|league gothic|oswald"
        r"|yanone|solothurn|allerta|dosis|ubuntu-?title|national park|kenteken|mandatory|plate",
        emboldened=0.3, margins=(-0.04, 0.15), stretch=(-0.6, 0.15), grouped=0.7,
        framed=0.9, emblems=0.3, captioned=0.55, neighbored=0.0, loose=0.5, loosest=0.35,
        degraded=0.5,
    ),
    "tags": replace(
        _CODES, surface="tag",
        faces=r"mono|din|liberation sans|arial|nimbus sans|helvet|ocr|routed|osifont|b612|roboto"
        r"|stencil|typewriter|courier|gothic|freesans|isocp|solide|inconsolata|hershey",
        bold=1.5, emboldened=0.2, margins=(-0.12, 0.3), bent=0.25, bend=0.7, grouped=0.15,
        framed=0.3, captioned=0.05, neighbored=0.12, loose=0.25, degraded=0.45,
    ),
    "punched": replace(
        _CODES, surface="metal", favor=4.0,
        faces=r"din|stencil|mono|ocr|routed|osifont|roboto|gothic|liberation sans|typewriter|sans",
        bold=1.0, emboldened=0.05, margins=(0.0, 0.25),
        scattered=0.7, scatter=(0.06, 0.14, 0.06), overlap=(0.02, 0.3),
        framed=0.05, loose=0.35, degraded=0.35,
    ),
    "led": replace(
        _CODES, surface="lamps",
        faces=r"dseg|digital|lcd|segment|dot|pixel|led\b|terminus|spleen|mono",
        margins=(0.02, 0.3), framed=0.35, captioned=0.15, loose=0.35, degraded=0.35,
    ),
    "wheels": replace(
        _CODES, surface="wheels",
        faces=r"din|condens|narrow|roboto|liberation sans|gothic|mono|arial|helvet|freesans",
        margins=(0.0, 0.3), framed=0.5, captioned=0.3, loose=0.4, degraded=0.4,
    ),
    "neon": replace(
        _SCENES, surface="neon", favor=3.0,
        faces=r"neon|rounded|script|lobster|dancing|kaushan|comfortaa|quicksand|jura|hand",
        bold=0.5, emboldened=0.0, margins=(0.05, 0.35), framed=0.1, captioned=0.1,
        ghosted=0.0, shadowed=0.0, extruded=0.0, outlined=0.0, degraded=0.25,
    ),
    "documents": _DOCUMENTS,
    "receipts": replace(
        _DOCUMENTS, favor=25.0,
        faces=r"mono|typewriter|courier|ocr|inconsolata|fixed|terminus|receipt|dot|liberation sans"
        r"|condens|narrow|roboto",
        bold=1.5, emboldened=0.1, stretch=(-0.45, 0.2), degraded=0.5,
    ),
    "captchas": replace(
        _SCENES, surface="captcha", natural_colors=False, margins=(0.05, 0.5),
        steepest=0.15, tilt=0.1, bent=0.0,
        scattered=0.9, scatter=(0.2, 0.5, 0.12), overlap=(-0.12, 0.1), rippled=0.7, ripple=0.08,
        framed=0.0, captioned=0.0, neighbored=0.0, loose=0.4,
        ghosted=0.0, shadowed=0.05, extruded=0.0, outlined=0.0, degraded=0.1,
    ),
    "stacked": replace(_SCENES, stacked=1.0, bent=0.0, rippled=0.1),
}
# fmt: on
"""By name; the options of a source join several by `+`: `any`, of all sorts of images;
`signs`, with the bold strokes, tight crops, muted colours and slants of words in photographs of
streets; `irregular`, words on signs that are rotated, bent and seen in perspective, as far as they
stay legible; `scenes`, words on signs with their surroundings: frames, second texts, shadows,
scattered letters; `plates`, `tags` (of cables), `punched` (into metal), `led` (segments and dots),
`wheels` (of meters), `neon`, `captchas`; `documents` and `receipts`, ink on
paper; and `stacked`, letters below each other."""


def parse_looks(value: str) -> tuple[str, ...]:
    """Read names of looks.

    Args:
        value: Names of `LOOKS`, joined by `+`; one named twice is drawn twice as often.

    Returns:
        The names.

    Raises:
        ValueError: If there is no such look.
    """
    names = tuple(value.split("+"))
    for name in names:
        if name not in LOOKS:
            raise ValueError(f"Expected look among {', '.join(LOOKS)}. Received: look={name!r}")
    return names

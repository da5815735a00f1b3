"""A face of a font file: where it is, and which characters it covers."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Face:
    """A face of a font file.

    Args:
        path: The file.
        index: Index in the file, for collections.
        axes: Coordinates of a variable font, empty for a plain one.
        family: Name of the family.
        style: Name of the style.
        ranges: First and last code point of each run of characters it covers, ascending.
        cap_height: Height of `H` as a share of the em.
        legibility: From 0 to 1, how well letters and digits can be recognised; 1 without any.
    """

    path: str
    index: int = 0
    axes: tuple[float, ...] = ()
    family: str = field(default="", compare=False)
    style: str = field(default="", compare=False)
    ranges: tuple[int, ...] = field(default=(), compare=False, repr=False)
    cap_height: float = field(default=0.7, compare=False)
    legibility: float = field(default=1.0, compare=False)

    def covered(self, characters: Iterable[str]) -> frozenset[str]:
        """Return those of the characters that the face covers."""
        # A code point is inside a run when an odd number of borders lie at or before it.
        borders = self.ranges
        found = []
        for character in characters:
            place = bisect_right(borders, ord(character))
            if place % 2 or (place and borders[place - 1] == ord(character)):
                found.append(character)
        return frozenset(found)

"""Choice of a face for each text: one that shows all its characters, plain ones more often."""

import re
from collections import Counter
from collections.abc import Sequence, Set
from itertools import accumulate

import numpy as np

from attention_ocr.synthesis.chance import between, pick
from attention_ocr.synthesis.looks import LOOKS, Look
from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typefaces import first_missing, visible_characters
from attention_ocr.synthesis.typesetting import open_font
from attention_ocr.text.bidi import drawable_characters, drawn_characters

# Opening a face and drawing its first letters takes longer than the rest of an image, and memory
# holds only some hundred open faces. So neighbouring images share a few.
_POOL_SIZE = 32
_PICTURES_PER_POOL = 256
_POOLS_KEPT = 16
_POOL_TAG = 1
_POOL_DRAWS = 12
# Glyphs above Latin-1 are checked when a face is first used, not in the scan of all fonts.
_LAST_PROOFED = 0xFF

LIGATURES = {"ffi": "\ufb03", "ffl": "\ufb04", "ff": "\ufb00", "fi": "\ufb01", "fl": "\ufb02"}
"""Ligatures of Latin type, the longest first: joined in print, and one glyph of a face."""

_HEAVY = re.compile(r"bold|black|heavy|ultra|fat|poster", re.IGNORECASE)
_LIGHT = re.compile(r"light|thin|hairline|mono", re.IGNORECASE)
_SHUNNING = 0.05

SizedFace = tuple[Face, int]


class FaceChooser:
    """Chooses a face and a size for the text of each image.

    Args:
        faces: The faces to choose from.
        characters: Characters that the texts may have.
        difficulty: From 0 to 1; the harder, the more decorative faces.
        height: Nominal height of an image in pixels.
        seed: Seed of the choices.
        look: Determines the weights of faces.

    Raises:
        ImportError: If there are right-to-left characters and the extra `rtl` is not installed.
        ValueError: If no face has one of the characters.
    """

    def __init__(
        self,
        faces: Sequence[Face],
        characters: str,
        difficulty: float,
        height: int,
        seed: int,
        look: Look = LOOKS["any"],
    ) -> None:
        drawable = drawable_characters(characters)
        coverage = {face: face.covered(drawable) for face in faces}
        missing = frozenset(characters).difference(*coverage.values())
        if missing:
            raise ValueError(
                f"Expected fonts that cover all characters of the texts. Received: {len(faces)} "
                f"faces, none of which has {''.join(sorted(missing))!r}"
            )
        self._coverage = {face: shown for face, shown in coverage.items() if shown - {" "}}
        self._faces = tuple(self._coverage)
        self._cumulative = np.cumsum(_weigh(self._faces, 6.0 - 3.0 * difficulty, look))
        self._spread = difficulty
        self._height = height
        self._seed = seed
        self._pools: dict[int, tuple[SizedFace, ...]] = {}
        self._inspected: dict[Face, frozenset[str]] = {}
        self._ligatures: dict[Face, frozenset[str]] = {}

    @property
    def faces(self) -> tuple[Face, ...]:
        """Faces to choose from."""
        return self._faces

    def choose(self, rng: np.random.Generator, index: int, text: str) -> SizedFace | None:
        """Choose a face and a size.

        Args:
            rng: Random generator.
            index: Index of the image.
            text: Text of the image.

        Returns:
            Face and pixels to the em, or `None` when no face shows all characters of the text.
        """
        characters = drawn_characters(text)
        pool = self._pool(index // _PICTURES_PER_POOL)
        for _ in range(_POOL_DRAWS):
            sized_face = pick(rng, pool)
            if self.shows(sized_face[0], characters):
                return sized_face
        fitting = [face for face in self._faces if self.shows(face, characters)]
        return self._with_size(rng, pick(rng, fitting)) if fitting else None

    def shows(self, face: Face, characters: frozenset[str]) -> bool:
        """Return whether a face draws all these characters, with ink unless they are spaces.

        Those of a text are its `drawn_characters`.
        """
        inspected = self._inspected.get(face)
        if inspected is None:
            inspected = self._inspected[face] = self._inspect(face)
        return inspected >= characters

    def set_ligatures(self, face: Face, text: str) -> str:
        """Return a text with the ligatures of a face, such as U+FB01 for `fi`."""
        if "f" not in text:
            return text
        drawn = self._ligatures.get(face)
        if drawn is None:
            covered = face.covered(LIGATURES.values())
            drawn = self._ligatures[face] = frozenset(self._visible(face, covered))
        for letters, ligature in LIGATURES.items():
            if ligature in drawn:
                text = text.replace(letters, ligature)
        return text

    def _inspect(self, face: Face) -> frozenset[str]:
        covered = self._coverage[face]
        doubtful = {character for character in covered if ord(character) > _LAST_PROOFED}
        return covered - doubtful | self._visible(face, doubtful) if doubtful else covered

    def _visible(self, face: Face, characters: Set[str]) -> Set[str]:
        private = [ord(character) for character in face.covered(map(chr, range(0xE000, 0xF900)))]
        font = open_font(face, self._height)
        return visible_characters(font, characters, first_missing(private, 0xF8FF)).keys()

    def _pool(self, number: int) -> tuple[SizedFace, ...]:
        pool = self._pools.get(number)
        if pool is None:
            rng = np.random.default_rng((self._seed, number, _POOL_TAG))
            places = np.searchsorted(self._cumulative, rng.random(_POOL_SIZE), side="right")
            last = len(self._faces) - 1
            pool = tuple(
                self._with_size(rng, self._faces[min(last, int(place))]) for place in places
            )
            if len(self._pools) >= _POOLS_KEPT:
                self._pools.clear()
            self._pools[number] = pool
        return pool

    def _with_size(self, rng: np.random.Generator, face: Face) -> SizedFace:
        # A capital of three quarters of the height leaves room for descenders and margins.
        cap_height = 0.75 * self._height * between(rng, 1 - 0.2 * self._spread, 1.0)
        return face, max(8, round(cap_height / max(0.3, face.cap_height)))


def _weigh(faces: Sequence[Face], sharpness: float, look: Look) -> list[float]:
    """Weigh faces: plain ones count more, one of twelve styles less than a single one."""
    styles = Counter(face.family for face in faces)
    weights = [
        face.legibility**sharpness * look.bold ** _heaviness(face) / styles[face.family] ** 0.5
        for face in faces
    ]
    for pattern, factor in ((look.faces, look.favor), (look.shunned, _SHUNNING)):
        if pattern:
            named = re.compile(pattern, re.IGNORECASE)
            weights = [
                weight * (factor if named.search(f"{face.family} {face.style}") else 1.0)
                for weight, face in zip(weights, faces, strict=True)
            ]
    total = list(accumulate(weights))[-1]
    return [weight / total for weight in weights]


def _heaviness(face: Face) -> int:
    """Return 1 for a bold face, -1 for a light or typewriter face, by its name, else 0."""
    name = f"{face.family} {face.style}"
    return bool(_HEAVY.search(name)) - bool(_LIGHT.search(name))

"""Faces of font files, inspected by their character tables and glyphs."""

import string
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from PIL import ImageFont

from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typesetting import draw_ink, open_font

# Errors of fontTools on malformed files, besides its own.
_BROKEN_FONT = (
    TTLibError,
    OSError,
    struct.error,
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
)
_PROOF_SIZE = 32
_SHAPE_SIDE = 16
_ALPHABET = string.ascii_letters + string.digits
# Letters whose two cases differ in shape and not only in size.
_TWO_SHAPED = "abdeghnqrt"
# Measured on 122 faces: the cases of faces with true lower-case letters reach 0.51, those of faces
# that draw capitals for both begin at 0.68.
_SAME_SHAPE = 0.6
# Symbols in place of letters reach 0.1, skulls around letters 0.4, blackletter 0.5.
_LEAST_LEGIBLE = 0.42
# With fewer letters and digits than this, a face is not judged by them.
_FEWEST_LETTERS = 8
_PROOFED = range(0x21, 0x100)
_MAX_INSTANCES = 4


def inspect_file(path: Path, references: np.ndarray | None = None) -> tuple[Face, ...]:
    """Find the usable faces of a font file.

    A face is usable when it has a table of Unicode characters, FreeType can scale it, its glyphs
    leave ink, other than its space, and differ from each other, and its letters, if it has any,
    look like letters.
    Characters without ink, those drawn as the box for missing ones, and a case that looks like the
    other one do not count as covered.

    Args:
        path: The file.
        references: float32 `[K, 62, 256]`, `letter_shapes` of plain faces to compare letters with;
            `None` skips the comparison.

    Returns:
        The usable faces, none for a broken file; a variable font gives up to four of its named
        instances.
    """
    try:
        return tuple(
            face
            for index in range(_count_faces(path))
            for face in _inspect_face(path, index, references)
        )
    except _BROKEN_FONT:
        return ()


def letter_shapes(font: ImageFont.FreeTypeFont) -> np.ndarray:
    """Draw ASCII letters and digits, each filling a square, to compare faces by shape only.

    Args:
        font: The font.

    Returns:
        float32 `[62, 256]`, each row of mean 0 and length 1, or all 0 without ink.
    """
    return _to_shapes({character: draw_ink(font, character)[0] for character in _ALPHABET})


def measure_legibility(shapes: np.ndarray, references: np.ndarray, present: np.ndarray) -> float:
    """Measure how well the letters and digits of a face can be recognised.

    Args:
        shapes: float32 `[62, 256]`, `letter_shapes` of the face.
        references: float32 `[K, 62, 256]`, `letter_shapes` of plain faces.
        present: bool `[62]`, the letters and digits that the face has.

    Returns:
        The share of them whose own reference is among the five most similar of all 62; chance gives
        0.08.
    """
    similarity = np.einsum("cd,krd->krc", shapes, references).max(axis=0)
    is_likely = (similarity > similarity.diagonal()).sum(axis=0) < 5
    return float(is_likely[present].mean())


def visible_characters(
    font: ImageFont.FreeTypeFont, characters: Iterable[str], missing: str
) -> dict[str, np.ndarray]:
    """Draw characters and keep those with ink other than the box for missing ones.

    A character whose glyph cannot be drawn is left out, and one whose advance exceeds two ems as
    well: some files have such advances by mistake, and a text would be torn apart.

    Args:
        font: The font.
        characters: Characters of its table.
        missing: A character that it lacks.

    Returns:
        Ink by visible character.
    """
    box = _ink_of(font, missing)
    inks = {character: _ink_of(font, character) for character in characters}
    return {
        character: ink
        for character, ink in inks.items()
        if ink.size
        and not _are_alike(ink, box)
        and font.getlength(character) <= ink.shape[1] + 2 * font.size
    }


def _ink_of(font: ImageFont.FreeTypeFont, character: str) -> np.ndarray:
    """Draw a character; one whose glyph is broken has no ink."""
    try:
        return draw_ink(font, character)[0]
    except OSError:
        return np.zeros((0, 0), np.uint8)


def to_ranges(code_points: Sequence[int]) -> tuple[int, ...]:
    """Join ascending code points into runs.

    Args:
        code_points: Ascending, without repetition.

    Returns:
        First and last of each run.

    Example:
        >>> to_ranges([65, 66, 67, 97])
        (65, 67, 97, 97)
    """
    ranges: list[int] = []
    for code_point in code_points:
        if ranges and code_point == ranges[-1] + 1:
            ranges[-1] = code_point
        else:
            ranges += [code_point, code_point]
    return tuple(ranges)


def first_missing(code_points: Iterable[int], start: int = 0x10FFFD) -> str:
    """Return a character for private use that is not among the code points.

    Args:
        code_points: Code points that a face has.
        start: First candidate; the search goes downwards.

    Returns:
        The character, which a face draws as the box for missing ones.
    """
    known = frozenset(code_points)
    return next(chr(point) for point in range(start, 0, -1) if point not in known)


def _are_alike(ink: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two images show one glyph; hinting may move the edges of either by a pixel."""
    if not other.size or max(abs(a - b) for a, b in zip(ink.shape, other.shape, strict=True)) > 1:
        return False
    resized = cv2.resize(other, ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.norm(ink, resized, cv2.NORM_L1) < 0.12 * 255 * ink.size


def _count_faces(path: Path) -> int:
    with path.open("rb") as file:
        header = file.read(12)
    return struct.unpack(">I", header[8:12])[0] if header[:4] == b"ttcf" else 1


def _inspect_face(path: Path, index: int, references: np.ndarray | None) -> list[Face]:
    # Given a path, fontTools leaves the file open when it is broken.
    with path.open("rb") as file, TTFont(file, fontNumber=index, lazy=True) as tables:
        # The character table needs glyph names; reading the real ones is the slowest step.
        tables.setGlyphOrder([str(number) for number in range(tables["maxp"].numGlyphs)])
        code_points = tables.getBestCmap()
        if not code_points or not _is_whole(tables, path.stat().st_size):
            return []
        names = tables["name"]
        family = names.getBestFamilyName() or path.stem
        style = names.getBestSubFamilyName() or ""
        instances = _choose_instances(tables)
    font = open_font(Face(str(path), index), _PROOF_SIZE)
    inks, covered = _proof_characters(font, sorted(code_points))
    present = np.array([character in inks for character in _ALPHABET])
    legibility = 1.0
    if present.sum() >= _FEWEST_LETTERS:
        shapes = _to_shapes(inks)
        if references is not None:
            legibility = measure_legibility(shapes, references, present)
        covered -= _case_without_shape(font, shapes, covered)
    if not covered or legibility < _LEAST_LEGIBLE:
        return []
    return [
        Face(
            path=str(path),
            index=index,
            axes=axes,
            family=family,
            style=instance or style,
            ranges=to_ranges(sorted(covered)),
            cap_height=_measure_capital(font, covered),
            legibility=legibility,
        )
        for instance, axes in instances
    ]


def _is_whole(tables: TTFont, num_bytes: int) -> bool:
    """Return whether all tables end within the file; FreeType opens truncated ones."""
    return all(entry.offset + entry.length <= num_bytes for entry in tables.reader.tables.values())


def _choose_instances(tables: TTFont) -> list[tuple[str, tuple[float, ...]]]:
    """Choose named instances of a variable font, spread over all of them."""
    if "fvar" not in tables or not tables["fvar"].instances:
        return [("", ())]
    variations = tables["fvar"]
    step = max(1, -(-len(variations.instances) // _MAX_INSTANCES))
    return [
        (
            tables["name"].getDebugName(instance.subfamilyNameID) or "",
            tuple(float(instance.coordinates[axis.axisTag]) for axis in variations.axes),
        )
        for instance in variations.instances[::step]
    ]


def _proof_characters(
    font: ImageFont.FreeTypeFont, code_points: list[int]
) -> tuple[dict[str, np.ndarray], set[int]]:
    """Return inks of visible characters, and the code points that can be used.

    There are none when most glyphs are blank or alike, or the space leaves ink: such faces draw a
    frame around every character, for teaching to write, and words run together.
    """
    if ord(" ") in code_points and draw_ink(font, " ")[0].any():
        return {}, set()
    latin = [point for point in code_points if point in _PROOFED]
    # A face without Latin is judged by its first characters.
    proofed = latin or [point for point in code_points if point >= _PROOFED.stop][:64]
    inks = visible_characters(font, map(chr, proofed), first_missing(code_points))
    if len({(ink.shape, ink.tobytes()) for ink in inks.values()}) <= len(proofed) // 3:
        return {}, set()
    heights = [ink.shape[0] for character, ink in inks.items() if character in _ALPHABET]
    least_height = 0.35 * float(np.median(heights)) if heights else 0.0
    inks = {
        character: ink
        for character, ink in inks.items()
        if character not in _ALPHABET
        # Dots in place of letters, and letters that would overlap.
        or (ink.shape[0] >= least_height and font.getlength(character) >= 0.4 * ink.shape[1])
    }
    usable = set(code_points) - set(proofed) | set(map(ord, inks))
    if not 0.05 * _PROOF_SIZE <= font.getlength(" ") <= 1.5 * _PROOF_SIZE:
        # Some files have a space as wide as a hundred letters, or of no width.
        usable.discard(ord(" "))
    return inks, usable


def _to_shapes(inks: Mapping[str, np.ndarray]) -> np.ndarray:
    """Compute `letter_shapes` from inks of letters; missing letters have zeros."""
    shapes = np.zeros((len(_ALPHABET), _SHAPE_SIDE * _SHAPE_SIDE), np.float32)
    for row, character in zip(shapes, _ALPHABET, strict=True):
        ink = inks.get(character)
        if ink is not None and ink.size:
            side = (_SHAPE_SIDE, _SHAPE_SIDE)
            shape = cv2.resize(ink, side, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
            shape -= shape.mean()
            row[:] = shape / (np.linalg.norm(shape) + 1e-6)
    return shapes


def _case_without_shape(
    font: ImageFont.FreeTypeFont, shapes: np.ndarray, covered: set[int]
) -> set[int]:
    """Return the letters whose case is not visible, because both cases have one shape.

    A label must match the image: a face that draws small capitals for lower-case letters may set
    only upper-case texts, and one that draws symbols for both none with letters.
    """
    likeness = [
        float(shapes[_ALPHABET.index(letter)] @ shapes[_ALPHABET.index(letter.upper())])
        for letter in _TWO_SHAPED
        if ord(letter) in covered and ord(letter.upper()) in covered
    ]
    if len(likeness) < len(_TWO_SHAPED) // 2 or np.median(likeness) < _SAME_SHAPE:
        return set()
    # Capitals are of one height; in true lower case the ascender of `b` rises far above `a`.
    are_capitals = draw_ink(font, "b")[0].shape[0] < 1.2 * draw_ink(font, "a")[0].shape[0]
    return {
        point
        for point in covered
        if chr(point).islower() or (chr(point).isupper() and not are_capitals)
    }


def _measure_capital(font: ImageFont.FreeTypeFont, covered: set[int]) -> float:
    for character in "H0":
        if ord(character) in covered:
            return float(-font.getbbox(character, anchor="ls")[1] / _PROOF_SIZE)
    # Scripts without capitals: ideographs fill the em, most others rise to three quarters.
    return 0.75

"""Second look: words that slant, recede or run along an arc are straightened."""

import math

import cv2
import numpy as np

from attention_ocr.inference.second_looks.baseline import find_baselines
from attention_ocr.inference.second_looks.vote import View

MARGIN = 1.1
"""Size of the crop relative to the word, along each side that is cropped."""

FLATTEST, STEEPEST = 0.15, 1.25
"""Limits of the crop's height: least fraction of the image's height, most of its own width."""

FLATTEST_UPRIGHT, FLATTEST_BENT = 0.25, 0.3
"""Least height of a crop of upright letters and of one along an arc, relative to the image's."""

NARROWEST_BENT = 1.1
"""Least ratio of width to height of an image whose word may run along an arc."""

MOST_BENT = 175.0
"""Largest arc in degrees."""


def deskewed(image: np.ndarray) -> list[View]:
    """Return an image straightened along each baseline that its word may have.

    A slanted word is rotated, or, for the likeliest slope, sheared: a word on a wall seen from the
    side has a sloping baseline and upright letters.

    Args:
        image: uint8 [h, w, 3].
    """
    slants, sag = find_baselines(image)
    amounts = [("slant", slant) for slant in slants]
    if slants:
        amounts.insert(1, ("shear", slants[0]))
    if sag:
        amounts.append(("arc", arc_of(sag, image.shape[:2])))
    views = ((name, amount, STRAIGHTENERS[name](image, amount)) for name, amount in amounts)
    return [View(word, {name: amount}) for name, amount, word in views if word is not None]


def deskew(image: np.ndarray, slant: float) -> np.ndarray | None:
    """Crop a slanted word from an image that is its bounding box.

    Args:
        image: uint8 [h, w, 3].
        slant: Degrees by which the word falls to the right, above -45 and below 45.

    Returns:
        uint8 [h', w', 3], the word horizontal; None if no word of that slant fills the image.
    """
    height, width = image.shape[:2]
    angle = math.radians(slant)
    cosine, sine = math.cos(angle), math.sin(angle)
    # The box of a word `length` long and `thickness` high, rotated by the angle, has the width
    # length * cosine + thickness * |sine| and the height length * |sine| + thickness * cosine.
    span = cosine**2 - sine**2
    thickness = (height * cosine - width * abs(sine)) / span
    length = (width * cosine - height * abs(sine)) / span
    if thickness < FLATTEST * height or thickness > STEEPEST * length:
        return None
    length, thickness = MARGIN * length, MARGIN * thickness
    # From positions in the horizontal word to positions in the image, centre to centre.
    matrix = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0]])
    return _warp(image, matrix, length, thickness)


def unshear(image: np.ndarray, slant: float) -> np.ndarray | None:
    """Crop a word with upright letters and a sloping baseline from its bounding box.

    Args:
        image: uint8 [h, w, 3].
        slant: Degrees by which the word falls to the right, above -90 and below 90.

    Returns:
        uint8 [h', w, 3], the baseline horizontal; None if no such word fills the image.
    """
    height, width = image.shape[:2]
    slope = math.tan(math.radians(slant))
    thickness = height - abs(slope) * width
    if thickness < FLATTEST_UPRIGHT * height:
        return None
    return _warp(image, np.array([[1.0, 0.0, 0.0], [slope, 1.0, 0.0]]), width, MARGIN * thickness)


def _warp(image: np.ndarray, matrix: np.ndarray, length: float, thickness: float) -> np.ndarray:
    """Transform an image about its centre.

    Args:
        image: uint8 [h, w, 3].
        matrix: float [2, 3], from positions in the result to those in the image; without shift.
        length: Width of the result.
        thickness: Its height.
    """
    height, width = image.shape[:2]
    matrix[:, 2] = np.array([width, height]) / 2 - matrix[:, :2] @ [length / 2, thickness / 2]
    size = max(round(length), 1), max(round(thickness), 1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def arc_of(sag: float, size: tuple[int, int]) -> float:
    """Return the arc in degrees whose outer circle falls by a fraction of an image's height.

    Args:
        sag: The fraction; negative if the circle rises to either side.
        size: Height and width of the image.

    Returns:
        The arc, of the sign of `sag`.
    """
    height, width = size
    return math.degrees(4.0 * math.atan(2.0 * sag * height / width))


def unbend(image: np.ndarray, arc: float) -> np.ndarray | None:
    """Straighten a word along an arc that fills an image.

    Args:
        image: uint8 [h, w, 3].
        arc: Degrees between the first and the last letter, positive if the word is bent like a
            bridge and negative if like a bowl; not 0.

    Returns:
        uint8 [h', w', 3]; None if no such word fills the image.
    """
    height, width = image.shape[:2]
    if abs(arc) > MOST_BENT or width < NARROWEST_BENT * height:
        return None
    angle = math.radians(abs(arc))
    # The outer circle touches the top and both sides, the inner one ends at the bottom.
    outer = width / (2.0 * math.sin(angle / 2.0))
    inner = (outer - height) / math.cos(angle / 2.0)
    thickness, length = outer - inner, angle * (outer + inner) / 2.0
    if inner < 0.0 or not FLATTEST_BENT * height <= thickness <= length:
        return None
    num_rows, num_columns = max(round(thickness), 1), max(round(length), 1)
    angles = ((np.arange(num_columns) + 0.5) / num_columns - 0.5) * angle
    radii = outer - (np.arange(num_rows)[:, None] + 0.5) / num_rows * thickness
    if arc < 0.0:
        radii = radii[::-1]
    across, down = width / 2.0 + radii * np.sin(angles), outer - radii * np.cos(angles)
    if arc < 0.0:
        down = height - down
    columns, rows = (axis.astype(np.float32) - 0.5 for axis in (across, down))
    return cv2.remap(
        image, columns, rows, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


STRAIGHTENERS = {"slant": deskew, "shear": unshear, "arc": unbend}
"""How an image is straightened, by the field of a reading that says by how many degrees."""

"""Words as they look rotated, from the side, and along an arc; the edge of an image is repeated."""

import math

import cv2
import numpy as np


def turn(image: np.ndarray, degrees: float) -> np.ndarray:
    """Rotate an image about its centre, on a canvas that shows all of it.

    Args:
        image: uint8 [h, w, 3].
        degrees: Positive for anticlockwise.

    Returns:
        uint8 [h', w', 3].
    """
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (round(height * sine + width * cosine), round(height * cosine + width * sine))
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return cv2.warpAffine(
        image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def recede(image: np.ndarray, slope: float, width: float, far: float) -> np.ndarray:
    """Show an image as on a wall seen from the side: its left and right edges stay vertical.

    Args:
        image: uint8 [h, w, 3].
        slope: Degrees by which its middle falls to the right.
        width: Width of the result, as a fraction of that of the image.
        far: Height of the right edge, likewise.

    Returns:
        uint8 [h', w', 3], the bounding box.
    """
    height, columns = image.shape[:2]
    right = width * columns
    middle = height / 2 + math.tan(math.radians(slope)) * right
    corners = np.array(
        [
            [0, 0],
            [right, middle - far * height / 2],
            [right, middle + far * height / 2],
            [0, height],
        ]
    )
    corners -= corners.min(axis=0)
    own = np.array([[0, 0], [columns, 0], [columns, height], [0, height]])
    matrix = cv2.getPerspectiveTransform(own.astype(np.float32), corners.astype(np.float32))
    size = [max(math.ceil(side), 1) for side in corners.max(axis=0)]
    return cv2.warpPerspective(
        image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def bend(image: np.ndarray, degrees: float) -> np.ndarray:
    """Show an image along an arc.

    Args:
        image: uint8 [h, w, 3]; an image that is too high for the arc is shrunk at its inner edge.
        degrees: Arc between its left and right edge, up to 180; negative if its middle is lowest.

    Returns:
        uint8 [h', w', 3], the bounding box.
    """
    height, width = image.shape[:2]
    angle = math.radians(abs(degrees))
    inner = max(width / angle - height / 2, height / 6)
    outer = inner + height
    num_columns = math.ceil(2 * outer * math.sin(angle / 2))
    num_rows = math.ceil(outer - inner * math.cos(angle / 2))
    across = np.arange(num_columns) + 0.5 - num_columns / 2
    up = outer - (np.arange(num_rows)[:, None] + 0.5)
    radii, angles = np.hypot(across, up), np.arctan2(across, up)
    columns = (angles / angle + 0.5) * width - 0.5
    rows = (outer - radii if degrees > 0 else radii - inner) - 0.5
    bent = cv2.remap(
        *(image, columns.astype(np.float32), rows.astype(np.float32)),
        interpolation=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return bent if degrees > 0 else np.ascontiguousarray(bent[::-1])

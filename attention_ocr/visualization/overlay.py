"""Images of where the network looked while it read."""

from collections.abc import Sequence

import cv2
import numpy as np

from attention_ocr.visualization.glyphs import draw_line

CHARACTER_COLORS = (
    *((255, 159, 64), (86, 180, 233), (120, 200, 80)),
    *((240, 110, 170), (250, 220, 80), (170, 140, 240)),
)
"""RGB colours of consecutive characters."""

_GAP = 4
_LIGHT = np.array([255, 214, 64]) / 255.0
_DUSK = 0.5


def attention_maps(
    attention: np.ndarray, extent: Sequence[float], size: tuple[int, int]
) -> np.ndarray:
    """Enlarge attention weights to the image that was read.

    Args:
        attention: float [L, H', W'], weights of each character over the padded image.
        extent: Shares of the padded height and width that the content fills, above 0, at most 1.
        size: Height and width of the result in pixels.

    Returns:
        float32 [L, h, w] in [0, 1]; each map's largest value is 1, unless it is zero everywhere.
    """
    padded_width, padded_height = round(size[1] / extent[1]), round(size[0] / extent[0])
    maps = []
    for weights in np.asarray(attention, np.float32):
        enlarged = cv2.resize(weights, (padded_width, padded_height), interpolation=cv2.INTER_CUBIC)
        visible = np.clip(enlarged[: size[0], : size[1]], 0.0, None)
        maps.append(visible / max(float(visible.max()), 1e-9))
    return np.stack(maps) if maps else np.zeros((0, *size), np.float32)


def scale_to_height(image: np.ndarray, height: int, max_width: int) -> np.ndarray:
    """Scale an image to a height, keeping its proportions; one that gets too wide is made lower.

    Args:
        image: uint8 [h, w, 3].
        height: Height of the result in pixels.
        max_width: Largest width of the result in pixels.

    Returns:
        uint8 [h', w', 3].
    """
    scale = min(height / image.shape[0], max_width / image.shape[1])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    interpolation = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=interpolation)


def overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Overlay one map on an image: warm and bright where the network looked, dark elsewhere.

    Args:
        image: uint8 [h, w, 3].
        heat: float [h, w] in [0, 1].

    Returns:
        uint8 [h, w, 3].
    """
    heat = heat[..., None]
    # Mostly a factor, so that bright ink stays legible; the added part shows on dark images.
    lit = image * _LIGHT + 0.25 * 255.0 * _LIGHT * (1.0 - image / 255.0)
    return (image * (1.0 - heat) * _DUSK + lit * heat).round().astype(np.uint8)


def tint_characters(image: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Tint the place of each character in a different colour, all in one image.

    Args:
        image: uint8 [h, w, 3].
        maps: float [L, h, w] in [0, 1], see `attention_maps`.

    Returns:
        uint8 [h, w, 3]: grey where no character was read, otherwise in `CHARACTER_COLORS`, which
        repeat.
    """
    grey = np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1)
    if not len(maps):
        return grey.round().astype(np.uint8)
    colors = np.array([CHARACTER_COLORS[i % len(CHARACTER_COLORS)] for i in range(len(maps))])
    weights = np.asarray(maps, float) ** 2
    total = np.maximum(weights.sum(axis=0), 1e-9)
    color = np.einsum("lhw,lc->hwc", weights / total, colors)
    strength = np.asarray(maps, float).max(axis=0)[..., None]
    # Mostly a factor, so that dark ink stays legible; the added part shows on dark images.
    lit = 0.7 * grey * color / 255.0 + 0.3 * color
    return (grey * (1.0 - strength) + lit * strength).round().astype(np.uint8)


def caption(image: np.ndarray, text: str) -> np.ndarray:
    """Put a line of text above an image.

    Args:
        image: uint8 [h, w, 3].
        text: The line; the image grows to its width.

    Returns:
        uint8 [h', w', 3].
    """
    line = draw_line(text, _font_size(image))
    return _compose([(line, 0, 0), (image, line.shape[0], 0)])


def attention_strip(
    image: np.ndarray, text: str, attention: np.ndarray, extent: Sequence[float]
) -> np.ndarray:
    """Draw where each character was read: the image, and below it a row for each character.

    Args:
        image: uint8 [h, w, 3], the image without padding.
        text: The prediction, n characters.
        attention: float [L, H', W'] over the padded image, L at least n.
        extent: Shares of the padded height and width that the content fills.

    Returns:
        uint8 [h', w', 3].
    """
    size = _font_size(image)
    maps = attention_maps(attention[: len(text)], extent, image.shape[:2])
    characters = [draw_line(character, size) for character in text]
    title = draw_line(text or "(nothing)", size)
    # The characters stand in a column left of the images.
    left = max((line.shape[1] for line in characters), default=0) + 2 * _GAP
    height = max([image.shape[0], *(line.shape[0] for line in characters)]) + _GAP
    pieces = [(title, 0, left), (image, title.shape[0] + _GAP, left)]
    for index, (line, heat) in enumerate(zip(characters, maps, strict=True), start=1):
        top = title.shape[0] + _GAP + index * height
        middle = top + (height - _GAP - line.shape[0]) // 2
        pieces.append((line, middle, (left - line.shape[1]) // 2))
        pieces.append((overlay(image, heat), top, left))
    return _compose(pieces, margin=_GAP)


def attention_frames(
    image: np.ndarray, text: str, attention: np.ndarray, extent: Sequence[float]
) -> list[np.ndarray]:
    """Draw the attention walking over an image, a frame for each character.

    Args:
        image: uint8 [h, w, 3], the image without padding.
        text: The prediction, n characters.
        attention: float [L, H', W'] over the padded image, L at least n.
        extent: Shares of the padded height and width that the content fills.

    Returns:
        n + 1 frames uint8 [h', w', 3] of one size: each with the text read so far, the last without
        attention.
    """
    size = _font_size(image)
    maps = attention_maps(attention[: len(text)], extent, image.shape[:2])
    whole = draw_line(text or "(nothing)", size)
    frames = []
    for index, heat in enumerate(maps, start=1):
        line = np.full_like(whole, 255)
        read = draw_line(text[:index], size)[:, : line.shape[1]]
        line[:, : read.shape[1]] = read
        frames.append(_compose([(overlay(image, heat), 0, 0), (line, image.shape[0] + _GAP, 0)]))
    return [*frames, _compose([(image, 0, 0), (whole, image.shape[0] + _GAP, 0)])]


def _font_size(image: np.ndarray) -> int:
    return int(np.clip(image.shape[0] // 3, 11, 24))


def _compose(pieces: Sequence[tuple[np.ndarray, int, int]], margin: int = 0) -> np.ndarray:
    """Compose images on a white ground, each at its top and left in pixels."""
    height = max(top + piece.shape[0] for piece, top, _ in pieces)
    width = max(left + piece.shape[1] for piece, _, left in pieces)
    ground = np.full((height + 2 * margin, width + 2 * margin, 3), 255, np.uint8)
    for piece, top, left in pieces:
        rows = slice(margin + top, margin + top + piece.shape[0])
        ground[rows, margin + left : margin + left + piece.shape[1]] = piece
    return ground

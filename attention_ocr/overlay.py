"""Pictures of where the network looked while it read."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

_LABEL_HEIGHT = 14


def attention_maps(
    attention: np.ndarray, extent: Sequence[float], size: tuple[int, int]
) -> np.ndarray:
    """Enlarge attention weights to the picture that was read.

    Args:
        attention: float [L, H', W'], weights of each character over the padded picture.
        extent: shares of the padded height and width that the picture fills, above 0, at most 1.
        size: height and width of the result, pixels.

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


def overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay one map over a picture: bright and coloured where the network looked, dim elsewhere.

    Args:
        image: uint8 [h, w, 3].
        heat: float [h, w] in [0, 1].

    Returns:
        uint8 [h, w, 3].
    """
    colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    strength = 0.25 + 0.45 * heat[..., None]
    return np.clip(image * (1.0 - strength) + colours * strength, 0, 255).astype(np.uint8)


def caption(image: np.ndarray, text: str) -> np.ndarray:
    """Return a picture with a line of text above it.

    Args:
        image: uint8 [h, w, 3].
        text: the line; made narrower by nothing, the picture grows to its width.

    Returns:
        uint8 [h + 14, W, 3].
    """
    font = ImageFont.load_default(size=11)
    width = max(image.shape[1], int(font.getlength(text)) + 4)
    canvas = Image.new("RGB", (width, image.shape[0] + _LABEL_HEIGHT), "white")
    canvas.paste(Image.fromarray(image), (0, _LABEL_HEIGHT))
    ImageDraw.Draw(canvas).text((2, 0), text, fill="black", font=font)
    return np.asarray(canvas)


def attention_strip(
    image: np.ndarray, text: str, attention: np.ndarray, extent: Sequence[float]
) -> np.ndarray:
    """Draw where each character was read: a row for each, under the picture itself.

    Args:
        image: uint8 [h, w, 3], the picture without padding.
        text: what was read, n characters.
        attention: float [L, H', W'] over the padded picture, L at least n.
        extent: shares of the padded height and width that the picture fills.

    Returns:
        uint8 [(h + 14) (n + 1), w', 3].
    """
    maps = attention_maps(attention[: len(text)], extent, image.shape[:2])
    rows = [caption(image, text or "(nothing)")]
    rows += [
        caption(overlay(image, heat), character) for character, heat in zip(text, maps, strict=True)
    ]
    widest = max(row.shape[1] for row in rows)
    padded = [
        np.pad(row, ((0, 0), (0, widest - row.shape[1]), (0, 0)), constant_values=255)
        for row in rows
    ]
    return np.concatenate(padded)

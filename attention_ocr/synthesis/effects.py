"""Effects on images: ink on ground, then the artefacts of a camera. Each is usable on its own.

All take and return uint8 `[H, W, 3]` and leave their arguments unchanged.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from attention_ocr.synthesis.chance import below, between, happens
from attention_ocr.synthesis.colors import Color, Palette, luma
from attention_ocr.synthesis.looks import LOOKS, Look

_NOISE_SEED = 13
_NOISE_SHAPE = (256, 1024)
# Standard deviation of the stored noise; the stored bytes are 128 plus noise.
_NOISE_DEVIATION = 32.0


def paint(image: np.ndarray, mask: np.ndarray, color: Color | np.ndarray) -> np.ndarray:
    """Paint an image through a mask.

    Args:
        image: uint8 `[H, W, 3]`.
        mask: uint8 `[H, W]`, 255 where fully painted.
        color: One colour, or uint8 `[H, W, 3]`.

    Returns:
        uint8 `[H, W, 3]`.
    """
    if isinstance(color, np.ndarray):
        layer = color
    else:
        layer = np.empty_like(image)
        layer[:] = np.array(color) + 0.5
    cover = cv2.cvtColor(mask, cv2.COLOR_GRAY2RGB)
    painted = cv2.multiply(layer, cover, scale=1 / 255)
    return cv2.add(painted, cv2.multiply(image, cv2.bitwise_not(cover), scale=1 / 255))


def thicken(mask: np.ndarray, radius: int) -> np.ndarray:
    """Dilate the ink of a mask, for outlines.

    Args:
        mask: uint8 `[H, W]`, with an empty margin of at least `radius` pixels.
        radius: Pixels.

    Returns:
        uint8 `[H, W]`.
    """
    return cv2.dilate(mask, _disc(radius))


def cast_shadow(
    mask: np.ndarray, shift_x: int, shift_y: int, softness: float, strength: float
) -> np.ndarray:
    """Make the mask of a shadow.

    Args:
        mask: uint8 `[H, W]`, the ink.
        shift_x: Pixels to the right.
        shift_y: Pixels down.
        softness: Standard deviation of its blur in pixels, 0 for a hard edge.
        strength: From 0 to 1.

    Returns:
        uint8 `[H, W]`.
    """
    matrix = np.array([(1, 0, shift_x), (0, 1, shift_y)], np.float32)
    shadow = cv2.warpAffine(mask, matrix, mask.shape[::-1], flags=cv2.INTER_NEAREST)
    if softness > 0:
        shadow = cv2.GaussianBlur(shadow, (0, 0), softness)
    return cv2.convertScaleAbs(shadow, alpha=strength)


def blur(image: np.ndarray, deviation: float) -> np.ndarray:
    """Blur an image as if out of focus.

    Args:
        image: uint8 `[H, W, 3]`.
        deviation: Standard deviation of the Gaussian in pixels.

    Returns:
        uint8 `[H, W, 3]`.
    """
    side = 2 * int(2.5 * deviation + 0.999) + 1
    return cv2.GaussianBlur(image, (side, side), deviation)


def blur_by_motion(image: np.ndarray, length: float, angle: float) -> np.ndarray:
    """Blur an image by camera motion.

    Args:
        image: uint8 `[H, W, 3]`.
        length: Pixels.
        angle: Direction in radians.

    Returns:
        uint8 `[H, W, 3]`.
    """
    if length <= 1:
        return image.copy()
    side = 2 * int(length / 2 + 0.999) + 1
    middle = side // 2
    # Sixteenths of a pixel, so that a short motion is not rounded to zero.
    center, reach = 16 * middle, 8 * (length - 1.0)
    step = (round(reach * np.cos(angle)), round(reach * np.sin(angle)))
    kernel = np.zeros((side, side), np.uint8)
    start = (center - step[0], center - step[1])
    end = (center + step[0], center + step[1])
    cv2.line(kernel, start, end, 255, 1, cv2.LINE_AA, 4)
    weights = kernel.astype(np.float32)
    weights[middle, middle] = 255.0
    return cv2.filter2D(image, -1, weights / weights.sum(), borderType=cv2.BORDER_REPLICATE)


def lower_resolution(image: np.ndarray, factor: float) -> np.ndarray:
    """Downsample an image and enlarge it again.

    Args:
        image: uint8 `[H, W, 3]`.
        factor: Scale of each side, above 0 to 1.

    Returns:
        uint8 `[H, W, 3]`.
    """
    height, width = image.shape[:2]
    small = (max(1, round(width * factor)), max(1, round(height * factor)))
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR)


def add_noise(
    rng: np.random.Generator, image: np.ndarray, deviation: float, colored: bool, coarse: bool
) -> np.ndarray:
    """Add sensor noise.

    Args:
        rng: Random generator.
        image: uint8 `[H, W, 3]`.
        deviation: Standard deviation of the noise, from 0 to 255.
        colored: Whether the channels differ.
        coarse: Whether the grains are larger than a pixel.

    Returns:
        uint8 `[H, W, 3]`.
    """
    height, width = image.shape[:2]
    bank = _noise(colored, coarse)
    cut_height, cut_width = min(height, bank.shape[0]), min(width, bank.shape[1])
    top, left = (
        below(rng, bank.shape[0] - cut_height + 1),
        below(rng, bank.shape[1] - cut_width + 1),
    )
    noise = bank[top : top + cut_height, left : left + cut_width]
    if (cut_height, cut_width) != (height, width):
        noise = cv2.copyMakeBorder(
            noise, 0, height - cut_height, 0, width - cut_width, cv2.BORDER_REFLECT
        )
    weight = deviation / _NOISE_DEVIATION
    return cv2.addWeighted(image, 1.0, noise, weight, -128.0 * weight)


def compress(image: np.ndarray, quality: int) -> np.ndarray:
    """Compress an image as JPEG and decode it.

    Args:
        image: uint8 `[H, W, 3]`.
        quality: From 1 to 100.

    Returns:
        uint8 `[H, W, 3]`.
    """
    # OpenCV swaps red and blue, here and back again; the loss is the same.
    encoded = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))


def develop(
    image: np.ndarray, contrast: float = 1.0, brightness: float = 0.0, gamma: float = 1.0
) -> np.ndarray:
    """Change contrast, brightness and gamma.

    Args:
        image: uint8 `[H, W, 3]`.
        contrast: Factor of the distance from middle gray.
        brightness: Added, from -255 to 255.
        gamma: Exponent; above 1 darkens.

    Returns:
        uint8 `[H, W, 3]`.
    """
    return cv2.LUT(image, tone_curve(contrast, brightness, gamma))


def tone_curve(contrast: float, brightness: float, gamma: float) -> np.ndarray:
    """Compute the lookup table of `develop`.

    Args:
        contrast: Factor of the distance from middle gray.
        brightness: Added, from -255 to 255.
        gamma: Exponent.

    Returns:
        uint8 `[256]`.
    """
    values = (np.arange(256, dtype=np.float32) - 127.5) * contrast + (127.5 + brightness)
    return (255.0 * (np.clip(values, 0, 255) / 255.0) ** gamma + 0.5).astype(np.uint8)


def shade(rng: np.random.Generator, image: np.ndarray, darkest: float) -> np.ndarray:
    """Light an image unevenly.

    Args:
        rng: Random generator.
        image: uint8 `[H, W, 3]`.
        darkest: Factor in the darkest corner, from 0 to 1.

    Returns:
        uint8 `[H, W, 3]`.
    """
    corners = (255.0 * (darkest + (1.0 - darkest) * rng.random((2, 2)))).astype(np.uint8)
    height, width = image.shape[:2]
    light = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(image, cv2.cvtColor(light, cv2.COLOR_GRAY2RGB), scale=1 / 255)


@dataclass(frozen=True)
class Strokes:
    """Strokes of a text.

    Args:
        width: Mean width in pixels.
        strength: Mean coverage of a pixel by the strokes, from 0 to 1.
    """

    width: float
    strength: float


def measure_strokes(mask: np.ndarray) -> Strokes:
    """Measure the strokes in a mask.

    Args:
        mask: uint8 `[H, W]`, with ink.

    Returns:
        Their width and strength, which limit blur and noise.
    """
    ink = float(cv2.norm(mask, cv2.NORM_L1))
    steps = cv2.norm(mask[1:], mask[:-1], cv2.NORM_L1)
    steps += cv2.norm(mask[:, 1:], mask[:, :-1], cv2.NORM_L1)
    # Steps count an edge along both axes: on average over all directions 4 / pi of its length.
    edge = max(steps * np.pi / 4, 1e-6)
    strength = cv2.norm(mask, cv2.NORM_L2SQR) / max(255.0 * ink, 1e-6)
    return Strokes(width=float(2 * ink / edge), strength=float(strength))


def photograph(
    rng: np.random.Generator,
    image: np.ndarray,
    difficulty: float,
    ink_height: float,
    strokes: Strokes,
    palette: Palette,
    look: Look = LOOKS["any"],
    sharp: bool = False,
) -> np.ndarray:
    """Apply the artefacts of cameras and web sites, as far as the text stays legible.

    Args:
        rng: Random generator.
        image: uint8 `[H, W, 3]`.
        difficulty: From 0, nothing, to 1.
        ink_height: Height of the text in pixels.
        strokes: Strokes of the text, which limit the blur.
        palette: Colours, which together with the strokes limit the noise.
        look: Determines how often there is noise.
        sharp: Whether it stays in focus.

    Returns:
        uint8 `[H, W, 3]`.
    """
    if difficulty == 0:
        return image
    # A mask may have lost all its ink.
    contrast = max(palette.contrast * strokes.strength, 1e-6)
    darkest = 1.0
    if happens(rng, 0.35 * difficulty):
        # Whatever the shadow, a contrast of 35 remains.
        darkest = max(1.0 - 0.5 * difficulty, min(1.0, 35.0 / contrast))
        image = shade(rng, image, darkest)
    if happens(rng, 0.6 * difficulty):
        image = _develop_safely(rng, image, difficulty, palette, darkest)
    if not sharp:
        image = _soften(rng, image, difficulty, ink_height, strokes.width)
    if happens(rng, look.noise * difficulty):
        deviation = min(16.0, 0.15 * contrast) * difficulty * between(rng, 0.15, 1.0)
        image = add_noise(rng, image, deviation, happens(rng, 0.5), happens(rng, 0.4))
    if happens(rng, 0.08 * difficulty):
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if happens(rng, 0.6 * difficulty):
        lowest = 95.0 - (60.0 if contrast > 80 else 35.0) * difficulty
        image = compress(image, int(between(rng, lowest, 95.0)))
    return image


def _develop_safely(
    rng: np.random.Generator,
    image: np.ndarray,
    difficulty: float,
    palette: Palette,
    darkest: float,
) -> np.ndarray:
    """Develop, unless that would saturate both text and ground anywhere."""
    contrast = between(rng, 1.0 - 0.35 * difficulty, 1.0 + 0.4 * difficulty)
    brightness = between(rng, -40.0, 40.0) * difficulty
    gamma = float(np.exp(between(rng, -0.4, 0.4) * difficulty))
    curve = tone_curve(contrast, brightness, gamma)
    for light in (1.0, darkest):
        text, ground = int(light * luma(palette.text)), int(light * luma(palette.ground))
        if abs(int(curve[text]) - int(curve[ground])) < min(0.8 * light * palette.contrast, 60.0):
            return image
    return cv2.LUT(image, curve)


def _soften(
    rng: np.random.Generator,
    image: np.ndarray,
    difficulty: float,
    ink_height: float,
    stroke_width: float,
) -> np.ndarray:
    """Blur in one way: defocus, motion, or low resolution. Two at once would hide letters."""
    choice = rng.random() / (0.9 * difficulty)
    if choice < 0.4:
        return blur(image, 0.3 + 0.4 * stroke_width * difficulty * rng.random())
    if choice < 0.55:
        length = 1.0 + 1.2 * stroke_width * difficulty * rng.random()
        return blur_by_motion(image, length, np.pi * rng.random())
    if choice < 0.9:
        # The smallest words people label are twelve pixels high.
        least = max(1.0 - 0.6 * difficulty, 12.0 / ink_height, 1.1 / max(stroke_width, 1e-6))
        least = min(1.0, least)
        return lower_resolution(image, between(rng, least, 1.0))
    return image


@cache
def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


@cache
def _noise(colored: bool, coarse: bool) -> np.ndarray:
    rng = np.random.default_rng((_NOISE_SEED, int(colored), int(coarse)))
    height, width = _NOISE_SHAPE
    shape = (height, width, 3) if colored else (height, width)
    noise: np.ndarray = rng.standard_normal(shape, np.float32)
    if coarse:
        noise = cv2.GaussianBlur(noise, (0, 0), 1.0)
        noise = noise / noise.std()
    if not colored:
        noise = np.repeat(noise[..., None], 3, axis=2)
    return np.clip(128.5 + _NOISE_DEVIATION * noise, 0, 255).astype(np.uint8)

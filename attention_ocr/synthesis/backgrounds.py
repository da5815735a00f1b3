"""Backgrounds: gray patterns, mapped to gradients between a few colours.

A pattern is uint8 `[H, W]`, drawn for a shape of height and width.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np

from attention_ocr.synthesis.chance import below, between, happens, pick
from attention_ocr.synthesis.colors import Color, Palette

# Large patterns are drawn once and then only cropped: drawing one takes longer than rendering the
# rest of an image.
_BANK_SIZE = 32
_BANK_SHAPE = (256, 768)
_TEXTURE_SEED = 11
_SCENE_SEED = 12


def colorize(pattern: np.ndarray, stops: Sequence[Color]) -> np.ndarray:
    """Colour a gray pattern.

    Args:
        pattern: uint8 `[H, W]`.
        stops: Colours from black to white, evenly spaced, two or more.

    Returns:
        uint8 `[H, W, 3]`.
    """
    colors = _stop_weights(len(stops)) @ np.array(stops, np.float32)
    table = (colors + 0.5).astype(np.uint8)[:, None]
    return cv2.applyColorMap(pattern, table)


def draw_slope(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw a pattern that shades from corner to corner."""
    corners = rng.integers(0, 256, (2, 2), np.uint8)
    return cv2.resize(corners, shape[::-1], interpolation=cv2.INTER_LINEAR)


def draw_texture(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Crop stone, cloth, wood or cloud: noise of several scales."""
    return cut_piece(rng, _texture(below(rng, _BANK_SIZE)), shape)


def draw_scene(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Crop a cluttered scene: edges, bars and round shapes, in and out of focus."""
    return cut_piece(rng, _scene(below(rng, _BANK_SIZE)), shape)


def draw_panel(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw the edge of a sign or a line next to the text: one gray, and another along a side."""
    height, width = shape
    pattern = np.full(shape, below(rng, 96), np.uint8)
    thickness = max(1, int(height * between(rng, 0.02, 0.12)))
    lean = int(between(rng, -0.1, 0.1) * height)
    gray = 160 + below(rng, 96)
    for near_end in (False, True):
        if happens(rng, 0.6):
            row = height - 1 if near_end else 0
            cv2.line(pattern, (0, row), (width, row + lean), gray, 2 * thickness, cv2.LINE_AA)
    if happens(rng, 0.3):
        column = pick(rng, (0, width - 1))
        cv2.line(pattern, (column, 0), (column + lean, height), gray, 2 * thickness, cv2.LINE_AA)
    return pattern


_PATTERNS = (draw_slope, draw_texture, draw_scene, draw_panel)
# Cumulative shares of the patterns.
_PATTERN_BORDERS = (0.3, 0.6, 0.82)


def draw_background(
    rng: np.random.Generator, difficulty: float, shape: tuple[int, int], palette: Palette
) -> np.ndarray:
    """Draw the background of a text.

    Args:
        rng: Random generator.
        difficulty: From 0, one colour, to 1.
        shape: Height and width.
        palette: Colours; every pixel differs from the text by at least `palette.gap` in luma.

    Returns:
        uint8 `[H, W, 3]`.
    """
    if not happens(rng, 0.8 * min(1.0, 2.0 * difficulty)):
        background = np.empty((*shape, 3), np.uint8)
        background[:] = np.array(palette.ground) + 0.5
        return background
    draw_pattern = _PATTERNS[bisect_right(_PATTERN_BORDERS, rng.random())]
    spread = difficulty * rng.random()
    if draw_pattern is draw_scene:
        others = [palette.draw_ground(rng, spread) for _ in range(3)]
        stops = [others[0], palette.ground, others[1], others[2]]
    else:
        stops = [palette.ground, palette.draw_ground(rng, spread)]
    return colorize(draw_pattern(rng, shape), stops)


def cut_piece(rng: np.random.Generator, pattern: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Crop a pattern at a random place and scale.

    Args:
        rng: Random generator.
        pattern: uint8 `[H, W]`.
        shape: Height and width of the piece.

    Returns:
        uint8 of the given shape.
    """
    height, width = pattern.shape
    zoom = between(rng, 0.5, 2.0)
    cut_height = max(2, min(height, int(shape[0] * zoom)))
    cut_width = max(2, min(width, int(shape[1] * zoom)))
    top, left = below(rng, height - cut_height + 1), below(rng, width - cut_width + 1)
    piece = pattern[top : top + cut_height, left : left + cut_width]
    return cv2.resize(piece, shape[::-1], interpolation=cv2.INTER_LINEAR)


@cache
def _stop_weights(num_stops: int) -> np.ndarray:
    """Return the share of each stop in each gray, float32 `[256, num_stops]`."""
    places = np.arange(256, dtype=np.float32)[:, None] * ((num_stops - 1) / 255)
    return np.maximum(0, 1 - np.abs(places - np.arange(num_stops))).astype(np.float32)


def _stretch_to_bytes(pattern: np.ndarray) -> np.ndarray:
    low, high = np.percentile(pattern, (1, 99))
    return np.clip((pattern - low) * (255.0 / max(high - low, 1e-6)), 0, 255).astype(np.uint8)


@cache
def _texture(place: int) -> np.ndarray:
    rng = np.random.default_rng((_TEXTURE_SEED, place))
    height, width = _BANK_SHAPE
    # The grain of wood and brushed metal is elongated.
    aspect = 2.0 ** between(rng, -2, 2)
    roughness = between(rng, 0.4, 0.9)
    pattern = np.zeros(_BANK_SHAPE, np.float32)
    for octave in range(7):
        cells_high = max(2, min(height, int(4 * 2**octave * aspect)))
        cells_wide = max(2, min(width, int(12 * 2**octave / aspect)))
        grains = rng.standard_normal((cells_high, cells_wide), np.float32)
        layer = cv2.resize(grains, (width, height), interpolation=cv2.INTER_CUBIC)
        pattern += np.float32(roughness**octave) * layer
    return _stretch_to_bytes(pattern)


@cache
def _scene(place: int) -> np.ndarray:
    rng = np.random.default_rng((_SCENE_SEED, place))
    height, width = _BANK_SHAPE
    scene = draw_slope(rng, _BANK_SHAPE)
    for _ in range(int(between(rng, 20, 90))):
        gray = below(rng, 256)
        x, y = below(rng, width), below(rng, height)
        reach = int(2 ** between(rng, 2, 7))
        shape_kind = below(rng, 4)
        if shape_kind == 0:
            corner = (x + reach, y + max(1, int(reach * rng.random())))
            cv2.rectangle(scene, (x, y), corner, gray, -1)
        elif shape_kind == 1:
            end = (x + int(between(rng, -4, 4) * reach), y + int(between(rng, -4, 4) * reach))
            cv2.line(scene, (x, y), end, gray, 1 + below(rng, 8), cv2.LINE_AA)
        elif shape_kind == 2:
            axes = (reach, max(1, int(reach * rng.random())))
            turn = 180 * rng.random()
            cv2.ellipse(scene, (x, y), axes, turn, 0, 360, gray, -1, cv2.LINE_AA)
        else:
            offsets = rng.integers(-reach, reach + 1, (4, 2))
            cv2.fillPoly(
                scene, [np.array((x, y), np.int32) + offsets.astype(np.int32)], gray, cv2.LINE_AA
            )
    return cv2.GaussianBlur(scene, (0, 0), between(rng, 0.6, 6.0))

"""Histograms of counted numbers, as text for the terminal and as images."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_BLOCKS = " ▏▎▍▌▋▊▉█"
_PANEL = (360, 200)
_MARGIN = 28


class Bin(NamedTuple):
    """A bar of a histogram.

    Attributes:
        low: Smallest number.
        high: Largest number.
        total: Count of numbers from low to high, inclusive.
    """

    low: float
    high: float
    total: int


def make_bins(counts: Mapping[float, int], num_bins: int = 12) -> list[Bin]:
    """Group counted numbers into bins of equal width; the last bin has no upper limit.

    The bin width is chosen from the smallest 99 % of the numbers, so that outliers do not stretch
    it.

    Args:
        counts: Count of each number.
        num_bins: Maximum number of bins.
    """
    if not counts:
        return []
    numbers = np.array(sorted(counts), float)
    weights = np.array([counts[number] for number in sorted(counts)])
    # The 99th percentile.
    top = numbers[np.searchsorted(np.cumsum(weights), 0.99 * weights.sum())]
    whole = bool(np.all(numbers == np.round(numbers)))
    width = max((top - numbers[0] + (1 if whole else 0.1)) / num_bins, 1.0 if whole else 0.1)
    width = float(np.ceil(width)) if whole else float(np.ceil(width * 10) / 10)
    places = np.minimum(((numbers - numbers[0]) / width + 1e-6).astype(int), num_bins - 1)
    bins = []
    for place in range(int(places.max()) + 1):
        inside = places == place
        if inside.any():
            members = numbers[inside]
            bins.append(Bin(float(members[0]), float(members[-1]), int(weights[inside].sum())))
    return bins


def text_histogram(counts: Mapping[float, int], width: int = 40) -> list[str]:
    """Return the lines of a histogram for the terminal.

    Example:
        >>> text_histogram({1: 2, 2: 4}, width=4)
        ['     1 ██   2', '     2 ████ 4']
    """
    bins = make_bins(counts)
    largest = max((entry.total for entry in bins), default=1)
    labels = [_range(entry) for entry in bins]
    pad = max([6, *map(len, labels)])
    return [
        f"{label:>{pad}} {_bar(entry.total / largest, width)} {entry.total:,}"
        for label, entry in zip(labels, bins, strict=True)
    ]


def draw_histograms(panels: Mapping[str, Mapping[float, int]]) -> np.ndarray:
    """Draw histograms side by side, two in a row.

    Args:
        panels: Counts of numbers by title.

    Returns:
        uint8 RGB [H, W, 3].
    """
    width, height = _PANEL
    num_rows = -(-len(panels) // 2)
    sheet = Image.new("RGB", (2 * width, num_rows * height), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=11)
    for place, (title, counts) in enumerate(panels.items()):
        left, top = (place % 2) * width + _MARGIN, (place // 2) * height
        draw.text((left, top + 6), title, fill="black", font=font)
        _draw_bars(draw, font, make_bins(counts), left, top)
    return np.asarray(sheet)


def _draw_bars(
    draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    bins: Sequence[Bin], left: int, top: int,
) -> None:  # fmt: skip
    width, height = _PANEL
    base, room = top + height - _MARGIN, height - 3 * _MARGIN
    largest = max((entry.total for entry in bins), default=1)
    step = (width - _MARGIN - 8) / max(len(bins), 1)
    for index, entry in enumerate(bins):
        x, bar = left + index * step, room * entry.total / largest
        draw.rectangle((x, base - bar, x + step - 3, base), fill="#4477aa")
        count = f"{entry.total:,}" if entry.total < 100_000 else f"{entry.total / 1000:,.0f}k"
        draw.text((x, base - bar - 13), count, fill="black", font=font)
        draw.text((x, base + 3), f"{entry.low:g}", fill="black", font=font)


def _range(entry: Bin) -> str:
    return f"{entry.low:g}" if entry.low == entry.high else f"{entry.low:g}–{entry.high:g}"


def _bar(share: float, width: int) -> str:
    eighths = round(share * width * 8)
    bar = "█" * (eighths // 8) + (_BLOCKS[eighths % 8] if eighths % 8 else "")
    return bar.ljust(width)

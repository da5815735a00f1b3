"""Charts as inline SVG: reliability diagram and risk-coverage curve."""

from collections.abc import Sequence

from attention_ocr.metrics.calibration import Calibration

_SIDE, _MARGIN = 300, 44


def reliability_diagram(calibration: Calibration) -> str:
    """Return the share of correct predictions by confidence, next to the ideal diagonal."""
    bars = [
        f'<rect class="fill" x="{_x(b.low):.1f}" y="{_y(b.share_right):.1f}" '
        f'width="{_x(b.high) - _x(b.low) - 1:.1f}" height="{_y(0) - _y(b.share_right):.1f}">'
        f"<title>{b.num_examples} predictions, mean confidence {b.mean_confidence:.1%}, "
        f"{b.share_right:.1%} correct</title></rect>"
        for b in calibration.bins
    ]
    diagonal = _line([(0.0, 0.0), (1.0, 1.0)], "ideal")
    return _chart("confidence", "share correct", [*bars, diagonal], 1.0)


def risk_coverage_curve(confidences: Sequence[float], right: Sequence[bool]) -> str:
    """Return the error rate among the most confident predictions, by their share.

    Args:
        confidences: Confidence of each prediction.
        right: Whether each prediction is correct.
    """
    points = risk_coverage_points(confidences, right)
    top = max([risk for _, risk in points], default=0.0) or 1.0
    curve = _line([(coverage, risk / top) for coverage, risk in points], "curve")
    return _chart("coverage", "error rate", [curve], top)


def risk_coverage_points(
    confidences: Sequence[float], right: Sequence[bool], count: int = 200
) -> list[tuple[float, float]]:
    """Return pairs of coverage and error rate among the predictions kept.

    Args:
        confidences: Confidence of each prediction.
        right: Whether each prediction is correct.
        count: Approximate maximum number of points.

    Example:
        >>> risk_coverage_points([0.9, 0.8, 0.7, 0.6], [True, True, False, True])
        [(0.25, 0.0), (0.5, 0.0), (0.75, 0.3333333333333333), (1.0, 0.25)]
    """
    ranked = sorted(zip(confidences, right, strict=True), key=lambda pair: -pair[0])
    step = max(len(ranked) // count, 1)
    points, num_wrong = [], 0
    for number, (confidence, is_right) in enumerate(ranked, start=1):
        num_wrong += not is_right
        # Predictions of equal confidence are kept or dropped together.
        complete = number == len(ranked) or ranked[number][0] < confidence
        if complete and (number % step == 0 or number == len(ranked) or step == 1):
            points.append((number / len(ranked), num_wrong / number))
    return points


def _chart(x_title: str, y_title: str, content: Sequence[str], top: float) -> str:
    size = _SIDE + 2 * _MARGIN
    ticks = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        ticks += [
            f'<line class="grid" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(tick)}" y2="{_y(tick)}"/>',
            f'<text x="{_x(0) - 6}" y="{_y(tick) + 4}" text-anchor="end">{tick * top:.0%}</text>'
            if top >= 0.1
            else f'<text x="{_x(0) - 6}" y="{_y(tick) + 4}" text-anchor="end">'
            f"{tick * top:.1%}</text>",
            f'<text x="{_x(tick)}" y="{_y(0) + 18}" text-anchor="middle">{tick:.0%}</text>',
        ]
    return (
        f'<svg role="img" aria-label="{y_title} by {x_title}" viewBox="0 0 {size} {size}">'
        + "".join([*ticks, *content])
        + f'<text x="{size / 2}" y="{size - 6}" text-anchor="middle">{x_title}</text>'
        f'<text x="{_x(0)}" y="{_MARGIN - 16}">{y_title}</text></svg>'
    )


def _line(points: Sequence[tuple[float, float]], kind: str) -> str:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def _x(share: float) -> float:
    return _MARGIN + _SIDE * share


def _y(share: float) -> float:
    return _MARGIN + _SIDE * (1.0 - share)

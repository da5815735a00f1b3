import doctest
import re
from xml.etree import ElementTree as ET

import pytest

from attention_ocr.metrics.calibration import compute_calibration
from attention_ocr.reporting import charts
from attention_ocr.reporting.charts import (
    reliability_diagram,
    risk_coverage_curve,
    risk_coverage_points,
)

LEFT, RIGHT, TOP, BOTTOM = 44, 344, 44, 344
"""Edges of the plot in the drawing."""


def test_the_example_of_the_docstring_holds():
    assert doctest.testmod(charts) == (0, 1)


def labels(svg, anchor):
    return [
        text.text for text in ET.fromstring(svg).iter("text") if text.get("text-anchor") == anchor
    ]


def test_a_bar_stands_at_its_confidences_and_is_as_high_as_its_share_correct():
    confidences = [0.99] * 3 + [0.5]
    svg = reliability_diagram(compute_calibration(confidences, [True, True, False, True]))
    bars = list(ET.fromstring(svg).iter("rect"))
    assert len(bars) == 2
    middle, last = bars
    assert float(middle.get("x")) <= LEFT + 150 <= float(middle.get("x")) + 21
    assert float(last.get("x")) == pytest.approx(RIGHT - 20, abs=0.1)
    for bar, share in ((middle, 1.0), (last, 2 / 3)):
        assert float(bar.get("height")) == pytest.approx(300 * share, abs=0.1)
        assert float(bar.get("y")) + float(bar.get("height")) == pytest.approx(BOTTOM, abs=0.1)
    assert last.find("title").text == "3 predictions, mean confidence 99.0%, 66.7% correct"


def test_the_ideal_is_the_diagonal():
    svg = reliability_diagram(compute_calibration([0.5], [True]))
    (line,) = ET.fromstring(svg).iter("polyline")
    assert line.get("points") == f"{LEFT}.0,{BOTTOM}.0 {RIGHT}.0,{TOP}.0"


def test_the_curve_fills_the_chart_and_its_scale_says_how_high_it_is():
    svg = risk_coverage_curve([0.9, 0.8, 0.7, 0.6], [True, True, True, False])
    (curve,) = ET.fromstring(svg).iter("polyline")
    points = [tuple(map(float, point.split(","))) for point in curve.get("points").split()]
    assert points[0] == (LEFT + 75, BOTTOM)
    assert points[-1] == (RIGHT, TOP)
    assert labels(svg, "end") == ["0%", "6%", "12%", "19%", "25%"]
    assert labels(svg, "middle")[:5] == ["0%", "25%", "50%", "75%", "100%"]


def test_a_small_error_rate_has_a_scale_with_decimals():
    svg = risk_coverage_curve(range(100, 0, -1), [True] * 99 + [False])
    assert labels(svg, "end")[-1] == "1.0%"


def test_a_curve_without_errors_lies_on_the_axis():
    svg = risk_coverage_curve([0.9, 0.8], [True, True])
    (curve,) = ET.fromstring(svg).iter("polyline")
    assert set(re.findall(r",(\S+)", curve.get("points"))) == {"344.0"}


def test_predictions_of_equal_confidence_are_one_point():
    assert risk_coverage_points([0.5, 0.5, 0.9], [False, True, True]) == [
        (1 / 3, 0.0),
        (1.0, 1 / 3),
    ]


def test_a_large_evaluation_has_few_points_and_keeps_the_last():
    points = risk_coverage_points(range(5001, 0, -1), [True] * 5000 + [False], count=50)
    assert 50 <= len(points) <= 52
    assert points[-1] == (1.0, 1 / 5001)
    assert [coverage for coverage, _ in points] == sorted(coverage for coverage, _ in points)


def test_no_predictions_have_no_points():
    assert risk_coverage_points([], []) == []

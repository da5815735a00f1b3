import doctest
from itertools import pairwise

import numpy as np

from attention_ocr.data import histograms
from attention_ocr.data.histograms import Bin, draw_histograms, make_bins, text_histogram


def test_the_example_in_the_docstring_is_true():
    results = doctest.testmod(histograms)
    assert (results.failed, results.attempted) == (0, 1)


def test_bins_hold_every_number_once():
    counts = {number: number % 7 + 1 for number in range(3, 200, 2)}
    bins = make_bins(counts, num_bins=9)
    assert sum(entry.total for entry in bins) == sum(counts.values())
    assert len(bins) <= 9
    for before, after in pairwise(bins):
        assert before.low <= before.high < after.low


def test_a_number_far_away_falls_into_the_last_bin():
    assert make_bins({1: 500, 2: 500, 1000: 1}, num_bins=4)[-1] == Bin(1000, 1000, 1)
    assert make_bins({1: 500, 2: 500, 1000: 1}, num_bins=4)[0] == Bin(1, 1, 500)


def test_nothing_has_no_bars():
    assert make_bins({}) == []
    assert text_histogram({}) == []


def test_an_image_has_a_panel_for_each_histogram_and_taller_bars_for_more():
    sheet = draw_histograms({"lengths": {1: 1, 2: 9}, "none": {}, "ratios": {0.5: 2}})
    assert sheet.shape == (400, 720, 3)
    blue = np.all(sheet == (0x44, 0x77, 0xAA), axis=-1)[:200, :360]
    heights = blue.sum(axis=0)
    first, second = heights[60], heights[250]
    assert 7 * first < second <= 10 * first
    assert not np.all(sheet == (0x44, 0x77, 0xAA), axis=-1)[:200, 360:].any()

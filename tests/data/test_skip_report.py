import logging
from itertools import islice

import pytest

from attention_ocr.data.pipeline import (
    MIN_JUDGED,
    TOO_LONG,
    UNREADABLE,
    WINDOW,
    SkipReport,
    explaining,
    training_batches,
)
from attention_ocr.data.sources import open_source
from tests import tiny


def test_what_is_left_out_is_named_when_it_begins_and_at_each_tenfold(caplog):
    report = SkipReport()
    with caplog.at_level(logging.WARNING):
        for number in range(250):
            report.add(f"{number}.png", UNREADABLE, number)
        report.add("long.png", TOO_LONG, 250)
    assert [record.getMessage() for record in caplog.records] == [
        "left out 1 times so far: unreadable image: 0.png",
        "left out 10 times so far: unreadable image: 9.png",
        "left out 100 times so far: unreadable image: 99.png",
        "left out 1 times so far: label longer than max_length: long.png",
    ]


def test_names_are_given_with_what_the_decoder_says_each_thing_once():
    report = SkipReport(num_names=3)
    details = ["unreadable image: damaged", "empty file", "unreadable image: damaged", "too late"]
    for number, detail in enumerate(details):
        report.add(f"{number}.png", UNREADABLE, detail=detail)
    report.add("long.png", TOO_LONG)
    assert report.lines() == [
        "left out 1 times: label longer than max_length: long.png",
        "left out 4 times: unreadable image: 0.png, 2.png (damaged); 1.png (empty file)",
    ]


def test_a_strict_report_fails_with_what_the_decoder_says():
    with pytest.raises(ValueError, match=r"^unreadable image: a.png \(empty file\)$"):
        SkipReport(fails=True).add("a.png", UNREADABLE, detail="empty file")


def add_all(report: SkipReport, numbers: range, reason: str = UNREADABLE) -> int:
    """Leave examples out; return the number of the one that was too many, or -1."""
    for number in numbers:
        try:
            report.add(f"{number}.png", reason, number)
        except ValueError:
            return number
    return -1


def test_unreadable_images_end_the_pipeline_past_their_share():
    assert add_all(SkipReport(max_unreadable=0.25), range(0, 5000, 5)) == -1
    report = SkipReport(max_unreadable=0.25)
    assert add_all(report, range(0, 5000, 3)) == MIN_JUDGED + 1
    assert report.failure == (
        "18 of the last 52 images cannot be read, 51.png for example, more than "
        "max_unreadable=0.25 of them"
    )


def test_images_that_go_late_in_a_run_are_soon_too_many():
    begins = 1_000_000
    found = add_all(SkipReport(max_unreadable=0.25), range(begins, begins + 2000, 2))
    assert begins + WINDOW / 2 - 4 < found < begins + WINDOW / 2 + 4


def test_labels_that_are_too_long_end_nothing():
    assert add_all(SkipReport(max_unreadable=0.0), range(500), TOO_LONG) == -1


def test_few_images_are_not_judged():
    assert add_all(SkipReport(max_unreadable=0.25), range(MIN_JUDGED - 1)) == -1


def test_a_pipeline_half_of_whose_images_are_gone_ends_and_names_one(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["ab", "c"] * 6)
    source = open_source(str(labels))
    report = SkipReport(max_unreadable=0.25)
    batches = iter(training_batches(source, tiny.config(), tiny.CHARSET, report))
    next(batches)
    for index in range(6):
        (tmp_path / f"{index}.png").unlink()
    message = (
        r"labels.tsv: \d+ of the last \d+ images cannot be read, [0-5].png "
        r"\(cannot be opened: No such file or directory\) for example"
    )
    with pytest.raises(ValueError, match=message), explaining(source, report):
        list(islice(batches, 100))

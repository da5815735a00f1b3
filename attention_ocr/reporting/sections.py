"""The sections of the report."""

from collections import Counter
from collections.abc import Mapping, Sequence

from attention_ocr.evaluation.errors import confusions
from attention_ocr.evaluation.evaluate import Evaluation, Prediction
from attention_ocr.evaluation.groups import (
    GroupScore,
    by_class,
    by_height,
    by_length,
    by_source,
)
from attention_ocr.evaluation.report import calibration_of
from attention_ocr.evaluation.trained_model import ModelEvaluation
from attention_ocr.metrics.accuracy import word_distance
from attention_ocr.metrics.intervals import bootstrap_interval, mcnemar_p_value
from attention_ocr.reporting.charts import reliability_diagram, risk_coverage_curve
from attention_ocr.reporting.example_images import ExampleImage
from attention_ocr.reporting.markup import (
    Section,
    bar,
    escaped,
    figure,
    gallery,
    paragraph,
    table,
)

MAX_SOURCES = 30
MAX_CONFUSIONS = 40
_MANY = 50_000
"""Number of examples from which intervals are estimated from fewer resamples."""


def scores(names: Sequence[str], evaluations: Sequence[Evaluation]) -> Section:
    """Return the metrics with their 95 % intervals, a column for each model."""
    columns = [_metric_rows(evaluation) for evaluation in evaluations]
    rows = [
        (escaped(row[0][0]), *(cell for _, value, note in row for cell in (value, escaped(note))))
        for row in zip(*columns, strict=True)
    ]
    header = ["", *(cell for name in names for cell in (name, "95 % interval"))]
    return Section("scores", "Scores", (table(header, rows),))


def breakdown(predictions: Sequence[Prediction]) -> Section:
    """Return the scores by length, height, class and source."""
    sources = sorted(by_source(predictions), key=lambda group: -group.num_examples)
    omitted = len(sources) - MAX_SOURCES
    note = paragraph(f"{omitted} smaller sources are omitted.") if omitted > 0 else ""
    tables = [
        _group_table("by length of the label", by_length(predictions)),
        _group_table("by height of the image", by_height(predictions)),
        _group_table("by class of the label", by_class(predictions)),
        _group_table("by source", sources[:MAX_SOURCES]),
    ]
    return Section("breakdown", "Breakdown", (f'<div class="tables">{"".join(tables)}</div>', note))


def characters(predictions: Sequence[Prediction]) -> Section:
    """Return the most frequent confusions of characters."""
    found = confusions(predictions)[:MAX_CONFUSIONS]
    if not found:
        return Section("characters", "Confusions", ())
    totals = Counter(character for entry in predictions for character in entry.label)
    rows = [
        (
            _character(entry.label),
            _character(entry.prediction),
            str(entry.times),
            f"{entry.times / totals[entry.label]:.1%}" if entry.label else "",
        )
        for entry in found
    ]
    third = -(-len(rows) // 3)
    header = ("label", "read as", "times", "of its occurrences")
    tables = [table(header, rows[i : i + third]) for i in range(0, len(rows), third)]
    return Section("characters", "Confusions", (f'<div class="tables">{"".join(tables)}</div>',))


def mistakes(
    name: str,
    title: str,
    about: str,
    predictions: Sequence[Prediction],
    chosen: Sequence[int],
    images: Mapping[int, ExampleImage],
) -> Section:
    """Return the images of some predictions.

    Args:
        name: Anchor of the section.
        title: Heading.
        about: Explanation, plain text.
        predictions: All predictions.
        chosen: Indices of those to show.
        images: Images by index.
    """
    figures = [figure(predictions[index], images[index]) for index in chosen]
    return Section(name, title, (paragraph(about), gallery(figures)) if figures else ())


def calibration(predictions: Sequence[Prediction]) -> Section:
    """Return the reliability diagram and the risk-coverage curve; unreadable images are ignored."""
    readable = [entry for entry in predictions if entry.readable]
    if not readable:
        return Section("calibration", "Calibration", ())
    measured = calibration_of(readable)
    chance = measured.chance_error
    confidences = [entry.confidence for entry in readable]
    right = [entry.right for entry in readable]
    rows = [
        (f"{risk.coverage:.0%}", f"{risk.risk:.2%}", f"{risk.confidence:.3f}")
        for risk in measured.risk_coverage
    ]
    charts = reliability_diagram(measured) + risk_coverage_curve(confidences, right)
    return Section(
        "calibration",
        "Calibration",
        (
            paragraph(
                "Confidences differ from the share of correct predictions by "
                f"{measured.expected_calibration_error:.2%} on average (expected calibration "
                f"error). Calibrated ones would differ by {chance.mean:.2%} by chance, and in "
                f"one of twenty cases by over {chance.high:.2%}. --fit_temperature calibrates them."
            ),
            f'<div class="charts">{charts}</div>',
            table(("most confident", "wrong among them", "confidence from"), rows),
        ),
    )


def to_label(unlabelled: ModelEvaluation, chosen: Sequence[int], images: Mapping[int, ExampleImage],
             file_name: str) -> Section:  # fmt: skip
    """Return the unlabelled images to label next.

    Args:
        unlabelled: Predictions for them.
        chosen: Indices of the images, most useful first.
        images: Images of the first of them, by index.
        file_name: File that lists all of them.
    """
    about = (
        f"The {len(chosen)} of {len(unlabelled.predictions)} images of {unlabelled.data} with the "
        f"lowest confidence, one of each predicted text, are listed in {file_name}, with the "
        "prediction as a draft of the label."
    )
    figures = [
        figure(unlabelled.predictions[index], images[index], labelled=False)
        for index in chosen
        if index in images
    ]
    return Section("to-label", "Label next", (paragraph(about), gallery(figures)))


def p_value_text(p_value: float) -> str:
    """Return a p-value as plain text; a tiny one is not zero.

    Example:
        >>> p_value_text(0.0213), p_value_text(0.0)
        ('p = 0.021', 'p < 0.001')
    """
    return f"p = {p_value:.2g}" if p_value >= 0.001 else "p < 0.001"


def comparison(
    names: tuple[str, str],
    first: Sequence[Prediction],
    second: Sequence[Prediction],
    chosen: Sequence[int],
    images: Mapping[int, ExampleImage],
) -> Section:
    """Return where two models differ.

    Args:
        names: Their names.
        first: Predictions of the model of the report.
        second: Predictions of the other one for the same images.
        chosen: Indices of examples to show, from `differing`.
        images: Images by index.
    """
    counts = Counter((a.right, b.right) for a, b in zip(first, second, strict=True))
    only_first, only_second = counts[True, False], counts[False, True]
    rows = [
        ("both correct", str(counts[True, True])),
        (f"only {escaped(names[0])}", str(only_first)),
        (f"only {escaped(names[1])}", str(only_second)),
        ("neither", str(counts[False, False])),
    ]
    p_value = mcnemar_p_value(only_first, only_second)
    verdict = (
        f"McNemar's exact test: {p_value_text(p_value)}. "
        + ("The difference is significant at 5 %." if p_value < 0.05 else
           "The data do not show a difference at the level of 5 %.")
    )  # fmt: skip
    figures = []
    for index in chosen:
        other = second[index]
        remark = (
            f"{escaped(names[1])} read <bdi>{escaped(other.prediction) or '(nothing)'}</bdi> "
            f"{other.confidence:.1%}"
        )
        figures.append(figure(first[index], images[index], remark))
    about = paragraph("Where only one of them is correct:") if figures else ""
    return Section(
        "comparison",
        f"{names[0]} and {names[1]}",
        (table(("", "images"), rows), paragraph(verdict), about, gallery(figures)),
    )


def differing(first: Sequence[Prediction], second: Sequence[Prediction], count: int) -> list[int]:
    """Return indices of examples that one of two models reads correctly, alternately of each."""
    sides: tuple[list[int], list[int]] = ([], [])
    for index, (a, b) in enumerate(zip(first, second, strict=True)):
        if a.right != b.right:
            sides[b.right].append(index)
    mixed = [side[i] for i in range(max(map(len, sides))) for side in sides if i < len(side)]
    return mixed[:count]


def remarks(result: ModelEvaluation) -> Section:
    """Return what the scores do not tell: unreadable and shrunk images, unreachable labels."""
    unreadable = [entry.key for entry in result.predictions if not entry.readable]
    shrunk = [entry.key for entry in result.predictions if entry.shrunk]
    lines = list(result.unreachable.lines())
    for keys, what in ((unreadable, "unreadable images"), (shrunk, "images shrunk to fit")):
        if keys:
            more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
            lines.append(f"{len(keys)} {what}: {', '.join(keys[:5])}{more}")
    content = "".join(f"<li>{escaped(line)}</li>" for line in lines)
    return Section("data", "Data", (f"<ul>{content}</ul>",) if lines else ())


def _metric_rows(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    metrics, predictions = evaluation
    lengths = [max(len(entry.label), len(entry.prediction), 1) for entry in predictions]
    similarity = [
        entry.readable * (1.0 - entry.distance / length)
        for entry, length in zip(predictions, lengths, strict=True)
    ]
    rounds = 1000 if len(predictions) <= _MANY else 200
    intervals = {
        "cer": bootstrap_interval(
            [entry.distance for entry in predictions],
            [len(entry.label) for entry in predictions],
            rounds,
        ),
        "wer": bootstrap_interval(
            [word_distance(entry.label, entry.prediction) for entry in predictions],
            [len(entry.label.split()) for entry in predictions],
            rounds,
        ),
        "ned": bootstrap_interval(similarity, [1.0] * len(predictions), rounds),
    }
    return [
        ("images", f"{metrics.num_examples:,}", ""),
        ("exact match", f"{metrics.exact_match:.1%}", _percent(metrics.exact_match_interval)),
        (
            "alphanumeric match, case-insensitive",
            f"{metrics.alphanumeric_match:.1%}",
            _percent(metrics.alphanumeric_match_interval),
        ),
        ("character error rate", f"{metrics.cer:.2%}", _percent(intervals["cer"])),
        ("word error rate", f"{metrics.wer:.2%}", _percent(intervals["wer"])),
        ("similarity (1 - NED)", f"{metrics.ned:.2%}", _percent(intervals["ned"])),
    ]


def _percent(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.1%} to {interval[1]:.1%}"


def _group_table(caption: str, groups: Sequence[GroupScore]) -> str:
    rows = [
        (
            escaped(group.name or "(no folder)"),
            f"{group.num_examples:,}",
            f"{group.exact_match:.1%}",
            bar(group.exact_match, group.interval),
            f"{group.cer:.2%}",
        )
        for group in groups
    ]
    return table(("", "images", "exact match", "", "CER"), rows, caption)


def _character(character: str) -> str:
    if not character:
        return "(nothing)"
    return "(space)" if character == " " else f"<bdi>{escaped(character)}</bdi>"

"""The report of an evaluation as one HTML page that needs no network."""

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from attention_ocr import __version__
from attention_ocr.evaluation.errors import worst_indices
from attention_ocr.evaluation.evaluate import Prediction
from attention_ocr.evaluation.labels import next_to_label, probably_mislabelled
from attention_ocr.evaluation.trained_model import ModelEvaluation
from attention_ocr.inference.work_directory import TrainedModel
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.io.csv_cells import to_row
from attention_ocr.reporting import sections
from attention_ocr.reporting.example_images import draw_example_images
from attention_ocr.reporting.markup import Section
from attention_ocr.reporting.style import document

PAGE = "index.html"
SUSPECTS_FILE = "probably_wrong_labels.csv"
TO_LABEL_FILE = "next_to_label.tsv"
NUM_IMAGES = 24
NUM_TO_LABEL = 200


class Subject(NamedTuple):
    """A model and its evaluation.

    Attributes:
        name: Name of the model.
        model: The model, with the decoding settings of the evaluation.
        result: Its evaluation.
    """

    name: str
    model: TrainedModel
    result: ModelEvaluation


def write_html_report(
    directory: Path,
    subject: Subject,
    other: Subject | None = None,
    unlabelled: ModelEvaluation | None = None,
) -> Path:
    """Write the report, and lists of labels to check and of images to label.

    Args:
        directory: Receives `index.html`; `probably_wrong_labels.csv`; and `next_to_label.tsv` if
            there are unlabelled images. Created if it does not exist.
        subject: The model.
        other: A model to compare with, evaluated on the same data.
        unlabelled: Predictions for unlabelled images.

    Returns:
        The path of the page.

    Raises:
        ValueError: If the two models were evaluated on different examples, or the data are damaged.
        OSError: If a file cannot be written.
    """
    result = subject.result
    if other is not None and _keys(other.result) != _keys(result):
        raise ValueError(
            f"Expected two evaluations of the same examples. Received: {result.data} and "
            f"{other.result.data}"
        )
    directory.mkdir(parents=True, exist_ok=True)
    suspects = probably_mislabelled(
        result.predictions, result.unreachable.unknown_keys + result.unreachable.too_long_keys
    )
    _write_csv(directory / SUSPECTS_FILE, (result.predictions[index] for index in suspects))
    parts = _sections(subject, other, suspects)
    if unlabelled is not None:
        parts.insert(-1, _label_next(directory, subject.model, unlabelled))
    now = dt.datetime.now().astimezone()
    about = (
        result.data,
        f"{len(result.predictions):,} images, {now:%Y-%m-%d %H:%M}, attention-ocr {__version__}",
        *([f"compared with {other.name}"] if other else []),
    )
    with whole_file(directory / PAGE) as temporary:
        temporary.write_text(
            document(f"Evaluation of {subject.name}", about, parts), encoding="utf-8"
        )
    return directory / PAGE


def _sections(subject: Subject, other: Subject | None, suspects: Sequence[int]) -> list[Section]:
    predictions = subject.result.predictions
    worst = worst_indices(predictions, NUM_IMAGES)
    confident = _confident_mistakes(predictions)
    suspects = suspects[:NUM_IMAGES]
    differing = (
        sections.differing(predictions, other.result.predictions, NUM_IMAGES) if other else []
    )
    images = draw_example_images(
        subject.model, subject.result.data, [*worst, *confident, *suspects, *differing]
    )
    subjects = [subject, other] if other else [subject]
    parts = [
        sections.scores(
            [each.name for each in subjects], [each.result.evaluation for each in subjects]
        ),
        sections.breakdown(predictions),
        sections.characters(predictions),
    ]
    for name, title, about, chosen in (
        (
            "worst",
            "Worst mistakes",
            "The highest error rates. Each image, and below it the same image with the attention "
            "of each character in the colour of that character.",
            worst,
        ),
        (
            "confident",
            "Most confident mistakes",
            "Wrong predictions of the highest confidence.",
            confident,
        ),
        (
            "labels",
            "Labels that are probably wrong",
            "The model contradicts these labels with the mean confidence of its correct "
            f"predictions, or more. All of them are listed in {SUSPECTS_FILE}.",
            suspects,
        ),
    ):
        parts.append(sections.mistakes(name, title, about, predictions, chosen, images))
    parts.insert(3, sections.calibration(predictions))
    if other:
        names = subject.name, other.name
        parts.insert(
            1,
            sections.comparison(names, predictions, other.result.predictions, differing, images),
        )
    return [*parts, sections.remarks(subject.result)]


def _label_next(directory: Path, model: TrainedModel, unlabelled: ModelEvaluation) -> Section:
    chosen = next_to_label(unlabelled.predictions, NUM_TO_LABEL)
    images = draw_example_images(model, unlabelled.data, chosen[:NUM_IMAGES])
    with whole_file(directory / TO_LABEL_FILE) as temporary:
        lines = (
            f"{unlabelled.predictions[index].key}\t{unlabelled.predictions[index].prediction}\n"
            for index in chosen
        )
        temporary.write_text("".join(lines), encoding="utf-8")
    return sections.to_label(unlabelled, chosen, images, TO_LABEL_FILE)


def _confident_mistakes(predictions: Sequence[Prediction]) -> list[int]:
    wrong = [i for i, entry in enumerate(predictions) if entry.readable and not entry.right]
    return sorted(wrong, key=lambda index: -predictions[index].confidence)[:NUM_IMAGES]


def _keys(result: ModelEvaluation) -> list[str]:
    return [entry.key for entry in result.predictions]


def _write_csv(path: Path, entries: Iterable[Prediction]) -> None:
    columns = ("key", "label", "prediction", "confidence")
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for entry in entries:
            writer.writerow(to_row(getattr(entry, column) for column in columns))

"""`attention-ocr fine-tune`: from labelled images to a trained model and its report."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from attention_ocr.cli.flag_command import FlagCommand
from attention_ocr.cli.quiet_start import quiet_start, show_own_log
from attention_ocr.cli.settings_flags import SECTIONS, define_flags
from attention_ocr.cli.train import config_from_flags
from attention_ocr.data.storage import is_remote
from attention_ocr.inference.locate import (
    DEFAULT_MODEL,
    LINES_MODEL,
    WEIGHTS_FILE,
    is_bundled,
    lines_model,
)
from attention_ocr.training.interruption import Interruption

if TYPE_CHECKING:
    from attention_ocr.data.documents import Split

EXAMPLES = """\
examples:
  {program} --data=words/labels.tsv --work_dir=runs/mine
  {program} --data=words/labels.tsv --work_dir=runs/mine --minutes=20
  {program} --data=lines.csv,image=file,text=label --work_dir=runs/lines --group='(.*)_'

Splits the data by document into parts for training, validation and evaluation, trains from a
bundled model (`lines` if over a tenth of the labels have a space, else `default`), stops early, and
writes WORK_DIR/report/index.html. Run the same command again to resume an interrupted run."""

DEFAULTS: dict[str, Any] = {"init_from": DEFAULT_MODEL, "augmentation": "default", "patience": 5}
"""Settings whose defaults differ from those of `attention-ocr train`."""
EPOCHS = 50
MIN_STEPS, MAX_STEPS = 300, 10_000
SHARE_OF_LINES = 0.1
"""Share of labels with a space from which training starts from the model of lines."""
_OWN = ("train_data", "eval_data")


def define_fine_tune_flags(values: flags.FlagValues) -> None:
    """Define the flags of the command: the data, the work directory, and all settings."""
    place: dict[str, Any] = {"flag_values": values, "module_name": "Run"}
    flags.DEFINE_string(
        "data",
        None,
        "Labelled images: a labels.tsv, or another source with parts (docs/data.md) (required).",
        required=True,
        **place,
    )
    flags.DEFINE_string(
        "work_dir",
        None,
        "Work directory, which receives the model, the report and checkpoints (required).",
        required=True,
        **place,
    )
    flags.DEFINE_string(
        "group",
        "",
        "Regular expression whose group names the document in the path of an image; 'none' splits "
        "by image; empty recognises documents by folders, or by names that end with a number.",
        **place,
    )
    define_flags(values, *SECTIONS)
    for name, default in DEFAULTS.items():
        values.set_default(name, default)


def run(values: flags.FlagValues) -> None:
    """Split, train, evaluate, and print what to do next."""
    for name in _OWN:
        if values[name].present:
            raise ValueError(
                f"--data is split into --train_data and --eval_data. Received: --{name}="
                f"{values[name].value}"
            )
    if is_remote(values.work_dir):
        raise ValueError(
            "Expected a --work_dir on this machine, as the report is written there too; "
            f"`attention-ocr train` takes addresses. Received: {values.work_dir}"
        )
    show_own_log()
    with Interruption():
        with quiet_start():
            from attention_ocr.data.documents import split_by_document
            from attention_ocr.data.sources import open_source
            from attention_ocr.training.loop import train

        split = split_by_document(values.data, values.group)
        parts = [open_source(part) for part in split[:3]]
        sizes = [part.num_examples or 0 for part in parts]
        print(_describe(split, sizes))
        _set_data(values, split, sizes[0])
        if not values["init_from"].present:
            values["init_from"].value = choose_start(parts[0].labels())
        print(f"starts from {values.init_from or 'random weights'}")
        work_dir = Path(values.work_dir)
        result = train(config_from_flags(values), work_dir)
    print(f"{work_dir}: weights of step {result.best_step or result.step}")
    page = _report(work_dir, split.held_out, values.init_from)
    print(
        f"\nreport on the held-out part: {page}\n\nnext:\n"
        f"  attention-ocr read IMAGE --model={work_dir}\n"
        f"  attention-ocr export --model={work_dir} --export_dir={work_dir / 'export'} "
        "--format=saved_model,litert_int8"
    )


def steps_for(num_examples: int, batch_size: int) -> int:
    """Return the steps of a run without `--steps` and `--minutes`.

    Args:
        num_examples: Number of images to train on.
        batch_size: Images of a step.

    Example:
        >>> steps_for(50, 64), steps_for(2_000, 64), steps_for(100_000, 64)
        (300, 1563, 10000)
    """
    return min(max(math.ceil(EPOCHS * num_examples / batch_size), MIN_STEPS), MAX_STEPS)


def choose_start(labels: Iterable[str]) -> str:
    """Return the name of the bundled model to start from: the one of lines, or of words.

    Args:
        labels: Labels of the training data.

    Example:
        >>> choose_start(["exit", "platform"])
        'default'
    """
    with_space = [" " in label for label in labels]
    are_lines = sum(with_space) > SHARE_OF_LINES * len(with_space)
    return LINES_MODEL if are_lines and lines_model() else DEFAULT_MODEL


def _set_data(values: flags.FlagValues, split: "Split", num_examples: int) -> None:
    """Set the flags that follow from the data."""
    values["train_data"].value, values["eval_data"].value = split.fit, split.validation
    if not values.steps and not values.minutes:
        values["steps"].value = steps_for(num_examples, values.batch_size)
    if values.steps and not values["warmup_steps"].present:
        values["warmup_steps"].value = min(values.warmup_steps, values.steps // 20)


def _describe(split: "Split", sizes: list[int]) -> str:
    parts = "{:,} images to train on, {:,} for validation, {:,} held out".format(*sizes)
    if split.group:
        return f"{parts}: split by {split.num_documents:,} documents, named by {split.group}"
    return (
        f"{parts}: split by image. If several images come from one document, name it with --group, "
        "or the scores will be too optimistic"
    )


def _report(work_dir: Path, data: str, init_from: str) -> Path:
    """Evaluate on the held-out part, print the table, and write the reports."""
    from attention_ocr.evaluation.report import format_errors, format_table
    from attention_ocr.evaluation.trained_model import evaluate
    from attention_ocr.inference.work_directory import load_trained_model
    from attention_ocr.reporting.report import Subject, write_html_report

    model = load_trained_model(work_dir)
    result = evaluate(model, data, out_dir=work_dir / "evaluation")
    print(format_table(result.evaluation, result.unreachable))
    if errors := format_errors(result.evaluation):
        print(f"\n{errors}")
    before = None
    if is_bundled(init_from) or (init_from and (Path(init_from) / WEIGHTS_FILE).is_file()):
        start = load_trained_model(Path(init_from))
        before = Subject(f"{init_from} (start)", start, evaluate(start, data))
    return write_html_report(work_dir / "report", Subject(str(work_dir), model, result), before)


COMMAND = FlagCommand(
    "fine-tune", "train on your data and report", EXAMPLES, define_fine_tune_flags, run
)

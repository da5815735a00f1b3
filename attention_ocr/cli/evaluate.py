"""`attention-ocr evaluate`: read a whole data set and compare with the labels."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from attention_ocr.cli.flag_command import FlagCommand, define_model_flag
from attention_ocr.cli.quiet_start import quiet_start, show_own_log
from attention_ocr.cli.settings_flags import define_flags, settings_in_flags
from attention_ocr.inference.locate import is_bundled

if TYPE_CHECKING:
    from attention_ocr.evaluation.trained_model import ModelEvaluation
    from attention_ocr.inference.work_directory import TrainedModel

EXAMPLES = """\
examples:
  {program} --model=runs/mine
  {program} --model=default --eval_data=words/labels.tsv --beam_width=5
  {program} --model=runs/mine --report=runs/mine/report --compare=default --unlabelled=scans

Prints a table, and writes metrics.json and predictions.csv into --out_dir. --report shows scores,
mistakes with attention, calibration and doubtful labels on one page. Decoding flags override
the settings of the model."""


def define_evaluate_flags(values: flags.FlagValues) -> None:
    """Define the flags of the command."""
    place: dict[str, Any] = {"flag_values": values, "module_name": "Evaluation"}
    define_model_flag(**place)
    flags.DEFINE_string(
        "eval_data",
        "",
        "Evaluation data, in the format of --train_data; empty for the validation data of the "
        "training.",
        **place,
    )
    flags.DEFINE_integer(
        "eval_batch_size",
        None,
        "Evaluation batch size, in place of that of the training.",
        lower_bound=1,
        **place,
    )
    flags.DEFINE_string(
        "out_dir",
        "",
        "Output directory of the report; empty for MODEL/evaluation, and runs/MODEL/evaluation for "
        "a bundled model.",
        **place,
    )
    flags.DEFINE_string(
        "report",
        "",
        "Output directory of a report with images: index.html, which needs no network.",
        **place,
    )
    flags.DEFINE_string(
        "compare",
        "",
        "Second model in the report, evaluated on the same data.",
        **place,
    )
    flags.DEFINE_string(
        "unlabelled",
        "",
        "Unlabelled images in the report, a folder or a data source: it shows which to label next.",
        **place,
    )
    flags.DEFINE_boolean(
        "fit_temperature",
        False,
        "Fit the temperature of the confidences on the data first, and save it in the work "
        "directory.",
        **place,
    )
    define_flags(values, "decoding", overriding=True)


def run(values: flags.FlagValues) -> None:
    """Evaluate, print the table, and print where the report is."""
    for name in ("compare", "unlabelled"):
        if values[name].value and not values.report:
            raise ValueError(f"--{name} needs --report. Received: --{name}={values[name].value}")
    show_own_log()
    with quiet_start():
        from attention_ocr.evaluation.report import format_errors, format_table
        from attention_ocr.evaluation.trained_model import evaluate, fit_model_temperature

    model, decoding = Path(values.model), settings_in_flags(values, "decoding")
    data, batch_size = values.eval_data, values.eval_batch_size
    if values.fit_temperature:
        fitted = fit_model_temperature(model, data, batch_size=batch_size, decoding=decoding)
        decoding[fitted.setting] = fitted.value
        print(
            f"{fitted.setting}={fitted.value}, saved in {model}: negative log-likelihood "
            f"{fitted.loss_before:.4f} before, {fitted.loss:.4f} after"
        )
    home = Path("runs", model) if is_bundled(model) else model
    out_dir = Path(values.out_dir) if values.out_dir else home / "evaluation"
    result = evaluate(model, data, out_dir=out_dir, batch_size=batch_size, decoding=decoding)
    print(format_table(result.evaluation, result.unreachable))
    if errors := format_errors(result.evaluation):
        print(f"\n{errors}\n")
    print(f"every prediction: {out_dir / 'predictions.csv'}")
    if values.report:
        print(f"report: {_write_report(values, result, decoding)}")


def _write_report(
    values: flags.FlagValues, result: "ModelEvaluation", decoding: Mapping[str, Any]
) -> Path:
    """Write the report with images; return the path of its page."""
    from attention_ocr.data.sources import unlabelled_source
    from attention_ocr.evaluation.trained_model import evaluate
    from attention_ocr.reporting.report import Subject, write_html_report

    batch_size = values.eval_batch_size
    model = _with_decoding(Path(values.model), decoding)
    other = None
    if values.compare:
        compared = _with_decoding(Path(values.compare), {})
        found = evaluate(compared, result.data, batch_size=batch_size)
        other = Subject(values.compare, compared, found)
    unlabelled = None
    if values.unlabelled:
        images = unlabelled_source(values.unlabelled)
        unlabelled = evaluate(model, images, batch_size=batch_size)
    subject = Subject(values.model, model, result)
    return write_html_report(Path(values.report), subject, other, unlabelled)


def _with_decoding(path: Path, decoding: Mapping[str, Any]) -> "TrainedModel":
    from attention_ocr.inference.work_directory import load_trained_model

    model = load_trained_model(path)
    return model._replace(config=model.config.with_decoding(decoding))


COMMAND = FlagCommand(
    "evaluate",
    "evaluate a recogniser on a whole data set",
    EXAMPLES,
    define_evaluate_flags,
    run,
)

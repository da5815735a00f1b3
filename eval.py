"""Evaluate a trained recogniser on a whole split: python eval.py --model=runs/mine.

Prints a table; writes metrics.json and predictions.csv into --out_dir.
"""

import dataclasses
import sys
from pathlib import Path

from absl import app, flags

from attention_ocr.cli.decoding_flags import chosen_in_flags, define_decoding_flags
from attention_ocr.cli.quiet_start import quiet_start, show_own_notes
from attention_ocr.text.escaping import escape_controls

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "model", None, "Work directory of the training, or `default`, the model of the package."
)
flags.DEFINE_string(
    "eval_data", "", "Source of the examples; the validation data of the training by default."
)
flags.DEFINE_integer("eval_batch_size", None, "Examples of a batch.", lower_bound=1)
flags.DEFINE_string(
    "out_dir",
    "",
    "Where the report goes; MODEL/evaluation by default, runs/default/evaluation for the model of "
    "the package.",
)
flags.DEFINE_boolean(
    "fit_temperature",
    False,
    "Fit the temperature of the confidences on the data first, and keep it in the work directory.",
)
define_decoding_flags(overriding=True)
flags.mark_flag_as_required("model")


def main(arguments: list[str]) -> None:
    """Evaluate, print the table, and say where the report is."""
    try:
        if len(arguments) > 1:
            raise ValueError(f"Expected flags only. Received: {' '.join(arguments[1:])}")
        show_own_notes()
        with quiet_start():
            from attention_ocr.data.pipeline import evaluation_batches, explaining
            from attention_ocr.data.sources import open_source
            from attention_ocr.evaluation.evaluate import evaluate, make_recognize
            from attention_ocr.evaluation.image_lexicons import (
                has_lexicons,
                make_lexicon_recognize,
            )
            from attention_ocr.evaluation.report import format_errors, format_table, write_report
            from attention_ocr.evaluation.temperature import fit_on
            from attention_ocr.evaluation.unreachable import find_unreachable
            from attention_ocr.inference.locate import is_default
            from attention_ocr.inference.work_directory import load_trained_model
            from attention_ocr.settings.config import Config

        if FLAGS.fit_temperature and is_default(FLAGS.model):
            raise ValueError(
                "The temperature is kept with the model, and that of the package stays as it is: "
                "evaluate a copy (attention-ocr pack default DIR). Received: --fit_temperature"
            )
        config, charset, recognizer = load_trained_model(Path(FLAGS.model))
        name = FLAGS.eval_data or config.data.eval_data
        if not name:
            raise ValueError("The training had no validation data: name --eval_data.")
        if FLAGS.eval_batch_size:
            data = dataclasses.replace(config.data, eval_batch_size=FLAGS.eval_batch_size)
            config = dataclasses.replace(config, data=data)
        config = config.with_decoding(chosen_in_flags())
        source = open_source(name)
        batches = evaluation_batches(source, config)
        with explaining(source):
            if FLAGS.fit_temperature:
                fitted = fit_on(recognizer, config, charset, batches)
                config = config.with_decoding({fitted.setting: fitted.value})
                # What else the flags changed for this evaluation is not kept.
                stored = Config.load(Path(FLAGS.model))
                stored.with_decoding({fitted.setting: fitted.value}).save(Path(FLAGS.model))
                print(
                    f"{fitted.setting}={fitted.value}, kept in {FLAGS.model}: negative "
                    f"log-likelihood {fitted.loss_before:.4f} before, {fitted.loss:.4f} now"
                )
            make = make_lexicon_recognize if has_lexicons(batches) else make_recognize
            recognize = make(recognizer, config, charset)
            evaluation = evaluate(recognize, batches, charset)
        home = Path("runs", FLAGS.model) if is_default(FLAGS.model) else Path(FLAGS.model)
        out_dir = Path(FLAGS.out_dir) if FLAGS.out_dir else home / "evaluation"
        unreachable = find_unreachable(evaluation.predictions, charset, config.model.max_length)
        write_report(evaluation, name, out_dir, unreachable)
    except (ImportError, ValueError, OSError) as error:
        sys.exit(escape_controls(f"eval.py: {error}", keep="\n"))
    print(format_table(evaluation, unreachable))
    if errors := format_errors(evaluation):
        print(f"\n{errors}\n")
    print(f"every prediction: {out_dir / 'predictions.csv'}")


if __name__ == "__main__":
    app.run(main)

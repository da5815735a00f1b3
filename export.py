"""Export a recogniser: python export.py --model=runs/mine --export_dir=served --format=litert_int8.

The directory appears under its version number only after fresh processes have loaded each of its
formats and have read the same texts as the model in memory.
"""

import sys
from pathlib import Path

from absl import app, flags

from attention_ocr.cli.decoding_flags import chosen_in_flags, define_decoding_flags
from attention_ocr.cli.quiet_start import quiet_start, show_own_notes
from attention_ocr.cli.second_looks_flags import (
    define_second_looks_flags,
    second_looks_in_flags,
)
from attention_ocr.settings.formats import FORMATS, SAVED_MODEL, parse_formats
from attention_ocr.text.escaping import escape_controls

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "model", None, "Work directory of the training, or `default`, the model of the package."
)
flags.DEFINE_string("export_dir", None, "Base directory; the version becomes a directory in it.")
flags.DEFINE_integer("version", None, "Number of the version; the next free one by default.")
flags.DEFINE_string(
    "check_data",
    "",
    "Source of the images that the check reads; the validation data of the training by default.",
)
flags.DEFINE_string(
    "format",
    SAVED_MODEL,
    f"Formats of the export, with commas between, of {', '.join(FORMATS.names())} or "
    "package.module:Class.",
)
flags.DEFINE_integer("num_check_images", 64, "Images that the check reads.", lower_bound=1)
define_decoding_flags(overriding=True)
define_second_looks_flags(overriding=True)
flags.mark_flags_as_required(["model", "export_dir"])


def main(arguments: list[str]) -> None:
    """Export, and say where to."""
    try:
        if len(arguments) > 1:
            raise ValueError(f"Expected flags only. Received: {' '.join(arguments[1:])}")
        formats = parse_formats(FLAGS.format)
        show_own_notes()
        with quiet_start():
            from attention_ocr.export.saved_model import export_model

        directory = export_model(
            Path(FLAGS.model),
            Path(FLAGS.export_dir),
            FLAGS.version,
            FLAGS.check_data,
            FLAGS.num_check_images,
            chosen_in_flags(),
            formats,
            second_looks_in_flags(),
        )
    except (ImportError, ValueError, OSError) as error:
        sys.exit(escape_controls(f"export.py: {error}", keep="\n"))
    print(f"{directory}: checked on images, reads as the model in {FLAGS.model} does")


if __name__ == "__main__":
    app.run(main)

"""`attention-ocr export`: export a recogniser in one format or several."""

from pathlib import Path
from typing import Any

from absl import flags

from attention_ocr.cli.flag_command import FlagCommand, define_model_flag
from attention_ocr.cli.quiet_start import quiet_start, show_own_log
from attention_ocr.cli.settings_flags import define_flags, settings_in_flags
from attention_ocr.settings.formats import FORMATS, SAVED_MODEL, parse_formats

EXAMPLES = """\
examples:
  {program} --model=runs/mine --export_dir=served/mine
  {program} --model=default --export_dir=served --format=saved_model,litert_int8

The directory appears under its version number only after fresh processes have loaded each of its
formats and have read the same texts as the model in memory. Flags of decoding and second looks
override the settings of the model."""


def define_export_flags(values: flags.FlagValues) -> None:
    """Define the flags of the command."""
    place: dict[str, Any] = {"flag_values": values, "module_name": "Export"}
    define_model_flag(**place)
    flags.DEFINE_string(
        "export_dir",
        None,
        "Base directory of the export, with a subdirectory for each version (required).",
        required=True,
        **place,
    )
    flags.DEFINE_integer(
        "version", None, "Version number of the export; by default the next free one.", **place
    )
    flags.DEFINE_string(
        "check_data",
        "",
        "Data for the check; empty for the validation data of the training.",
        **place,
    )
    flags.DEFINE_string(
        "format",
        SAVED_MODEL,
        f"Export formats, separated by commas: {', '.join(FORMATS.names())}, or "
        "package.module:Class.",
        **place,
    )
    flags.DEFINE_integer(
        "num_check_images", 64, "Number of images for the check.", lower_bound=1, **place
    )
    define_flags(values, "decoding", "second_looks", overriding=True)


def run(values: flags.FlagValues) -> None:
    """Export, and print the directory."""
    formats = parse_formats(values.format)
    show_own_log()
    with quiet_start():
        from attention_ocr.exporting.export import export

    directory = export(
        Path(values.model),
        Path(values.export_dir),
        formats=formats,
        version=values.version,
        check_data=values.check_data,
        num_check_images=values.num_check_images,
        decoding=settings_in_flags(values, "decoding"),
        second_looks=settings_in_flags(values, "second_looks"),
    )
    print(f"{directory}: checked on images, reads the same texts as {values.model}")


COMMAND = FlagCommand(
    "export",
    "export a recogniser for serving and for devices",
    EXAMPLES,
    define_export_flags,
    run,
)

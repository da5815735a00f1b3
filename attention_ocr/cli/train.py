"""`attention-ocr train`: train a recogniser, with all settings as flags."""

from absl import flags

from attention_ocr.cli.engine_argument import LOCAL
from attention_ocr.cli.flag_command import FlagCommand
from attention_ocr.cli.presets import define_preset_flag
from attention_ocr.cli.quiet_start import quiet_start, show_own_log
from attention_ocr.cli.settings_flags import SECTIONS, define_flags, settings_in_flags
from attention_ocr.cli.train_on_cluster import (
    define_cluster_flags,
    refuse_cluster_flags,
    train_on_cluster,
)
from attention_ocr.settings.config import Config
from attention_ocr.training.inherited_settings import inherited_settings
from attention_ocr.training.interruption import Interruption

EXAMPLES = """\
examples:
  {program} --work_dir=runs/mine --train_data=words/labels.tsv --eval_data=
  {program} --work_dir=runs/mine --init_from=default --minutes=20 \\
    --train_data=words/labels.tsv,every=5,part=fit \\
    --eval_data=words/labels.tsv,every=5,part=validation
  {program} --preset=trba --work_dir=runs/trba --train_data=words/labels.tsv --eval_data=
  {program} --preset=quickstart --work_dir=runs/quickstart
  {program} --engine=ray --num_workers=4 --work_dir=/shared/runs/mine --train_data=…

Run the same command again to resume an interrupted run."""


def define_train_flags(values: flags.FlagValues) -> None:
    """Define the flags of the command: the work directory, presets, and all settings."""
    flags.DEFINE_string(
        "work_dir",
        None,
        "Work directory, which receives the model, checkpoints and TensorBoard events: a path, or "
        "an address such as gs://bucket/runs/mine (required).",
        flag_values=values,
        required=True,
        module_name="Run",
    )
    define_preset_flag(values, "Run")
    define_cluster_flags(values, "Run")
    define_flags(values, *SECTIONS)


def config_from_flags(values: flags.FlagValues) -> Config:
    """Return the settings in the flags.

    Settings whose flags are not given are those of the model in `--init_from`, if any.

    Raises:
        FileNotFoundError: If that model does not exist.
        ValueError: If a value is refused.
    """
    given = settings_in_flags(values, given=True)
    inherited = inherited_settings(values.init_from, given, values.work_dir)
    return Config.from_values(settings_in_flags(values) | inherited)


def run(values: flags.FlagValues) -> None:
    """Train, and print where the model is."""
    show_own_log()
    if values.engine != LOCAL:
        train_on_cluster(values, config_from_flags)
        return
    refuse_cluster_flags(values)
    config = config_from_flags(values)
    with Interruption():
        with quiet_start():
            from attention_ocr.training.loop import train

        result = train(config, values.work_dir)
    best = "" if result.best_exact_match is None else f", exact match {result.best_exact_match:.1%}"
    print(f"{values.work_dir}: weights of step {result.best_step or result.step}{best}")


COMMAND = FlagCommand("train", "train a recogniser", EXAMPLES, define_train_flags, run)

"""What is compared: the presets, the defaults with one thing changed, and plugins."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from attention_ocr.settings.config import Config
from benchmarks.flag_files import CONFIGS, read_flags

PRESETS = CONFIGS.parent / "attention_ocr" / "presets"
COMMON: Mapping[str, Any] = {
    "batch_size": 32,
    "learning_rate": 2e-3,
    "max_length": 10,
    "image_height": 32,
    "max_image_width": 128,
    "num_views": 1,
    "bucket_widths": (64, 96),
    "bucket_lengths": (4, 6, 8),
    "average_decay": 0.99,
    "label_smoothing": 0.0,
}
"""Settings that all share; they go over those of a preset."""


class Variant(NamedTuple):
    """One recogniser.

    Attributes:
        change: Description of the change from the defaults.
        settings: The changed settings.
        preset: Name of the preset with its settings, if any.
        images: Kind of its training and test images, see `images.VARIATIONS`.
    """

    change: str
    settings: Mapping[str, Any] = {}
    preset: str = ""
    images: str = "plain"


PLUGINS = CONFIGS.parent / "examples" / "plugins"
"""The folder of the plugins, which need not be installed."""

CTC_ALONE = {"attention_weight": 0.0, "decoding": "ctc", "ctc_weight": 1.0}
SVTR = {"encoder": "attention_ocr_plugins.svtr:SVTREncoder"}
TRANSFORMER = {
    "decoder": "attention_ocr_plugins.transformer:TransformerDecoder",
    "ctc_weight": 0.0,
}
SAMPLING = {"scheduled_sampling": "linear", "sampling_final": 0.25, "sampling_steps": 400}
VARIANTS = {
    "compact": Variant("preset; attention beside CTC, read by attention", preset="compact"),
    "crnn": Variant("preset", preset="crnn"),
    "aocr": Variant("preset", preset="aocr"),
    "google_fsns": Variant("preset, one view", preset="google_fsns"),
    "trba": Variant("preset", preset="trba"),
    "r2am": Variant("preset", preset="r2am"),
    "star": Variant("preset", preset="star"),
    "dram": Variant("preset", preset="dram"),
    "ctc": Variant("CTC alone", CTC_ALONE),
    "attention": Variant("attention alone", {"ctc_weight": 0.0}),
    "no-bilstm": Variant("no BiLSTM", {"sequence_layers": 0}),
    "coordinates": Variant("one-hot coordinates", {"coordinates": "one_hot"}),
    "no-mask": Variant("padding not masked", images="padded"),
    "hard": Variant("hard attention", {"attention": "hard"}),
    "sampling": Variant("scheduled sampling to 25 %", SAMPLING),
    # The paper of the encoder reads its columns by CTC, without a recurrent layer.
    "svtr": Variant(
        "SVTR-T encoder (a plugin), CTC alone, no BiLSTM", SVTR | CTC_ALONE | {"sequence_layers": 0}
    ),
    "svtr-small": Variant(
        "the same at half the width and depth",
        SVTR
        | CTC_ALONE
        | {"sequence_layers": 0, "encoder_width": 0.5, "encoder_options": "depths=2,3,1,local=3"},
    ),
    "transformer": Variant("transformer decoder (a plugin) alone", TRANSFORMER),
    "transformer-parallel": Variant(
        "the same, all characters in parallel, refined once",
        TRANSFORMER | {"decoder_options": "parallel=true,refinements=1"},
    ),
    "turned": Variant("rotated text", images="turned"),
    "turned-tps": Variant("rotated text, thin-plate spline", {"rectifier": "tps"}, "", "turned"),
}


def make_config(variant: Variant, **values: Any) -> Config:
    """Return the settings of a variant, with `values` in place of some.

    Raises:
        ValueError: If the settings are invalid.
    """
    preset = read_flags(PRESETS / f"{variant.preset}.flags") if variant.preset else {}
    return Config.from_values({**preset, **COMMON, **variant.settings, **values})

"""Train a recogniser: python train.py --work_dir=runs/mine --train_data=words/labels.tsv.

Settings come from flags, or from a file of flags (--flagfile=configs/captcha.flags). Stopped at any
moment and started again by the same command, the run goes on where it was.
"""

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from absl import app, flags

from attention_ocr.cli.decoding_flags import define_decoding_flags
from attention_ocr.cli.quiet_start import quiet_start, show_own_notes
from attention_ocr.cli.second_looks_flags import (
    define_second_looks_flags,
    second_looks_in_flags,
)
from attention_ocr.settings.augmentation import AugmentationConfig
from attention_ocr.settings.config import Config
from attention_ocr.settings.data import ON_BAD_EXAMPLE, DataConfig
from attention_ocr.settings.decoder import (
    ATTENTIONS,
    DECODER_CELLS,
    DECODERS,
    FEEDBACKS,
    NORMALIZATIONS,
    DecoderConfig,
)
from attention_ocr.settings.decoding import DecodingConfig
from attention_ocr.settings.image import ImageConfig
from attention_ocr.settings.model import CHOICES as MODEL_CHOICES
from attention_ocr.settings.model import ENCODERS, SEQUENCE_CELLS, ModelConfig
from attention_ocr.settings.training import (
    CLIPPINGS,
    LOSS_REDUCTIONS,
    OPTIMIZERS,
    PRECISIONS,
    SAMPLINGS,
    SCHEDULES,
    STRATEGIES,
    TrainingConfig,
)
from attention_ocr.text.escaping import escape_controls
from attention_ocr.training.inherited_settings import inherited_settings
from attention_ocr.training.interruption import Interruption, StoppedError

FLAGS = flags.FLAGS

flags.DEFINE_string("work_dir", None, "Where the model, its checkpoints and events go.")
flags.mark_flag_as_required("work_dir")

flags.DEFINE_integer(
    "image_height", ImageConfig.image_height, "Height of the input, pixels; divides by 16."
)
flags.DEFINE_integer(
    "max_image_width",
    ImageConfig.max_image_width,
    "Largest width of the input, pixels; wider images are shrunk as a whole.",
)
flags.DEFINE_integer("image_channels", ImageConfig.image_channels, "1 (gray) or 3 (colour).")
flags.DEFINE_integer(
    "num_views", ImageConfig.num_views, "Views that stand side by side in every image file."
)
flags.DEFINE_float(
    "narrow_stretch",
    ImageConfig.narrow_stretch,
    "Factor by which an image as high as wide is widened; it falls to 1 at a ratio of 4.",
)

flags.DEFINE_enum(
    "rectifier",
    ModelConfig.rectifier,
    MODEL_CHOICES["rectifier"],
    "What straightens pictures before the encoder.",
)
flags.DEFINE_integer(
    "rectifier_points",
    ModelConfig.rectifier_points,
    "Control points of --rectifier=tps, an even number.",
)
flags.DEFINE_string(
    "encoder",
    ModelConfig.encoder,
    f"Network that sees the image: {', '.join(ENCODERS.names())}, or package.module:Class.",
)
flags.DEFINE_string(
    "encoder_options",
    ModelConfig.encoder_options,
    "Options of the encoder's own, 'key=value,...'; see docs/plugins.md.",
)
flags.DEFINE_float(
    "encoder_width", ModelConfig.encoder_width, "Multiplies the channels of the encoder."
)
flags.DEFINE_float(
    "encoder_depth",
    ModelConfig.encoder_depth,
    "Multiplies the residual units of --encoder=compact and compact_flat.",
)
flags.DEFINE_integer(
    "encoder_iterations",
    ModelConfig.encoder_iterations,
    "Times that each shared convolution of --encoder=recursive runs.",
)
flags.DEFINE_string(
    "encoder_backbone",
    ModelConfig.encoder_backbone,
    "Network of keras.applications for --encoder=application.",
)
flags.DEFINE_string(
    "encoder_layer",
    ModelConfig.encoder_layer,
    "Where it is cut: a layer, or an endpoint of inception_v3 (Mixed_5d where this is empty).",
)
flags.DEFINE_enum(
    "coordinates",
    ModelConfig.coordinates,
    MODEL_CHOICES["coordinates"],
    "What is appended to each cell of the grid.",
)
flags.DEFINE_string(
    "sequence_cell",
    ModelConfig.sequence_cell,
    f"Layers over the columns: {', '.join(SEQUENCE_CELLS.names())}, or package.module:Class.",
)
flags.DEFINE_string(
    "sequence_options", ModelConfig.sequence_options, "Options of the sequence layers' own."
)
flags.DEFINE_integer(
    "sequence_layers",
    ModelConfig.sequence_layers,
    "Bidirectional layers over the columns; 0 keeps the grid two-dimensional.",
)
flags.DEFINE_integer(
    "sequence_units", ModelConfig.sequence_units, "Units of each direction of these layers."
)
flags.DEFINE_integer(
    "attention_units", ModelConfig.attention_units, "Width in which queries meet keys."
)
flags.DEFINE_integer("decoder_units", ModelConfig.decoder_units, "Units of the decoder's LSTM.")
flags.DEFINE_integer(
    "embedding_units", ModelConfig.embedding_units, "Width of the character embedding."
)
flags.DEFINE_integer(
    "max_length", ModelConfig.max_length, "Characters of the longest text that can be read."
)
flags.DEFINE_float("dropout", ModelConfig.dropout, "Dropped share of the decoder's output.")
flags.DEFINE_float(
    "ctc_weight", ModelConfig.ctc_weight, "Weight of the CTC loss; 0 builds no CTC head."
)
flags.DEFINE_float(
    "attention_weight",
    ModelConfig.attention_weight,
    "Weight of the attention loss; 0 builds the CTC head alone.",
)
define_decoding_flags()
define_second_looks_flags()

flags.DEFINE_string(
    "decoder",
    DecoderConfig.decoder,
    f"What reads the grid: {', '.join(DECODERS.names())}, or package.module:Class.",
)
flags.DEFINE_string(
    "decoder_options",
    DecoderConfig.decoder_options,
    "Options of the decoder's own, 'key=value,...'; see docs/plugins.md.",
)
flags.DEFINE_string(
    "attention",
    DecoderConfig.attention,
    f"How the decoder sees the grid: {', '.join(ATTENTIONS.names())}, or package.module:Class.",
)
flags.DEFINE_string(
    "attention_options", DecoderConfig.attention_options, "Options of the attention's own."
)
flags.DEFINE_enum(
    "attention_normalization",
    DecoderConfig.attention_normalization,
    NORMALIZATIONS,
    "What makes weights of scores; sigmoids share the attention out more.",
)
flags.DEFINE_integer(
    "attention_heads",
    DecoderConfig.attention_heads,
    "Heads of --attention=dot; they divide --attention_units.",
)
flags.DEFINE_float(
    "hard_temperature",
    DecoderConfig.hard_temperature,
    "Of --attention=hard: above 1 the draws of training spread.",
)
flags.DEFINE_float(
    "hard_soft_share",
    DecoderConfig.hard_soft_share,
    "Of --attention=hard: share of the training steps that see the expectation.",
)
flags.DEFINE_integer(
    "location_filters",
    DecoderConfig.location_filters,
    "Of --attention=location: features of the previous weights.",
)
flags.DEFINE_integer(
    "location_kernel",
    DecoderConfig.location_kernel,
    "Of --attention=location: odd size of their convolution, cells.",
)
flags.DEFINE_enum(
    "decoder_cell", DecoderConfig.decoder_cell, DECODER_CELLS, "Recurrent cell of the decoder."
)
flags.DEFINE_float(
    "cell_clip",
    DecoderConfig.cell_clip,
    "Largest magnitude of the cell state of --decoder_cell=lstm; 0 clips nothing.",
)
flags.DEFINE_integer(
    "decoder_layers", DecoderConfig.decoder_layers, "Recurrent layers of the decoder."
)
flags.DEFINE_bool(
    "autoregressive", DecoderConfig.autoregressive, "Tell each step the previous character."
)
flags.DEFINE_enum(
    "feedback", DecoderConfig.feedback, FEEDBACKS, "How a step is told the previous character."
)

flags.DEFINE_string(
    "train_data",
    DataConfig.train_data,
    "Source of the training examples: 'synthetic,key=value...', a labels.tsv "
    "[',every=5,part=train'], CSV, JSON lines, LMDB, record files, 'tfds:name', … (README).",
)
flags.DEFINE_string(
    "eval_data", DataConfig.eval_data, "Source of the validation examples; '' for none."
)
flags.DEFINE_string(
    "charset",
    DataConfig.charset,
    "A charset file, 'ascii', or '' to build it from the training labels.",
)
flags.DEFINE_integer("batch_size", DataConfig.batch_size, "Examples of a step, over all devices.")
flags.DEFINE_integer(
    "eval_batch_size", DataConfig.eval_batch_size, "Examples of a batch in evaluation."
)
flags.DEFINE_integer(
    "shuffle_buffer", DataConfig.shuffle_buffer, "Records among which the next one is drawn."
)
flags.DEFINE_list(
    "bucket_widths",
    [str(limit) for limit in DataConfig.bucket_widths],
    "Ascending limits, pixels: images of one bucket make a batch.",
)
flags.DEFINE_list(
    "bucket_lengths",
    [str(limit) for limit in DataConfig.bucket_lengths],
    "Ascending limits, characters: labels of one bucket make a batch.",
)
flags.DEFINE_string(
    "augmentation",
    AugmentationConfig.augmentation,
    "'default', or ops joined by + [',num_ops=N'], package.module:function among them, see "
    "`attention-ocr augment`; '' for none.",
)
flags.DEFINE_float(
    "augmentation_strength",
    AugmentationConfig.augmentation_strength,
    "The largest change, from 0 to 1.",
)
flags.DEFINE_float(
    "join_words", AugmentationConfig.join_words, "Share of the examples joined in pairs."
)
flags.DEFINE_float(
    "min_stretch",
    AugmentationConfig.min_stretch,
    "Least factor by which the width of a training image is multiplied.",
)
flags.DEFINE_float("max_stretch", AugmentationConfig.max_stretch, "Largest such factor.")
flags.DEFINE_enum(
    "on_bad_example",
    DataConfig.on_bad_example,
    ON_BAD_EXAMPLE,
    "What training does with what it cannot read: leave it out and count it, or stop.",
)
flags.DEFINE_float(
    "max_unreadable",
    DataConfig.max_unreadable,
    "Largest share of unreadable images, among the last thousand, with which training goes on.",
)
flags.DEFINE_integer(
    "data_workers", DataConfig.data_workers, "Parallel calls in the pipeline; 0 for automatic."
)

flags.DEFINE_integer(
    "steps",
    TrainingConfig.steps,
    "Steps of the whole run; 0 for --minutes, or what suits the data: 100 epochs, 1,000 to 20,000.",
)
flags.DEFINE_float(
    "minutes",
    TrainingConfig.minutes,
    "Minutes after which training ends; the learning rate fits them. 0 for --steps alone.",
)
flags.DEFINE_enum("optimizer", TrainingConfig.optimizer, OPTIMIZERS, "What moves the weights.")
flags.DEFINE_float("momentum", TrainingConfig.momentum, "Of --optimizer=sgd, rmsprop and muon.")
flags.DEFINE_enum(
    "schedule", TrainingConfig.schedule, SCHEDULES, "How the learning rate falls after its peak."
)
flags.DEFINE_float("learning_rate", TrainingConfig.learning_rate, "Peak of the learning rate.")
flags.DEFINE_integer(
    "warmup_steps", TrainingConfig.warmup_steps, "Steps in which the rate rises to its peak."
)
flags.DEFINE_float(
    "final_learning_rate",
    TrainingConfig.final_learning_rate,
    "Fraction of the peak at which the schedule ends.",
)
flags.DEFINE_integer(
    "decay_steps",
    TrainingConfig.decay_steps,
    "Steps in which the rate falls at the end of --schedule=trapezoid.",
)
flags.DEFINE_float(
    "weight_decay", TrainingConfig.weight_decay, "Decoupled decay of --optimizer=adamw and muon."
)
flags.DEFINE_float(
    "l2", TrainingConfig.l2, "Weight of half of the squared norm of the weights in the loss."
)
flags.DEFINE_enum(
    "clipping", TrainingConfig.clipping, CLIPPINGS, "What is at most --clip_norm long."
)
flags.DEFINE_float(
    "clip_norm", TrainingConfig.clip_norm, "Largest norm of the gradient; 0 for any."
)
flags.DEFINE_enum(
    "loss_reduction",
    TrainingConfig.loss_reduction,
    LOSS_REDUCTIONS,
    "Mean over all tokens, or over the examples of the sum of each one's tokens.",
)
flags.DEFINE_enum(
    "scheduled_sampling",
    TrainingConfig.scheduled_sampling,
    SAMPLINGS,
    "How the share of its own characters rises that the decoder is fed in training.",
)
flags.DEFINE_float("sampling_final", TrainingConfig.sampling_final, "That share at its end.")
flags.DEFINE_integer("sampling_steps", TrainingConfig.sampling_steps, "Steps over which it rises.")
flags.DEFINE_float(
    "label_smoothing", TrainingConfig.label_smoothing, "Share spread over the vocabulary."
)
flags.DEFINE_float(
    "reinforce_weight",
    TrainingConfig.reinforce_weight,
    "Of --attention=hard: weight of the loss that teaches it where to look.",
)
flags.DEFINE_float(
    "entropy_weight",
    TrainingConfig.entropy_weight,
    "Of --attention=hard: weight of the entropy that it is rewarded for.",
)
flags.DEFINE_float(
    "average_decay", TrainingConfig.average_decay, "Decay of the averaged weights; 0 for none."
)
flags.DEFINE_enum(
    "precision",
    TrainingConfig.precision,
    PRECISIONS,
    "Type of the computation; auto is bfloat16 where the processor or GPU has it, float16 on GPUs "
    "that have tensor cores without it.",
)
flags.DEFINE_bool(
    "jit_compile",
    TrainingConfig.jit_compile,
    "Compile the training step by XLA, for GPUs: slow to start, once for each bucket.",
)
flags.DEFINE_integer(
    "eval_every", TrainingConfig.eval_every, "Steps between validations; 0 for twenty in the run."
)
flags.DEFINE_integer(
    "checkpoint_every",
    TrainingConfig.checkpoint_every,
    "Steps between checkpoints; 0 for forty in the run.",
)
flags.DEFINE_integer("summary_every", TrainingConfig.summary_every, "Steps between summaries.")
flags.DEFINE_integer("keep_checkpoints", TrainingConfig.keep_checkpoints, "Checkpoints kept.")
flags.DEFINE_integer(
    "patience",
    TrainingConfig.patience,
    "Validations without a better exact match before the run ends; 0 for never.",
)
flags.DEFINE_enum(
    "strategy", TrainingConfig.strategy, STRATEGIES, "How steps are spread over devices."
)
flags.DEFINE_bool(
    "deterministic", TrainingConfig.deterministic, "Make two runs equal bit for bit; slower."
)
flags.DEFINE_integer("seed", TrainingConfig.seed, "Of weights, data order and dropout.")
flags.DEFINE_string(
    "encoder_weights",
    TrainingConfig.encoder_weights,
    "File of weights that an encoder of keras.applications starts from; '' for random ones.",
)
flags.DEFINE_string(
    "init_from",
    TrainingConfig.init_from,
    "Begin with the weights of this work directory or export, or with 'default', the package's. "
    "Flags of the image, the network and the search that are not given take its settings.",
)
flags.DEFINE_string(
    "init_parts",
    TrainingConfig.init_parts,
    "Which of them: beginnings of weights' paths, 'encoder,sequence_0'; '' for all that fit.",
)
flags.DEFINE_string(
    "learning_rate_scales",
    TrainingConfig.learning_rate_scales,
    "Factors of the learning rate by beginnings of weights' paths: 'encoder=0.1,decoder/lstm=0.5'.",
)
flags.DEFINE_string(
    "freeze", TrainingConfig.freeze, "Beginnings of the paths of weights that are not trained."
)


def config_from_flags(inherited: Mapping[str, Any] = MappingProxyType({})) -> Config:
    """Return the settings that the flags describe.

    Args:
        inherited: settings in place of the defaults of flags that are not given.
    """
    values: dict[str, Any] = {name: FLAGS[name].value for name in setting_names()}
    values |= inherited
    for name in ("bucket_widths", "bucket_lengths"):
        try:
            values[name] = tuple(int(limit) for limit in values[name])
        except ValueError as error:
            raise ValueError(f"--{name} must be whole numbers. Received: {values[name]}") from error
    return Config.from_values(values | second_looks_in_flags())


def setting_names() -> list[str]:
    """Return the names of all settings, which are flags of the same names."""
    sections: tuple[Any, ...] = (
        ImageConfig,
        ModelConfig,
        DecoderConfig,
        DataConfig,
        AugmentationConfig,
        TrainingConfig,
        DecodingConfig,
    )
    return [field.name for section in sections for field in dataclasses.fields(section)]


def settings_of_initial_model() -> dict[str, Any]:
    """Return what the flags that are not given take from the model of --init_from."""
    given = {name: FLAGS[name].value for name in setting_names() if FLAGS[name].present}
    return inherited_settings(FLAGS.init_from, given, Path(FLAGS.work_dir))


def main(arguments: list[str]) -> None:
    """Train, and say where the model is."""
    try:
        if len(arguments) > 1:
            raise ValueError(f"Expected flags only. Received: {' '.join(arguments[1:])}")
        show_own_notes()
        config = config_from_flags(settings_of_initial_model())
        with Interruption():
            with quiet_start():
                from attention_ocr.training.loop import train

            result = train(config, Path(FLAGS.work_dir))
    except (ImportError, ValueError, OSError, FloatingPointError) as error:
        sys.exit(escape_controls(f"train.py: {error}", keep="\n"))
    except StoppedError as stopped:
        print(f"train.py: {stopped}", file=sys.stderr)
        sys.exit(stopped.status)
    best = "" if result.best_exact_match is None else f", exact match {result.best_exact_match:.1%}"
    print(f"{FLAGS.work_dir}: weights of step {result.best_step or result.step}{best}")


if __name__ == "__main__":
    app.run(main)

import dataclasses
import json
import os

import pytest

from attention_ocr.settings.config import CONFIG_FILE, FORMAT_VERSION, Config
from attention_ocr.settings.data import DataConfig
from attention_ocr.settings.decoding import DecodingConfig
from attention_ocr.settings.image import ImageConfig
from attention_ocr.settings.model import ModelConfig
from attention_ocr.settings.training import TrainingConfig

SECTIONS = {
    "image": ImageConfig,
    "model": ModelConfig,
    "data": DataConfig,
    "training": TrainingConfig,
    "decoding": DecodingConfig,
}
OTHER = Config.from_values(
    {
        "image_channels": 3,
        "encoder": "vgg",
        "encoder_width": 0.5,
        "charset": "my characters.txt",
        "bucket_widths": (48, 100),
        "bucket_lengths": (),
        "deterministic": True,
        "seed": 7,
        "widths_below": 0.9,
        "widths": (0.75, 2.0),
    }
)


@pytest.mark.parametrize("config", [Config(), OTHER])
def test_settings_come_back_from_a_directory_as_they_went(config, tmp_path):
    config.save(tmp_path)
    assert Config.load(tmp_path) == config
    assert [path.name for path in tmp_path.iterdir()] == [CONFIG_FILE]


def test_flat_values_are_assigned_to_their_sections():
    assert OTHER.image == ImageConfig(image_channels=3)
    assert OTHER.model == ModelConfig(encoder="vgg", encoder_width=0.5)
    assert OTHER.data.bucket_widths == (48, 100)
    assert OTHER.training == TrainingConfig(deterministic=True, seed=7)


def test_a_flat_value_of_no_section_is_refused_by_name():
    with pytest.raises(ValueError, match="Received: batchsize, stepz"):
        Config.from_values({"stepz": 1, "batch_size": 2, "batchsize": 3})


def test_a_field_name_stands_in_one_section_only():
    names = [field.name for section in SECTIONS.values() for field in dataclasses.fields(section)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image_height", 0, "`image_height` must be above 0. Received: 0"),
        ("image_height", 40, "must be a multiple of 16. Received: 40"),
        ("max_image_width", 100, "must be a multiple of 16. Received: 100"),
        ("image_channels", 2, "1 .gray. or 3 .colour.. Received: 2"),
        ("encoder", "vggg", "one of compact, compact_flat, vgg, .*Received: 'vggg'"),
        ("encoder_width", 0.0, "`encoder_width` must be above 0"),
        ("encoder_depth", 0.0, "`encoder_depth` must be above 0"),
        ("sequence_layers", -1, "`sequence_layers` must not be negative"),
        ("max_length", 0, "`max_length` must be above 0"),
        ("dropout", 1.0, "at least 0 and below 1. Received: 1.0"),
        ("dropout", float("nan"), "at least 0 and below 1. Received: nan"),
        ("decoding", "beam", "one of attention, ctc, joint. Received: 'beam'"),
        ("beam_width", 0, "`beam_width` must be above 0"),
        ("num_best", 2, "at most `beam_width` .1.. Received: 2"),
        ("length_normalization", "max", "one of none, mean, wu. Received: 'max'"),
        ("joint_weight", 1.0, "`joint_weight` must be at least 0 and below 1"),
        ("search_below", 1.5, "`search_below` must be from 0 to 1. Received: 1.5"),
        ("length_alpha", -1.0, "`length_alpha` must not be negative"),
        ("attention_weight", 0.0, "needs an `attention_weight` above 0"),
        ("attention", "soft", "one of additive, location, dot, hard, none. Received: 'soft'"),
        (
            "attention_heads",
            3,
            "`attention_heads` must divide `attention_units` .128.. Received: 3",
        ),
        ("hard_temperature", 0.0, "`hard_temperature` must be above 0"),
        ("hard_soft_share", 1.0, "`hard_soft_share` must be at least 0 and below 1"),
        ("location_kernel", 4, "`location_kernel` must be odd. Received: 4"),
        ("decoder_cell", "rnn", "one of lstm, gru. Received: 'rnn'"),
        ("decoder_layers", 0, "`decoder_layers` must be above 0"),
        ("feedback", "onehot", "one of embedding, one_hot. Received: 'onehot'"),
        ("entropy_weight", -1.0, "`entropy_weight` must not be negative"),
        ("train_data", "", "`train_data` must name a source"),
        ("batch_size", 0, "`batch_size` must be above 0"),
        ("bucket_widths", (64, 64), "`bucket_widths` must ascend"),
        ("bucket_lengths", (9, 5), "`bucket_lengths` must ascend"),
        ("bucket_lengths", (0, 5), "must ascend from above 0"),
        ("data_workers", -1, "`data_workers` must not be negative"),
        ("max_unreadable", 1.5, "`max_unreadable` must lie between 0 and 1"),
        ("steps", -1, "`steps` must not be negative"),
        ("minutes", -0.5, "`minutes` must not be negative"),
        ("eval_every", -1, "`eval_every` must not be negative"),
        ("checkpoint_every", -1, "`checkpoint_every` must not be negative"),
        ("learning_rate", float("nan"), "`learning_rate` must be above 0"),
        ("warmup_steps", 20000, "below `steps` .20000.. Received: 20000"),
        ("label_smoothing", 1.5, "at least 0 and below 1"),
        ("optimizer", "lion", "one of adamw, adam, muon, sgd, .*Received: 'lion'"),
        ("momentum", 1.0, "`momentum` must be at least 0 and below 1"),
        (
            "schedule",
            "linear",
            "one of cosine, exponential, constant, trapezoid. Received: 'linear'",
        ),
        ("clipping", "value", "one of global_norm, per_variable, none. Received: 'value'"),
        ("loss_reduction", "sum", "one of tokens, examples. Received: 'sum'"),
        ("l2", -0.1, "`l2` must not be negative. Received: -0.1"),
        ("scheduled_sampling", "cosine", "one of none, linear, .*Received: 'cosine'"),
        ("sampling_final", 1.0, "`sampling_final` must be at least 0 and below 1"),
        ("sampling_steps", 0, "`sampling_steps` must be above 0"),
        ("precision", "float8", "one of auto, float32, bfloat16, float16. Received: 'float8'"),
        ("strategy", "tpu", "`strategy` must be one of"),
        ("patience", -1, "`patience` must not be negative"),
    ],
)
def test_a_bad_value_is_refused_with_its_name_and_what_was_received(name, value, message):
    others = {"attention": "dot"} if name == "attention_heads" else {}
    with pytest.raises(ValueError, match=message):
        Config.from_values({name: value, **others})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"attention": "hard", "attention_weight": 0.0, "decoding": "ctc"},
            "Settings of the decoder need an `attention_weight` above 0. Received: 0.0",
        ),
        (
            {"attention": "none", "attention_normalization": "sigmoid"},
            "`attention=none` has no scores .* Received: 'sigmoid'",
        ),
        (
            {"autoregressive": False, "feedback": "one_hot"},
            "`feedback` needs `autoregressive`.* Received: 'one_hot'",
        ),
        (
            {"autoregressive": False, "scheduled_sampling": "linear"},
            "`scheduled_sampling` needs .* `autoregressive`. Received: 'linear'",
        ),
        (
            {"scheduled_sampling": "linear", "attention_weight": 0.0, "decoding": "ctc"},
            "`scheduled_sampling` needs an attention decoder",
        ),
        (
            {"scheduled_sampling": "linear", "sampling_final": 0.0},
            "`scheduled_sampling=linear` needs a `sampling_final` above 0. Received: 0.0",
        ),
        (
            {"minutes": 5.0, "strategy": "multi_worker"},
            "`minutes` must be 0 with `strategy=multi_worker`.* Received: 5.0",
        ),
        (
            {"schedule": "exponential", "final_learning_rate": 0.0},
            "`schedule=exponential` needs a `final_learning_rate` above 0. Received: 0.0",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Config.from_values(values)


def test_reading_by_ctc_needs_a_ctc_head():
    with pytest.raises(ValueError, match="needs a CTC head"):
        Config.from_values({"decoding": "ctc", "ctc_weight": 0.0})
    for weight in ("ctc_weight", "attention_weight"):
        with pytest.raises(ValueError, match=f"`decoding=joint` needs .*`{weight}` above 0"):
            Config.from_values({"decoding": "joint", weight: 0.0})
    config = Config.from_values({"decoding": "ctc", "attention_weight": 0.0})
    assert config.decoding.decoding == "ctc"


def test_decoding_may_differ_from_that_of_the_training():
    config = OTHER.with_decoding({"decoding": "ctc"})
    assert config.decoding.decoding == "ctc"
    assert dataclasses.replace(config, decoding=OTHER.decoding) == OTHER
    assert OTHER.with_decoding({}) == OTHER
    with pytest.raises(ValueError, match="Expected settings of decoding. Received: encoder"):
        OTHER.with_decoding({"encoder": "vgg"})
    with pytest.raises(ValueError, match="needs a CTC head.* Received: 0.0"):
        Config.from_values({"ctc_weight": 0.0}).with_decoding({"decoding": "ctc"})


def test_settings_with_the_decoding_in_the_model_section_are_read():
    document = Config().to_dict()
    document["model"]["decoding"] = document.pop("decoding")["decoding"]
    assert Config.from_dict(document) == Config()
    document["model"]["decoding"] = "ctc"
    assert Config.from_dict(document).decoding == DecodingConfig(decoding="ctc")


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().training.steps = 3


@pytest.mark.parametrize(
    ("section", "name", "value", "message"),
    [
        ("model", "encoder_with", 2.0, "Unknown key. Received: encoder_with"),
        ("modell", "encoder", "vgg", "Unknown key. Received: modell"),
        ("model", "max_length", "24", "`max_length` must be of type int. Received: '24'"),
        ("model", "max_length", 24.0, "`max_length` must be of type int. Received: 24.0"),
        ("model", "dropout", True, "`dropout` must be of type float. Received: True"),
        ("training", "steps", True, "`steps` must be of type int. Received: True"),
        ("training", "deterministic", 1, "`deterministic` must be of type bool. Received: 1"),
        ("data", "bucket_widths", 64, "`bucket_widths` must be of type tuple. Received: 64"),
        ("data", "bucket_widths", ["64"], "`bucket_widths` must hold whole numbers. .*'64'"),
        ("data", "bucket_lengths", [4, True], "`bucket_lengths` must hold whole numbers"),
        ("image", "image_height", 30, "must be a multiple of 16"),
        ("second_looks", "widths", ["2"], "`widths` must hold numbers. .*'2'"),
        ("second_looks", "widths", [True], "`widths` must hold numbers. .*True"),
        ("second_looks", "widths", [1.6, 1.0], "`widths` must be different factors above 0"),
        ("second_looks", "widths", [2, 2], "`widths` must be different factors above 0"),
        ("second_looks", "widths", [5.0], "at most 4, and not 1"),
        ("second_looks", "deskew_below", 1.1, "`deskew_below` must be a confidence, from 0 to 1"),
        ("second_looks", "deskew_below", float("nan"), "`deskew_below` must be a confidence"),
    ],
)
def test_a_document_with_a_wrong_key_or_type_is_refused(section, name, value, message):
    document = Config().to_dict()
    document.setdefault(section, {})[name] = value
    with pytest.raises(ValueError, match=message):
        Config.from_dict(document)


def test_a_whole_number_serves_as_a_float():
    document = Config().to_dict()
    document["model"]["ctc_weight"] = 1
    weight = Config.from_dict(document).model.ctc_weight
    assert isinstance(weight, float)
    assert weight == 1.0


def test_whole_numbers_serve_as_factors():
    document = Config().to_dict()
    document["second_looks"]["widths"] = [2]
    (factor,) = Config.from_dict(document).second_looks.widths
    assert isinstance(factor, float)


def test_settings_that_are_older_than_second_looks_have_none():
    document = Config().to_dict()
    del document["second_looks"]
    assert not Config.from_dict(document).second_looks.enabled


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widths_below": 0.5, "widths": ()}, "A `widths_below` above 0 needs `widths`"),
        ({"deskew_below": 0.5, "num_views": 2}, "Second looks need images of one view"),
    ],
)
def test_second_looks_that_go_with_nothing_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Config.from_values(values)


def test_a_model_reads_again_below_the_highest_of_its_limits():
    looks = Config.from_values({"deskew_below": 0.5, "widths_below": 0.75}).second_looks
    assert (looks.enabled, looks.below) == (True, 0.75)


def test_a_key_that_is_left_out_keeps_its_default():
    document = {"format_version": FORMAT_VERSION, "model": {"max_length": 5}}
    assert Config.from_dict(document) == Config.from_values({"max_length": 5})


@pytest.mark.parametrize("version", [None, 0, FORMAT_VERSION + 1, "1"])
def test_another_version_of_the_format_is_refused(version):
    document = Config().to_dict() | {"format_version": version}
    with pytest.raises(ValueError, match=f"format_version {FORMAT_VERSION};.*Received"):
        Config.from_dict(document)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "config.json: Expecting property name"),
        ("[1]", "config.json: Expected a JSON object. Received: .1."),
        ('{"format_version": 1, "model": 3}', "config.json: `model` must hold settings"),
        ('{"format_version": 1, "speed": {}}', "config.json: Unknown key. Received: speed"),
        ("", "config.json: Expecting value"),
    ],
)
def test_a_damaged_file_is_refused_by_its_name(content, message, tmp_path):
    (tmp_path / CONFIG_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        Config.load(tmp_path)


def test_a_file_that_is_not_utf8_is_refused_by_its_name(tmp_path):
    (tmp_path / CONFIG_FILE).write_bytes(b"\xff\xfe{}")
    with pytest.raises(ValueError, match="config.json: "):
        Config.load(tmp_path)


def test_a_directory_without_settings_is_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match=CONFIG_FILE):
        Config.load(tmp_path)


def test_saving_that_fails_leaves_the_old_settings(tmp_path, monkeypatch):
    OTHER.save(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        Config().save(tmp_path)
    assert Config.load(tmp_path) == OTHER


def test_the_file_is_json_for_people(tmp_path):
    text = OTHER.save(tmp_path).read_text(encoding="utf-8")
    assert json.loads(text)["data"]["bucket_widths"] == [48, 100]
    assert '\n    "encoder": "vgg",\n' in text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"encoder": "application"}, "`encoder_backbone` must name a network .* Received: ''"),
        (
            {"encoder": "application", "encoder_backbone": "VGG16"},
            "`encoder_layer` must name the last layer for `encoder=application`. Received: ''",
        ),
        (
            {"encoder_backbone": "VGG16"},
            "`encoder_backbone` must be empty for `encoder=compact`. Received: 'VGG16'",
        ),
        (
            {"encoder": "vgg", "encoder_layer": "Mixed_5d"},
            "`encoder_layer` must be empty for `encoder=vgg`; only .* Received: 'Mixed_5d'",
        ),
        (
            {"encoder": "vgg", "encoder_depth": 2.0},
            "`encoder_depth` must be 1 for `encoder=vgg`; only compact and .* Received: 2.0",
        ),
        ({"encoder_weights": "a.h5"}, "`encoder_weights` must be empty .* Received: 'a.h5'"),
        (
            {"encoder": "inception_v3", "encoder_width": 0.5},
            "`encoder_width` must be 1 for `encoder=inception_v3`.* Received: 0.5",
        ),
    ],
)
def test_settings_of_an_encoder_that_has_none_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Config.from_values(values)

import dataclasses

import pytest

from attention_ocr.settings.config import Config
from attention_ocr.training.inherited_settings import (
    differing_settings,
    inherited_settings,
    model_directory,
)
from attention_ocr.training.loop import train
from attention_ocr.training.weight_fit import check_initial_weights
from tests import tiny, tiny_model


def write_settings(folder, **values):
    """Write a work directory with settings only."""
    folder.mkdir()
    (folder / "weights.npz").touch()
    Config.from_values(values).save(folder)
    return str(folder)


def inherit(folder, **given):
    return Config.from_values(inherited_settings(folder, given) | given)


def test_image_network_and_search_settings_are_inherited(tmp_path):
    values = {
        "image_height": 48,
        "max_image_width": 512,
        "encoder": "compact_flat",
        "encoder_width": 2.0,
        "decoder_layers": 2,
        "attention": "location",
        "decoding": "joint",
        "beam_width": 5,
        "search_below": 0.75,
    }
    old = write_settings(tmp_path / "old", **values, batch_size=7, steps=9, warmup_steps=1)
    assert inherit(old) == Config.from_values(values)


def test_settings_that_depend_on_the_charset_or_the_old_data_are_not_inherited(tmp_path):
    old = write_settings(
        tmp_path / "old",
        decoding="joint",
        lexicon="words.txt",
        pattern="[a-z]+",
        allowed_characters="abc",
        language_model="english.npz",
        language_model_weight=0.4,
        attention_temperature=1.2,
        charset="mine.txt",
        augmentation="default",
    )
    assert inherit(old) == Config.from_values({"decoding": "joint"})


@pytest.mark.parametrize("head", ["ctc", "joint"])
def test_a_search_for_a_language_model_by_ctc_is_not_inherited(tmp_path, head):
    old = write_settings(
        tmp_path / "old",
        decoding=head,
        beam_width=6,
        search_below=0.9,
        language_model="english.npz",
        language_model_weight=0.3,
    )
    search = {} if head == "ctc" else {"beam_width": 6, "search_below": 0.9}
    assert inherit(old) == Config.from_values({"decoding": head, **search})


def test_a_given_setting_counts_even_if_it_is_the_default(tmp_path):
    old = write_settings(tmp_path / "old", encoder_width=2.0, max_length=40, beam_width=5)
    config = inherit(old, encoder_width=1.0, beam_width=1)
    assert config == Config.from_values({"max_length": 40})


@pytest.mark.parametrize(
    ("old", "given", "expected"),
    [
        ({"encoder_width": 2.0, "encoder_depth": 2.0}, {"encoder": "vgg"}, {}),
        (
            {"encoder_width": 2.0, "encoder_depth": 2.0},
            {"encoder": "compact_flat"},
            {"encoder_width": 2.0, "encoder_depth": 2.0},
        ),
        ({"encoder": "inception_v3", "encoder_layer": "Mixed_5b"}, {"encoder": "compact"}, {}),
        ({"attention_normalization": "sigmoid"}, {"attention": "none"}, {}),
        ({"feedback": "one_hot"}, {"autoregressive": False}, {}),
        ({"encoder_options": "units=1,1,1"}, {"encoder": "vgg"}, {}),
        ({"sequence_options": "deep=true"}, {"sequence_cell": "gru"}, {}),
        ({"attention_options": "deep=true"}, {"attention": "dot"}, {}),
        (
            {"decoder": "of.others:Decoder", "decoder_options": "heads=4", "decoder_layers": 3},
            {"decoder": "attention"},
            {},
        ),
        (
            {"attention": "location", "beam_width": 5},
            {"attention_weight": 0.0, "decoding": "ctc"},
            {},
        ),
        ({"decoding": "joint", "beam_width": 5}, {"ctc_weight": 0.0}, {}),
        ({"decoding": "joint", "beam_width": 5}, {"decoding": "ctc"}, {}),
        (
            {"attention_weight": 0.0, "decoding": "ctc"},
            {},
            {"attention_weight": 0.0, "decoding": "ctc"},
        ),
    ],
)
def test_settings_that_depend_on_a_changed_one_keep_their_defaults(old, given, expected, tmp_path):
    folder = write_settings(tmp_path / "old", **old)
    assert inherit(folder, **given) == Config.from_values(given | expected)


def test_a_resumed_run_keeps_its_inherited_settings(tmp_path):
    old = write_settings(tmp_path / "old", encoder_width=2.0)
    begun = dataclasses.asdict(inherit(old).model)
    Config.from_values(begun | {"init_from": old}).save(tmp_path)
    write_settings(tmp_path / "other")
    Config.from_values({"encoder_width": 0.5}).save(tmp_path / "old")
    assert inherited_settings(old, {}, tmp_path)["encoder_width"] == 2.0
    assert inherited_settings(old, {}, tmp_path / "new")["encoder_width"] == 0.5
    other = str(tmp_path / "other")
    assert inherited_settings(other, {}, tmp_path)["encoder_width"] == 1.0


def test_without_a_pretrained_model_nothing_is_inherited():
    assert inherited_settings("", {}) == {}


def test_a_model_without_weights_to_train_on_is_refused(export, tmp_path):
    (tmp_path / "model.tflite").touch()
    for place in (tmp_path, tmp_path / "model.tflite"):
        with pytest.raises(ValueError, match="`init_from` must name a work directory.*Received: "):
            model_directory(str(place))
    with pytest.raises(FileNotFoundError, match="gone"):
        model_directory(str(tmp_path / "gone"))
    assert model_directory(str(export.parent)) == export


def test_the_settings_of_the_package_make_a_network_that_takes_all_its_weights(tmp_path):
    config = inherit("default", init_from="default")
    assert config.model.encoder == "compact_flat"
    # Nothing differs, so nothing has to be checked.
    assert differing_settings(Config.load(model_directory("default")), config) == {}
    check_initial_weights(config, tmp_path)
    # `compact` keeps twice the rows, between which the weights of a row are shared.
    rows_kept = inherit("default", init_from="default", encoder="compact")
    assert rows_kept.model.encoder_width == 2.0
    check_initial_weights(rows_kept, tmp_path)
    with pytest.raises(ValueError, match=r"can be transferred.*Received: encoder=vgg, "):
        check_initial_weights(
            inherit("default", init_from="default", encoder="vgg", encoder_width=1.0), tmp_path
        )


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return tiny_model.write_work_dir(tmp_path_factory.mktemp("model") / "old")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"encoder": "vgg", "image_height": 32}, "image_height=32, encoder=vgg$"),
        ({"encoder_width": 0.5}, "encoder_width=0.5$"),
        ({"encoder_depth": 0.5}, "encoder_depth=0.5$"),
        ({"image_channels": 3}, "image_channels=3$"),
        ({"decoder_units": 20}, "decoder_units=20$"),
        ({"decoder_cell": "gru", "dropout": 0.5}, "decoder_cell=gru$"),
        ({"attention": "dot"}, "attention=dot$"),
        ({"sequence_layers": 0}, "sequence_layers=0$"),
    ],
)
def test_settings_that_the_weights_do_not_fit_are_refused_by_name(given, named, old, tmp_path):
    config = tiny.config(train_data=str(old / "words/labels.tsv"), init_from=str(old), **given)
    with pytest.raises(ValueError, match=f"Weights of init_from=.* Received: {named}"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "given",
    [
        {"max_length": 9, "dropout": 0.5},
        {"max_image_width": 160},
        {"rectifier": "affine"},
        {"ctc_weight": 0.0},
        {"sequence_layers": 2},
        {"attention": "location"},
        {"encoder": "vgg", "image_height": 32, "init_parts": "decoder/embedding,decoder/output"},
        {"decoder_units": 20, "init_parts": "encoder"},
    ],
)
def test_changes_that_the_weights_fit_are_accepted(given, old, tmp_path):
    check_initial_weights(tiny.config(init_from=str(old), **given), tmp_path)


def test_a_resumed_run_is_not_checked(old, tmp_path):
    config = tiny.config(init_from=str(old), decoder_units=20)
    config.save(tmp_path)
    check_initial_weights(config, tmp_path)

import json
from pathlib import Path

import numpy as np
import pytest

import attention_ocr
from attention_ocr.inference import locate
from attention_ocr.inference.work_directory import (
    WEIGHTS_FILE,
    read_weights,
    weight_name,
    weight_values,
)
from attention_ocr.text.charset import Charset
from attention_ocr.training.initial_weights import (
    COLUMN_KERNEL,
    IDENTITY,
    REPORT_FILE,
    VOCABULARY_AXES,
    SavedWeights,
    freeze_weights,
    read_saved_weights,
    transfer_weights,
)
from attention_ocr.training.loop import train
from attention_ocr.training.weight_fit import find_misfits
from tests import tiny, tiny_model

OTHER = Charset("b3xay")
"""Shares b, 3 and a with `abc0123`, the charset of the pretrained model, at other indices."""


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory):
    return tiny_model.write_work_dir(tmp_path_factory.mktemp("model") / "first", seed=3)


@pytest.fixture(scope="module")
def saved(work_dir):
    return read_saved_weights(str(work_dir))


def test_a_model_with_the_same_charset_is_transferred_completely(saved):
    recognizer = tiny.recognizer(seed=5)
    transfer = transfer_weights(recognizer, tiny.CHARSET, saved)
    assert transfer.left == {}
    assert transfer.new_characters == ""
    assert sorted(transfer.taken) == sorted(saved.values)
    for name, value in weight_values(recognizer).items():
        np.testing.assert_array_equal(value, saved.values[name], err_msg=name)


def test_entries_of_shared_characters_move_to_their_new_indices(saved):
    recognizer = tiny.recognizer(OTHER, seed=5)
    before = weight_values(recognizer)
    transfer = transfer_weights(recognizer, OTHER, saved)
    assert (transfer.shared_characters, transfer.new_characters) == ("b3a", "xy")
    assert transfer.left == {}
    after = weight_values(recognizer)
    for name, axis in VOCABULARY_AXES.items():
        new, random, old = (
            np.moveaxis(values[name], axis, 0) for values in (after, before, saved.values)
        )
        for token_id in range(4):
            np.testing.assert_array_equal(new[token_id], old[token_id], err_msg=name)
        for character in "b3a":
            new_id, old_id = OTHER.encode(character)[0], tiny.CHARSET.encode(character)[0]
            np.testing.assert_array_equal(new[new_id], old[old_id], err_msg=name)
        for character in "xy":
            new_id = OTHER.encode(character)[0]
            np.testing.assert_array_equal(new[new_id], random[new_id], err_msg=name)


def test_a_charset_of_the_same_size_is_still_transferred_character_by_character(saved):
    charset = Charset("3210cba")
    recognizer = tiny.recognizer(charset, seed=5)
    transfer_weights(recognizer, charset, saved)
    values = weight_values(recognizer)["decoder/embedding/embeddings"]
    np.testing.assert_array_equal(values[4:], saved.values["decoder/embedding/embeddings"][:3:-1])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("characters", ["3210cba", "0123abcxy", "b3xay"])
def test_one_hot_feedback_moves_the_rows_of_characters_and_keeps_those_of_the_context(
    cell, characters
):
    settings = {"feedback": "one_hot", "decoder_cell": cell, "decoder_layers": 2}
    charset = Charset(characters)
    old = weight_values(tiny.recognizer(seed=3, **settings))
    recognizer = tiny.recognizer(charset, seed=5, **settings)
    random = weight_values(recognizer)[f"decoder/{cell}/kernel"]
    transfer = transfer_weights(recognizer, charset, SavedWeights(old, tiny.CHARSET))
    assert transfer.left == {}
    new = weight_values(recognizer)
    kernel, old_kernel = new[f"decoder/{cell}/kernel"], old[f"decoder/{cell}/kernel"]
    np.testing.assert_array_equal(kernel[:4], old_kernel[:4])
    for token_id, character in enumerate(characters, start=4):
        known = character in tiny.CHARSET
        row = old_kernel[tiny.CHARSET.encode(character)[0]] if known else random[token_id]
        np.testing.assert_array_equal(kernel[token_id], row, err_msg=character)
    context = kernel[charset.vocabulary_size :]
    assert len(context) == 16
    np.testing.assert_array_equal(context, old_kernel[tiny.CHARSET.vocabulary_size :])
    second = f"decoder/{cell}_1/kernel"
    np.testing.assert_array_equal(new[second], old[second])


def test_a_decoder_without_feedback_has_no_rows_of_characters():
    settings = {"autoregressive": False}
    old = weight_values(tiny.recognizer(seed=3, **settings))
    recognizer = tiny.recognizer(OTHER, seed=5, **settings)
    transfer_weights(recognizer, OTHER, SavedWeights(old, tiny.CHARSET))
    name = "decoder/lstm/kernel"
    np.testing.assert_array_equal(weight_values(recognizer)[name], old[name])


def test_one_hot_feedback_does_not_take_the_rows_of_an_embedding(saved):
    recognizer = tiny.recognizer(OTHER, seed=5, feedback="one_hot")
    transfer = transfer_weights(recognizer, OTHER, saved)
    assert transfer.left == {"decoder/lstm/kernel": "of another shape, [22, 64]"}


def test_only_the_named_parts_are_transferred(saved):
    recognizer = tiny.recognizer(seed=5)
    before = weight_values(recognizer)
    transfer = transfer_weights(recognizer, tiny.CHARSET, saved, ["encoder", "decoder/lstm"])
    assert set(transfer.left.values()) == {"not in `init_parts`"}
    for name, value in weight_values(recognizer).items():
        taken = name.startswith(("encoder/", "decoder/lstm/"))
        assert (name in transfer.taken) == taken
        expected = saved.values[name] if taken else before[name]
        np.testing.assert_array_equal(value, expected, err_msg=name)


def test_weights_that_do_not_fit_keep_their_random_values_and_are_named(saved):
    recognizer = tiny.recognizer(seed=5, decoder_units=20, ctc_weight=0.0)
    transfer = transfer_weights(recognizer, tiny.CHARSET, saved)
    assert transfer.left["decoder/lstm/recurrent_kernel"] == "of another shape, [16, 64]"
    assert "decoder/embedding/embeddings" in transfer.taken
    assert "are new (of another shape" in transfer.describe()
    added = transfer_weights(
        tiny.recognizer(),
        tiny.CHARSET,
        SavedWeights({k: v for k, v in saved.values.items() if "ctc" not in k}, saved.charset),
    )
    assert added.left == {
        "ctc_head/kernel": "not in the pretrained model",
        "ctc_head/bias": "not in the pretrained model",
    }


def test_a_deeper_encoder_starts_with_what_the_pretrained_one_computes(saved):
    shallow, deep = tiny.recognizer(seed=5), tiny.recognizer(seed=6, encoder_depth=2.0)
    transfer_weights(shallow, tiny.CHARSET, saved)
    transfer = transfer_weights(deep, tiny.CHARSET, saved)
    assert set(transfer.left.values()) == {IDENTITY}
    assert find_misfits(transfer, saved) == {}
    # One additional unit in the first and the last stage, two in the second, each of ten weights.
    units = {name.rpartition("/stage")[2].partition("/")[0] for name in transfer.left}
    assert units == {"_0_unit_1", "_1_unit_2", "_1_unit_3", "_2_unit_1"}
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 48, 1)).astype(np.float32)
    sizes = np.array([[16, 48], [16, 30]], np.int32)
    before, after = (network.encode(images, sizes) for network in (shallow, deep))
    np.testing.assert_array_equal(before.columns, after.columns)
    # Trained, the additional units take part.
    deep.encoder.residual_units[1].second.normalization.gamma.assign_add(np.ones(8))
    assert np.abs(deep.encode(images, sizes).columns - after.columns).max() > 1e-3


def test_a_unit_that_changes_the_size_cannot_be_the_identity():
    with pytest.raises(ValueError, match="cannot be the identity.*stage_0_unit_0"):
        tiny.recognizer().encoder.residual_units[0].start_as_identity()


def test_a_prefix_consists_of_complete_names():
    recognizer = tiny.recognizer()
    with pytest.raises(ValueError, match="parts are ctc_head, decoder, encoder, sequence_0.*'enc'"):
        freeze_weights(recognizer, ["enc"])


def test_nothing_that_fits_is_an_error(saved):
    foreign = SavedWeights({"body/kernel": np.zeros((2, 3))}, saved.charset)
    with pytest.raises(ValueError, match="No weight of the pretrained model fits"):
        transfer_weights(tiny.recognizer(), tiny.CHARSET, foreign)


def test_an_export_gives_the_weights_of_its_model(work_dir, saved, tmp_path):
    attention_ocr.export(work_dir, tmp_path / "export", num_check_images=2)
    exported = read_saved_weights(str(tmp_path / "export"))
    assert exported.charset == saved.charset
    assert exported.values.keys() == saved.values.keys()
    for name, value in saved.values.items():
        np.testing.assert_array_equal(exported.values[name], value, err_msg=name)
    index = tmp_path / "export" / "1" / "variables" / "variables.index"
    index.write_bytes(index.read_bytes()[:10])
    with pytest.raises(ValueError, match="variables is damaged and cannot be read"):
        read_saved_weights(str(tmp_path / "export"))


def test_default_means_the_weights_of_the_package(work_dir, saved, monkeypatch):
    monkeypatch.setattr(locate, "BUNDLED_WEIGHTS", work_dir)
    values = read_saved_weights("default").values
    assert {name: value.shape for name, value in values.items()} == {
        name: value.shape for name, value in saved.values.items()
    }


def test_frozen_weights_and_statistics_stay(work_dir, tmp_path):
    config = tiny.config(
        train_data=str(work_dir / "words" / "labels.tsv"),
        init_from=str(work_dir),
        freeze="encoder,decoder/embedding",
        steps=3,
        eval_every=3,
        average_decay=0.0,
        charset=str(work_dir),
    )
    train(config, tmp_path / "run")
    before, after = (read_weights(folder / WEIGHTS_FILE) for folder in (work_dir, tmp_path / "run"))
    for name, value in after.items():
        if name.startswith(("encoder/", "decoder/embedding/")):
            np.testing.assert_array_equal(value, before[name], err_msg=name)
        elif name.startswith(("decoder/", "ctc_head/")):
            assert np.abs(value - before[name]).max() > 1e-4, name
    report = json.loads((tmp_path / "run" / REPORT_FILE).read_text(encoding="utf-8"))
    assert sorted(report["taken"]) == sorted(before)


@pytest.mark.parametrize("encoder", ["compact", "application", "inception_v3"])
@pytest.mark.parametrize("frozen", [["encoder"], ["encoder", "decoder"], []])
def test_the_statistics_of_any_frozen_normalisation_stay(encoder, frozen):
    recognizer = tiny.recognizer(encoder=encoder, **tiny.OF_ENCODER.get(encoder, {}))
    names = [weight_name(weight) for weight in recognizer.weights]
    freeze_weights(recognizer, frozen or ["decoder"])
    assert [weight_name(weight) for weight in recognizer.weights] == names
    before = weight_values(recognizer)
    recognizer(tiny.random_batch(), training=True)
    statistics = [name for name in names if "/moving_" in name]
    assert len(statistics) >= 6
    for name in statistics:
        stays = np.array_equal(weight_values(recognizer)[name], before[name])
        assert stays == bool(frozen), name


def test_a_normalisation_is_frozen_as_a_whole_only():
    recognizer = tiny.recognizer(encoder="application", **tiny.OF_ENCODER["application"])
    normalizations = {layer.name: layer for layer in recognizer.encoder.network.layers}
    freeze_weights(recognizer, ["encoder/bn_Conv1/gamma", "encoder/expanded_conv_project_BN"])
    assert normalizations["bn_Conv1"].trainable
    assert not normalizations["expanded_conv_project_BN"].trainable
    freeze_weights(recognizer, ["encoder/bn_Conv1/beta"])
    assert not normalizations["bn_Conv1"].trainable


def test_a_resumed_run_does_not_load_initial_weights_again(work_dir, tmp_path):
    labels = str(work_dir / "words" / "labels.tsv")
    settings = {"train_data": labels, "init_from": str(work_dir), "checkpoint_every": 2}
    train(tiny.config(**settings, steps=4, eval_every=2), tmp_path / "run")
    values = read_weights(tmp_path / "run" / WEIGHTS_FILE)
    # Nothing is left to do, and the pretrained model is not read.
    gone = {**settings, "init_from": str(tmp_path / "gone")}
    train(tiny.config(**gone, steps=4, eval_every=2), tmp_path / "run")
    for name, value in read_weights(tmp_path / "run" / WEIGHTS_FILE).items():
        np.testing.assert_array_equal(value, values[name], err_msg=name)


def test_freezing_everything_is_refused():
    recognizer = tiny.recognizer()
    parts = sorted({weight_name(weight).split("/")[0] for weight in recognizer.weights})
    with pytest.raises(ValueError, match="Nothing is left to train"):
        freeze_weights(recognizer, parts)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone is not a directory"):
        read_saved_weights(str(tmp_path / "gone"))


def begun_with(work_dir, folder, **settings):
    """Return the weights of a run that stay close to its initial weights."""
    config = tiny.config(
        train_data=str(work_dir / "words" / "labels.tsv"),
        init_from=str(work_dir),
        charset=str(Path(work_dir)),
        steps=1,
        warmup_steps=0,
        eval_every=1,
        learning_rate=1e-9,
        weight_decay=0.0,
        **settings,
    )
    train(config, folder)
    return read_weights(folder / WEIGHTS_FILE)


def test_merged_rows_of_the_grid_are_summed(tmp_path):
    # Four rows of 32 features become two.
    tall = tiny_model.write_work_dir(tmp_path / "tall", image_height=32)
    old = read_weights(tall / WEIGHTS_FILE)[COLUMN_KERNEL]
    flat = begun_with(tall, tmp_path / "flat", image_height=32, encoder="compact_flat")
    assert (old.shape, flat[COLUMN_KERNEL].shape) == ((128, 64), (64, 64))
    first, second, third, last = np.split(old, 4)
    expected = np.concatenate([first + second, third + last])
    np.testing.assert_allclose(flat[COLUMN_KERNEL], expected, atol=1e-6)


def test_a_row_that_becomes_two_is_shared_between_them(tmp_path):
    flat = tiny_model.write_work_dir(
        tmp_path / "flat", image_height=32, encoder="compact_flat", encoder_width=0.25
    )
    old = read_weights(flat / WEIGHTS_FILE)[COLUMN_KERNEL]
    tall = begun_with(
        flat, tmp_path / "tall", image_height=32, encoder="compact", encoder_width=0.25
    )
    assert (old.shape, tall[COLUMN_KERNEL].shape) == ((64, 64), (128, 64))
    first, second = np.split(old, 2)
    expected = np.concatenate([first, first, second, second]) / 2
    np.testing.assert_allclose(tall[COLUMN_KERNEL], expected, atol=1e-6)


def test_the_averages_start_from_the_transferred_weights(work_dir, saved, tmp_path):
    values = begun_with(work_dir, tmp_path / "run")
    for name in ("decoder/lstm/kernel", "encoder/stem/convolution/kernel"):
        np.testing.assert_allclose(values[name], saved.values[name], atol=1e-6)

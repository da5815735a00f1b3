import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.data.sources import Walk, open_source
from attention_ocr.models.build import build_recognizer
from attention_ocr.text.charset import ASCII, Charset
from benchmarks.ablation import images
from benchmarks.ablation.__main__ import _row
from benchmarks.ablation.plot import draw
from benchmarks.ablation.variants import COMMON, PLUGINS, PRESETS, VARIANTS, make_config
from benchmarks.budget import RateOfTime

ROOT = Path(__file__).parents[2]


def test_every_preset_is_compared():
    compared = {variant.preset for variant in VARIANTS.values()} - {""}
    assert compared == {path.stem for path in PRESETS.glob("*.flags")}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_has_the_settings_that_all_share_and_its_own(name):
    variant = VARIANTS[name]
    document = make_config(variant).to_dict()
    values = {
        key: value
        for section in document.values()
        if isinstance(section, dict)
        for key, value in section.items()
    }
    expected = {**COMMON, **variant.settings}
    assert {key: values[key] for key in expected} == expected
    assert variant.images in images.VARIATIONS


def test_a_preset_has_what_its_flags_say():
    config = make_config(VARIANTS["trba"])
    assert (config.model.encoder, config.model.rectifier) == ("resnet", "tps")
    assert (config.model.sequence_layers, config.model.ctc_weight) == (2, 0.0)
    assert config.decoder.feedback == "one_hot"


@pytest.mark.parametrize("name", ["svtr-small", "transformer-parallel"])
def test_a_plugin_is_compared_without_being_installed(name, monkeypatch):
    monkeypatch.syspath_prepend(PLUGINS)
    config = make_config(VARIANTS[name], encoder_width=0.25, decoder_units=32)
    recognizer = build_recognizer(config, Charset(ASCII))
    part = recognizer.encoder if name == "svtr-small" else recognizer.decoder
    assert type(part).__module__.startswith("attention_ocr_plugins.")


def test_padding_becomes_a_part_of_the_image():
    image = np.full((64, 100, 3), 7, np.uint8)
    padded = images.padded(image, 0)
    assert padded.shape == (32, 128, 3)
    assert (padded[:, :50] == 7).all()
    assert (padded[:, 50:] == images.GRAY).all()
    wide = images.padded(np.full((10, 400, 3), 7, np.uint8), 0)
    assert (wide[:3] == 7).all()
    assert (wide[3:] == images.GRAY).all()


def test_a_rotated_image_is_larger_and_the_same_each_time():
    image = np.random.default_rng(0).integers(0, 256, (32, 90, 3), np.uint8)
    turned = [images.turned(image, index) for index in (0, 0, 1)]
    assert turned[0].shape[0] > 32
    np.testing.assert_array_equal(turned[0], turned[1])
    assert turned[0].shape != turned[2].shape


def test_the_rate_rises_and_falls_with_the_time_that_is_spent():
    rate = RateOfTime(0.5)
    rates = []
    for share in (0.0, 0.025, 0.05, 0.5, 1.0, 1.3):
        rate.spend(share)
        rates.append(float(rate(tf.constant(3))))
    assert rates == pytest.approx([0.05, 0.25, 0.497, 0.25, 0.0, 0.0], abs=2e-3)


def test_all_variations_hold_the_same_words_and_are_kept_for_the_next_run(tmp_path):
    real = "synthetic,kinds=numbers,num_examples=3"
    images.write_images(tmp_path, 4, 2, real)
    shards = sorted(tmp_path.glob("*/*/*.tfrecord"))
    assert len(shards) == 3 * 3
    texts = {
        variation: [
            row["text"]
            for row in open_source(f"{tmp_path / variation / 'train'}/*.tfrecord")
            .examples(Walk())
            .as_numpy_iterator()
        ]
        for variation in images.VARIATIONS
    }
    assert len(texts["plain"]) == 4
    assert texts["plain"] == texts["padded"] == texts["turned"]
    written = [path.stat().st_mtime_ns for path in shards]
    images.write_images(tmp_path, 4, 2, real)
    assert [path.stat().st_mtime_ns for path in shards] == written


def figures(**values):
    return {
        "parameters": 1_500_000,
        "images": 64,
        "train CPU ms": 5.0,
        "test read CPU ms": 1.0,
        "test": 50.0,
        "test low": 40.0,
        "test high": 60.0,
        **values,
    }


@pytest.mark.parametrize("real", [{}, {"real": 0.0, "real low": 0.0, "real high": 1.0}])
def test_the_image_is_drawn_with_and_without_real_words(real, tmp_path):
    result = tmp_path / "ctc.json"
    assert _row("ctc", result) == {}
    result.write_text(json.dumps(figures(**real)), encoding="utf-8")
    row = _row("ctc", result)
    assert row["95 %"] == "40.0 to 60.0"
    assert row["real %"] == real.get("real")
    draw([row], tmp_path / "plot.png")
    assert tf.io.decode_png((tmp_path / "plot.png").read_bytes()).shape[0] > 100


@pytest.mark.slow
def test_a_comparison_trains_reads_and_goes_on_where_it_was(tmp_path):
    command = (
        f"-m benchmarks.ablation --work_dir={tmp_path} --cpu_seconds=1 --train_images=70 "
        f"--test_images=8 --variants attention no-mask --json={tmp_path / 'table.json'}"
    )
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, *command.split()],
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
    assert "attention ..." not in result.stderr
    rows = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))["rows"]
    assert [row["variant"] for row in rows] == ["attention", "no-mask"]
    assert all(row["images"] >= 32 and row["train CPU ms"] > 0 for row in rows)
    assert (tmp_path / "ablation.png").is_file()

"""Layers and recognisers are serialised and rebuilt by Keras bit-exactly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr import layers
from attention_ocr.models.losses import RecognitionLoss
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.models.serialization import deserialize_layer, load_recognizer, serialize_layer
from tests import tiny

# Keras, on NumPy 2.4, when it writes a variable.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

REPOSITORY = Path(__file__).parents[2]
V = tiny.CHARSET.vocabulary_size

ARGUMENTS = {
    "AdditiveAttention": {"units": 5, "normalization": "sigmoid"},
    "AffineTransform": {},
    "ApplicationEncoder": {"backbone": "MobileNetV2", "layer": "block_1_expand_relu"},
    "AttentionDecoder": {
        "vocabulary_size": V,
        "units": 6,
        "attention": layers.DotAttention(4, heads=2),
        "embedding_units": 3,
        "cell_clip": 2.0,
        "num_layers": 2,
        "dropout": 0.25,
        "seed": 7,
    },
    "BidirectionalGRU": {"units": 5},
    "BidirectionalLSTM": {"units": 5, "portable": True, "fused": True},
    "CTCHead": {"vocabulary_size": V},
    "ClippedLSTMCell": {"units": 5, "cell_clip": 3.0},
    "CompactEncoder": {"width": 0.5, "depth": 2.0, "channels": (8, 8, 16, 16), "units": (1, 1, 1)},
    "ConvolutionUnit": {"channels": 8, "kernel_size": 1, "strides": (2, 1), "activate": False},
    "DotAttention": {"units": 6, "heads": 3, "normalization": "sigmoid"},
    "FlatCompactEncoder": {"width": 0.25},
    "FusedBatchNormalization": {"momentum": 0.5, "epsilon": 0.01},
    "HardAttention": {"units": 5, "temperature": 2.0, "soft_share": 0.25},
    "InceptionV3Encoder": {"layer": "MaxPool_3a_3x3"},
    "LocationAttention": {"units": 5, "location_filters": 3, "location_kernel": 5},
    "MeanAttention": {},
    "OneHotCoordinates": {"num_columns": 9},
    "Rectifier": {"transform": layers.ThinPlateSpline(6)},
    "RecursiveEncoder": {"width": 0.125, "iterations": 3},
    "RecursiveUnit": {"channels": 8, "iterations": 3},
    "ResNetEncoder": {"width": 0.125},
    "ResidualUnit": {"channels": 8, "strides": (2, 1)},
    "SinusoidalCoordinates": {"channels": 8},
    "ThinPlateSpline": {"num_points": 8},
    "VGGEncoder": {"width": 0.125},
}
"""Arguments of each layer that are not its defaults."""


def make(name: str, **arguments: object) -> object:
    return getattr(layers, name)(**{**ARGUMENTS[name], **arguments})


def test_every_layer_is_tested():
    known = {
        name
        for name in layers.__all__
        if hasattr(getattr(layers, name), "get_config") and name not in ("Attention", "Decoder")
    }
    assert known == set(ARGUMENTS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_layer_is_rebuilt_from_its_config(name):
    layer = make(name)
    # As after a round trip through a file.
    config = json.loads(json.dumps(serialize_layer(layer)))
    assert config["registered_name"] == f"attention_ocr>{name}"
    again = deserialize_layer(config)
    assert type(again) is type(layer)
    assert json.loads(json.dumps(serialize_layer(again))) == config
    for argument, value in ARGUMENTS[name].items():
        if argument not in ("attention", "transform"):
            written = json.loads(json.dumps(again.get_config()[argument]))
            assert written == json.loads(json.dumps(value)), argument


def composed(num_views: int = 1, **parts: object) -> Recognizer:
    """Compose a recogniser with both heads, with random values in all weights."""
    keras.utils.set_random_seed(1)
    recognizer = Recognizer(
        **{
            "encoder": layers.CompactEncoder(0.25),
            "sequence": [layers.BidirectionalLSTM(8), layers.BidirectionalGRU(6)],
            "decoder": layers.AttentionDecoder(V, 12, layers.AdditiveAttention(5), 4),
            "ctc_head": layers.CTCHead(V),
            **parts,
        },
        num_views=num_views,
    )
    recognizer(batch(num_views))
    random = np.random.default_rng(0)
    for weight in recognizer.weights:
        weight.assign(random.uniform(0.1, 0.5, weight.shape))
    return recognizer


def batch(num_views: int = 1) -> dict[str, tf.Tensor]:
    batch = tiny.random_batch()
    return batch | {"images": tf.tile(batch["images"], (1, num_views, 1, 1))}


CASES = {
    "both_heads": {},
    "ctc_alone": {"decoder": None, "loss": RecognitionLoss(ctc_weight=1.0)},
    "grid": {
        "sequence": [],
        "ctc_head": None,
        "coordinates": layers.SinusoidalCoordinates(8),
        "rectifier": layers.Rectifier(layers.ThinPlateSpline(6)),
        "decoder": layers.AttentionDecoder(V, 12, layers.LocationAttention(5), 4, cell="gru"),
    },
    "views": {"num_views": 2},
    "recursive": {"encoder": layers.RecursiveEncoder(0.125)},
    "application": {"encoder": layers.ApplicationEncoder("MobileNetV2", "block_1_expand_relu")},
}


def assert_equal(one: Recognizer, other: Recognizer, num_views: int) -> None:
    for weight, again in zip(one.weights, other.weights, strict=True):
        assert weight.path == again.path
        np.testing.assert_array_equal(weight, again, err_msg=weight.path)
    expected, received = one(batch(num_views)), other(batch(num_views))
    assert expected.keys() == received.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(value, received[name], err_msg=name)


@pytest.mark.parametrize("name", CASES)
def test_a_keras_file_gives_bit_identical_outputs(name, tmp_path):
    recognizer = composed(**CASES[name])
    recognizer.save(tmp_path / "own.keras")
    again = keras.models.load_model(tmp_path / "own.keras")
    assert again.loss_function == recognizer.loss_function
    assert_equal(recognizer, again, recognizer.num_views)


@pytest.mark.parametrize("encoder", ["compact", "application"])
def test_a_keras_file_keeps_mixed_precision(encoder, tmp_path):
    with tiny.computing_in("bfloat16"):
        recognizer = tiny.recognizer(**tiny.OF_ENCODER.get(encoder, {}), encoder=encoder)
    recognizer.save(tmp_path / "own.keras")
    again = keras.models.load_model(tmp_path / "own.keras")
    for one, other in zip(recognizer._flatten_layers(), again._flatten_layers(), strict=True):
        assert one.dtype_policy.name == other.dtype_policy.name, one.path
    assert_equal(recognizer, again, 1)


def test_fit_needs_no_loss_and_continues_after_loading(tmp_path):
    recognizer = composed()
    recognizer.compile(optimizer=keras.optimizers.Adam(0.01))
    # Strings are part of the pipeline's batches.
    examples = batch() | {"text": tf.constant(["a"] * 4), "shrunk": tf.constant([False] * 4)}
    batches = tf.data.Dataset.from_tensors(examples).repeat(3)
    (first,) = recognizer.fit(batches, shuffle=False, verbose=0).history["loss"]
    recognizer.save(tmp_path / "own.keras")
    again = keras.models.load_model(tmp_path / "own.keras")
    assert again.optimizer.iterations == 3
    (expected,) = recognizer.fit(batches, shuffle=False, verbose=0).history["loss"]
    (then,) = again.fit(batches, shuffle=False, verbose=0).history["loss"]
    assert then == pytest.approx(expected, rel=1e-5)
    assert then < first


def test_fit_includes_the_loss_of_a_layer():
    recognizer = composed()
    outputs = recognizer(batch(), training=True)
    plain = float(recognizer.compute_loss(batch(), None, outputs))
    head = keras.layers.Dense(V, kernel_regularizer=keras.regularizers.L2(1.0))
    recognizer = composed(ctc_head=head)
    outputs = recognizer(batch(), training=True)
    penalised = float(recognizer.compute_loss(batch(), None, outputs))
    assert penalised == pytest.approx(plain + float(tf.reduce_sum(head.kernel**2)), rel=1e-4)


def test_a_custom_loss_is_called_with_outputs_and_batch():
    def loss_function(outputs, batch):
        num_tokens = tf.reduce_sum(batch["target_weights"])
        return {"loss": num_tokens * tf.reduce_max(outputs["logits"])}

    recognizer = composed(loss=loss_function)
    examples = batch()
    outputs = recognizer(examples)
    loss = recognizer.compute_loss(examples, None, outputs)
    num_tokens = float(tf.reduce_sum(examples["target_weights"]))
    assert float(loss) == pytest.approx(num_tokens * float(tf.reduce_max(outputs["logits"])))


@pytest.mark.slow
def test_a_process_without_further_imports_loads_a_keras_file(tmp_path):
    recognizer = composed()
    recognizer.save(tmp_path / "own.keras")
    program = (
        "import sys, numpy as np\n"
        "from attention_ocr.models import load_recognizer\n"
        "recognizer = load_recognizer('own.keras')\n"
        "np.savez('weights.npz', *recognizer.get_weights())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)
    with np.load(tmp_path / "weights.npz") as values:
        for weight, name in zip(recognizer.weights, values.files, strict=True):
            np.testing.assert_array_equal(weight, values[name])


def test_load_recognizer_loads_what_keras_loads(tmp_path):
    recognizer = composed()
    recognizer.save(tmp_path / "own.keras")
    assert_equal(recognizer, load_recognizer(tmp_path / "own.keras"), 1)

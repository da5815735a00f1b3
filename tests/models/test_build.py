import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models import build
from attention_ocr.models.build import build_recognizer, encoder_class, example_inputs
from attention_ocr.settings.model import ENCODERS
from tests import tiny


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_of_the_settings_has_a_class(name):
    assert issubclass(encoder_class(name), keras.layers.Layer)


def test_a_height_that_does_not_divide_by_the_rows_of_the_encoder_is_refused():
    with pytest.raises(ValueError, match="be divisible by 32 for encoder=resnet. Received: 48"):
        tiny.recognizer(encoder="resnet", image_height=48)


def test_the_seed_alone_determines_the_weights():
    one = tiny.recognizer(seed=3)
    np.random.default_rng().normal()
    tf.random.normal((4,))
    again, other = tiny.recognizer(seed=3), tiny.recognizer(seed=4)
    for weight, same in zip(one.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)
    for weight, another in zip(one.weights, other.weights, strict=True):
        if weight.path.endswith(("kernel", "embeddings")):
            assert np.all(np.abs(weight.numpy() - another.numpy()) > 0.0), weight.path


def test_every_weight_is_named_after_its_layers():
    for weight in tiny.recognizer().weights:
        network, layer, *_ = weight.path.split("/")
        assert network == "recognizer"
        assert layer in ("encoder", "sequence_0", "decoder", "ctc_head"), weight.path


def test_settings_reach_the_layers():
    recognizer = tiny.recognizer(
        sequence_layers=2, sequence_units=9, decoder_units=13, embedding_units=5, attention_units=7
    )
    shapes = {weight.path.split("/", 1)[1]: weight.shape for weight in recognizer.weights}
    assert shapes["sequence_1/recurrent_kernel"] == (2, 9, 36)
    assert shapes["decoder/embedding/embeddings"] == (11, 5)
    assert shapes["decoder/lstm/recurrent_kernel"] == (13, 52)
    assert shapes["decoder/attention/keys/kernel"] == (18, 7)
    assert shapes["decoder/output/kernel"] == (13 + 18, 11)
    assert shapes["ctc_head/kernel"] == (18, 11)
    assert tiny.recognizer(dropout=0.3).decoder.dropout.rate == 0.3


def test_colour_and_the_smallest_batch_are_accepted():
    config = tiny.config(image_channels=3)
    recognizer = build_recognizer(config, tiny.CHARSET)
    assert recognizer(example_inputs(config))["logits"].shape == (1, 1, 11)


def test_bfloat16_keeps_variables_and_logits_in_float32():
    recognizer = build_recognizer(tiny.config(), tiny.CHARSET, precision="bfloat16")
    assert {weight.dtype for weight in recognizer.trainable_weights} == {"float32"}
    batch = tiny.random_batch()
    outputs = recognizer(batch)
    assert outputs["logits"].dtype == outputs["ctc_logits"].dtype == tf.float32
    encoded = recognizer.encode(batch["images"], batch["image_sizes"])
    assert encoded.feature_grid.dtype == encoded.summary.dtype == tf.bfloat16
    exact = build_recognizer(tiny.config(), tiny.CHARSET)(batch)
    assert 0.0 < np.abs(outputs["logits"] - exact["logits"]).max() < 0.05


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_global_precision_is_restored(precision, monkeypatch):
    build_recognizer(tiny.config(), tiny.CHARSET, precision=precision)
    assert keras.config.dtype_policy().name == "float32"

    def fail(*_: object) -> None:
        raise ValueError("no inputs")

    monkeypatch.setattr(build, "example_inputs", fail)
    with pytest.raises(ValueError, match="no inputs"):
        build_recognizer(tiny.config(), tiny.CHARSET, precision=precision)
    assert keras.config.dtype_policy().name == "float32"


def test_one_hot_coordinates_cover_the_widest_image():
    recognizer = tiny.recognizer(coordinates="one_hot", sequence_layers=0)
    grid = recognizer.encode(tf.zeros((1, 16, 96, 1)), tf.constant([[16, 90]])).feature_grid
    # 32 channels of the encoder, 2 rows, 24 columns of 96 pixels.
    assert grid.shape == (1, 2, 24, 32 + 2 + 24)
    np.testing.assert_array_equal(grid[0, 1, :23, 34:], np.eye(24)[:23])


def test_parts_may_be_named_by_module_and_class():
    named = {"encoder": "vgg", "image_height": 32, "attention": "location", "sequence_cell": "gru"}
    placed = named | {
        "encoder": "attention_ocr.models.encoders.vgg:VGGEncoder",
        "attention": "attention_ocr.models.attention.location:LocationAttention",
        "sequence_cell": "attention_ocr.models.gru:BidirectionalGRU",
        "decoder": "attention_ocr.models.decoder:AttentionDecoder",
    }
    one, other = tiny.recognizer(**named), tiny.recognizer(**placed)
    for weight, same in zip(one.weights, other.weights, strict=True):
        assert weight.path == same.path
        np.testing.assert_array_equal(weight, same)


def test_options_reach_the_layers():
    recognizer = tiny.recognizer(encoder_options="units=2,1,1,channels=8,8,16,24")
    assert recognizer.encoder.stage_units == (2, 1, 1)
    # A quarter of them, but no fewer than 8.
    assert recognizer.encoder.residual_units[3].channels == 8


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"encoder_options": "width=2"}, "`encoder_options` may set channels, units of Compact"),
        ({"sequence_options": "units=2"}, "`sequence_options` may set .*BidirectionalLSTM"),
        ({"attention_options": "units=2"}, "`attention_options` may set nothing of AdditiveAtt"),
        ({"decoder_options": "units=2"}, "`decoder_options` may set nothing of AttentionDecoder"),
        (
            {"encoder": "attention_ocr.models.gru:Encoder"},
            "`encoder` must name a class of the module attention_ocr.models.gru. Rec.*'Encoder'",
        ),
        (
            {"attention": "attention_ocr.models.gru:BidirectionalGRU"},
            "`attention` must name a subclass of attention_ocr.models.attention.interface.Attent",
        ),
    ],
)
def test_invalid_options_and_class_names_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        tiny.recognizer(**values)


def test_a_plugin_that_is_not_installed_is_named():
    with pytest.raises(ImportError, match="`decoder=no_such_package:Decoder` needs the module no_"):
        tiny.recognizer(decoder="no_such_package:Decoder")

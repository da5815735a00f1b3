import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.encoders.grid import valid_cells
from attention_ocr.models.encoders.keras_application import (
    INCEPTION_V3_ENDPOINTS,
    ApplicationEncoder,
    InceptionV3Encoder,
    build_backbone,
    check_name,
    stable_names,
)
from attention_ocr.training.loop import train
from tests import tiny

HEIGHT, WIDTH = 32, 48
SIZES = np.array([[32, 48], [32, 17]], np.int32)
LAYER = "block_3_expand_relu"
"""Of MobileNetV2: cells of 4 pixels, 144 channels."""


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    encoder = ApplicationEncoder("MobileNetV2", LAYER)
    encoder(tf.zeros((2, HEIGHT, WIDTH, 1)), SIZES)
    return encoder


def noise(channels: int) -> np.ndarray:
    images = np.random.default_rng(0).uniform(-1, 1, (2, HEIGHT, WIDTH, channels))
    content_mask = valid_cells(SIZES, HEIGHT, WIDTH, (1, 1)).numpy()
    return (images * content_mask[..., None]).astype(np.float32)


def test_the_grid_has_a_cell_for_each_stride_and_is_zero_on_the_padding(encoder):
    grid, cells = encoder(noise(1), SIZES)
    assert encoder.stride == (4, 4)
    assert grid.shape == (2, 8, 12, 144)
    np.testing.assert_array_equal(cells[1], np.arange(12) < [[5]] * 8)
    np.testing.assert_array_equal(grid.numpy()[~cells.numpy()], 0.0)
    assert np.abs(grid.numpy()[cells.numpy()]).max() > 0.0


def test_it_equals_the_network_of_keras(encoder):
    whole = build_backbone("MobileNetV2")
    cut = keras.Model(whole.inputs[0], whole.get_layer(LAYER).output)
    cut.set_weights(encoder.network.get_weights())
    pixels = (noise(3)[:1] + 1.0) * 127.5
    expected = cut(keras.applications.mobilenet_v2.preprocess_input(pixels))
    grid, _ = encoder(noise(3)[:1], SIZES[:1])
    np.testing.assert_allclose(grid, expected, atol=1e-4)


def test_gray_becomes_three_equal_channels(encoder):
    gray, _ = encoder(noise(1), SIZES)
    colour, _ = encoder(np.repeat(noise(1), 3, axis=-1), SIZES)
    np.testing.assert_allclose(gray, colour, atol=1e-5)


def test_a_graph_of_unknown_sizes_equals_eager(encoder):
    run = tf.function(
        encoder,
        input_signature=(
            tf.TensorSpec((None, HEIGHT, None, 1), tf.float32),
            tf.TensorSpec((None, 2), tf.int32),
        ),
    )
    np.testing.assert_allclose(run(noise(1), SIZES)[0], encoder(noise(1), SIZES)[0], atol=1e-4)
    grid, _ = run.get_concrete_function().structured_outputs
    assert grid.shape.as_list() == [None, HEIGHT // 4, None, 144]


def test_weight_names_do_not_depend_on_earlier_models():
    assert keras.layers.Conv2D(1, 1).name != keras.layers.Conv2D(1, 1).name
    encoder = InceptionV3Encoder("Conv2d_2b_3x3", name="encoder")
    with keras.name_scope("recognizer"):
        encoder(tf.zeros((1, 16, 16, 3)), np.array([[16, 16]], np.int32))
    paths = [weight.path for weight in encoder.weights]
    assert len(set(paths)) == len(paths) == 12
    kernels = [path for path in paths if path.endswith("kernel")]
    assert kernels == [f"recognizer/encoder/conv2d{index}/kernel" for index in ("", "_1", "_2")]


@pytest.mark.parametrize(
    ("endpoint", "stride", "channels"),
    [("MaxPool_3a_3x3", 4, 64), ("Mixed_5d", 8, 288)],
)
def test_a_cell_of_inception_v3_is_centered_on_its_own_pixels(endpoint, stride, channels):
    keras.utils.set_random_seed(0)
    encoder = InceptionV3Encoder(endpoint)
    image = np.zeros((1, 64, 96, 3), np.float32)
    sizes = np.array([[64, 96]], np.int32)
    blank, cells = encoder(image, sizes)
    assert encoder.stride == (stride, stride)
    assert blank.shape == (1, 64 // stride, 96 // stride, channels)
    assert np.all(cells)
    row, column = 33, 51
    image[0, row - 1 : row + 2, column - 1 : column + 2] = 1.0
    change = np.abs(encoder(image, sizes)[0] - blank).sum(axis=-1)[0]
    centre = [
        np.sum(change * (np.arange(num_cells).reshape(shape) + 0.5)) / change.sum() * stride
        for num_cells, shape in ((64 // stride, (-1, 1)), (96 // stride, (1, -1)))
    ]
    np.testing.assert_allclose(centre, (row + 0.5, column + 0.5), atol=stride)


@pytest.mark.slow
def test_the_endpoints_are_those_of_tf_slim():
    # For an image of 299x299 pixels, from the comments of TF-slim's inception_v3_base.
    sizes = "149x32 147x32 147x64 73x64 73x80 71x192 35x192 35x256 35x288 35x288 17x768 17x768"
    sizes += " 17x768 17x768 17x768 8x1280 8x2048 8x2048"
    whole = build_backbone("InceptionV3")
    named = {name: layer for layer, name in stable_names(whole).items()}
    for layer, size in zip(INCEPTION_V3_ENDPOINTS.values(), sizes.split(), strict=True):
        pixels, channels = map(int, size.split("x"))
        cut = keras.Model(whole.inputs[0], named[layer].output)
        assert cut.compute_output_shape((1, 299, 299, 3)) == (1, pixels, pixels, channels)


# Keras itself does so when it writes the file.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_weights_come_from_a_file_of_the_whole_network(tmp_path):
    keras.utils.set_random_seed(7)
    whole = build_backbone("MobileNetV2")
    path = tmp_path / "mobilenet.weights.h5"
    whole.save_weights(path)
    other = ApplicationEncoder("MobileNetV2", LAYER)
    other(noise(1), SIZES)
    other.load_pretrained(path)
    expected = dict(zip((layer.name for layer in whole.layers), whole.layers, strict=True))
    for layer in other.network.layers[1:]:
        for value, weight in zip(layer.get_weights(), expected[layer.name].weights, strict=True):
            np.testing.assert_array_equal(value, weight)
    with pytest.raises(FileNotFoundError, match="No weights at"):
        other.load_pretrained(tmp_path / "nothing.h5")
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match="holds no weights of MobileNetV2 without") as failure:
        other.load_pretrained(path)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("backbone", "layer", "message"),
    [
        ("VGG15", "x", "keras.applications, such as VGG1.* Received: 'VGG15'"),
        ("VGG16", "block4_conv9", "a layer of VGG16, such as .*block4_conv3.*: 'block4_conv9'"),
        ("VGG16", "block5_pool", "1, 2, 4, 8 or 16 pixels.* VGG16, layer block5_pool, with 32"),
    ],
)
def test_unknown_networks_and_layers_are_refused_by_name(backbone, layer, message):
    with pytest.raises(ValueError, match=message) as failure:
        ApplicationEncoder(backbone, layer)
    assert "\n" not in str(failure.value)


def test_an_unknown_endpoint_is_refused_with_similar_names():
    with pytest.raises(ValueError, match="Inception-v3, such as .*Mixed_5d.*: 'Mixed_5e'"):
        InceptionV3Encoder("Mixed_5e")


def test_a_name_similar_to_none_is_refused_with_some_names():
    check_name("colour", "a colour", "red", ["red", "green"])
    with pytest.raises(ValueError, match="`colour` must be a colour, such as red, green. Rec.*qq"):
        check_name("colour", "a colour", "qq", ["red", "green"])


WORDS = ["cab", "abc", "b0", "a1", "10", "cc2", "ab3c", "aaa", "3b", "c", "0123", "bac"]
WORDS += ["2a2", "c0b1", "11b", "30a"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"encoder": "inception_v3", "encoder_layer": "Conv2d_3b_1x1"},
        {
            "encoder": "application",
            "encoder_backbone": "MobileNetV2",
            "encoder_layer": "block_3_expand_relu",
        },
    ],
    ids=lambda settings: settings.get("encoder_backbone", settings["encoder"]),
)
def test_such_an_encoder_learns_for_inference(settings, tmp_path):
    labels = str(tiny.write_label_file(tmp_path, WORDS))
    config = tiny.config(
        **settings,
        encoder_width=1.0,
        train_data=labels,
        eval_data=labels,
        batch_size=16,
        eval_batch_size=16,
        steps=120,
        warmup_steps=10,
        eval_every=120,
        checkpoint_every=120,
        learning_rate=0.005,
        average_decay=0.9,
        sequence_units=24,
        attention_units=24,
        decoder_units=32,
    )
    # Validation uses the moving averages, not the statistics of a batch.
    assert train(config, tmp_path / "run").best_exact_match == 1.0

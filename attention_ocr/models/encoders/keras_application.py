"""Encoders that are networks of `keras.applications`, cut at a named layer."""

import difflib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from attention_ocr.models.encoders.grid import valid_cells

MOMENTUM = 0.9
"""Momentum of batch normalisation: the moving averages adapt within some tens of steps. With the
0.99 and 0.999 of `keras.applications`, meant for runs of a million steps, the training loss falls
while validation accuracy stays at zero."""

_PROBE = 512
"""Side, in pixels, of the square image used to determine strides; every stride divides it."""


@keras.saving.register_keras_serializable(package="attention_ocr")
class ApplicationEncoder(keras.layers.Layer):
    """A network of `keras.applications` up to one of its layers, whose output is the grid.

    Gray images get three equal channels, and pixels are scaled as the network expects, see
    `keras.applications.*.preprocess_input`. Where the network uses valid padding, the image is
    zero-padded to compensate, so that the grid has one cell per stride and each cell is centered
    on its own pixels.

    Moving averages of batch normalisation use `MOMENTUM`, not the slower momentum of the network.

    The layers of the network do not mask padding: cells near the edges of an image may change
    slightly with the amount of padding. Pixels of the padding are zero in the scale of the network,
    and the grid is zero there.

    Args:
        backbone: Name of the network, for example `ResNet50`.
        layer: Name of the layer. Unnamed layers are called by their kind and their number in the
            network: `conv2d`, `conv2d_1`, ...

    Call arguments:
        images: float [B, H, W, C] in [-1, 1], C 1 or 3; H and W multiples of 16.
        image_sizes: int32 [B, 2], height and width of each image without its padding.

    Returns:
        `feature_grid`: float [B, H/s, W/s, D], s = `stride`; zero on the padding.
        `cells`: bool [B, H/s, W/s], true on the content of the image.

    Raises:
        ValueError: If there is no such network or layer, or the layer's output is not a grid.
    """

    def __init__(self, backbone: str, layer: str, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.backbone = backbone
        with _computing_in(self.dtype_policy):
            whole = build_backbone(backbone)
        named = {name: entry for entry, name in stable_names(whole).items()}
        check_name("encoder_layer", f"a layer of {backbone}", layer, named)
        cut = keras.Model(whole.inputs[0], named[layer].output)
        self.stride, self.border = _geometry(cut, f"{backbone}, layer {layer}")
        # Wrapped in a function, so that Keras does not track its variables: those of the encoder
        # are created in `build`, with paths of the network that the encoder is part of.
        self._clone: Callable[[], keras.Model] = lambda: clone_with_stable_names(cut, whole)
        self.network: Any = None

    def build(self, images_shape: object, image_sizes_shape: object = None) -> None:
        self.network = self._clone()
        del self._clone
        self.built = True

    def call(
        self, images: tf.Tensor, image_sizes: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        height, width = images.shape[1], tf.shape(images)[2]
        pixels = tf.cast(images, tf.float32)
        if images.shape[-1] == 1:
            pixels = tf.tile(pixels, (1, 1, 1, 3))
        pixels = _scale_of(self.backbone)((pixels + 1.0) * 127.5)
        content_mask = valid_cells(image_sizes, height, width, (1, 1))
        pixels *= tf.cast(content_mask, tf.float32)[..., None]
        before, after = self.border // 2, self.border - self.border // 2
        pixels = tf.pad(pixels, ((0, 0), (before, after), (before, after), (0, 0)))
        grid = self.network(pixels, training=training)
        down, across = self.stride
        grid = tf.ensure_shape(grid, (None, height // down, None, None))
        cells = valid_cells(image_sizes, height // down, width // across, self.stride)
        return grid * tf.cast(cells, grid.dtype)[..., None], cells

    def load_pretrained(self, path: Path) -> None:
        """Load the weights of the whole network without classifier from a Keras file.

        Args:
            path: `*_notop.h5` as Keras publishes them, or `*.weights.h5`.

        Raises:
            ValueError: If the file holds the weights of another network, or is damaged.
            FileNotFoundError: If there is no such file.
        """
        if not path.is_file():
            raise FileNotFoundError(f"No weights at {path}")
        whole = build_backbone(self.backbone)
        try:
            whole.load_weights(path)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(
                f"{path} holds no weights of {self.backbone} without classifier: "
                f"{str(error).splitlines()[0]}"
            ) from error
        source = {name: entry for entry, name in stable_names(whole).items()}
        for entry in self.network.layers:
            if entry.weights:
                entry.set_weights(source[entry.name].get_weights())


@keras.saving.register_keras_serializable(package="attention_ocr")
class InceptionV3Encoder(ApplicationEncoder):
    """Inception-v3 (Szegedy et al., 2016) up to an endpoint, as in Wojna et al. (2017).

    Endpoints have their TF-slim names. See `ApplicationEncoder` for the rest.

    Args:
        layer: Name of the endpoint; `Mixed_5d` has cells of 8 pixels and 288 channels.
    """

    def __init__(self, layer: str = "Mixed_5d", **kwargs: object) -> None:
        check_name("encoder_layer", "an endpoint of Inception-v3", layer, INCEPTION_V3_ENDPOINTS)
        super().__init__("InceptionV3", INCEPTION_V3_ENDPOINTS[layer], **kwargs)


INCEPTION_V3_ENDPOINTS: Mapping[str, str] = {
    "Conv2d_1a_3x3": "activation",
    "Conv2d_2a_3x3": "activation_1",
    "Conv2d_2b_3x3": "activation_2",
    "MaxPool_3a_3x3": "max_pooling2d",
    "Conv2d_3b_1x1": "activation_3",
    "Conv2d_4a_3x3": "activation_4",
    "MaxPool_5a_3x3": "max_pooling2d_1",
    "Mixed_5b": "mixed0",
    "Mixed_5c": "mixed1",
    "Mixed_5d": "mixed2",
    "Mixed_6a": "mixed3",
    "Mixed_6b": "mixed4",
    "Mixed_6c": "mixed5",
    "Mixed_6d": "mixed6",
    "Mixed_6e": "mixed7",
    "Mixed_7a": "mixed8",
    "Mixed_7b": "mixed9",
    "Mixed_7c": "mixed10",
}
"""TF-slim name of each endpoint, and the corresponding layer of `keras.applications`."""


def build_backbone(name: str) -> keras.Model:
    """Build a network of `keras.applications` without classifier, for images of any size.

    Raises:
        ValueError: If there is no network of this name.
    """
    names = [entry for entry in dir(keras.applications) if entry[0].isupper()]
    check_name("encoder_backbone", "a network of keras.applications", name, names)
    make = getattr(keras.applications, name)
    return make(include_top=False, weights=None, input_shape=(None, None, 3))


@contextmanager
def _computing_in(policy: keras.DTypePolicy) -> Iterator[None]:
    """Set the dtype policy of layers created inside the `with` block."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


def check_name(setting: str, expected: str, name: str, names: Iterable[str]) -> None:
    """Refuse a name that is not one of `names`, and suggest the closest ones."""
    names = list(names)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=4, cutoff=0.3) or names[-4:]
        raise ValueError(
            f"`{setting}` must be {expected}, such as {', '.join(near)}. Received: {name!r}"
        )


def stable_names(model: keras.Model) -> dict[keras.layers.Layer, str]:
    """Return a name for each layer that does not depend on models built earlier in the process.

    Keras numbers unnamed layers across the process; here they are numbered within the model.
    """
    counts: Counter[str] = Counter()
    names = {}
    for layer in model.layers:
        kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
        name = layer.name
        if re.fullmatch(rf"{kind}(_\d+)?", name):
            name = f"{kind}_{counts[kind]}" if counts[kind] else kind
            counts[kind] += 1
        names[layer] = name
    return names


def clone_with_stable_names(cut: keras.Model, whole: keras.Model) -> keras.Model:
    """Clone a part of a network, each layer under its stable name in the whole network.

    Batch normalisation uses `MOMENTUM`.
    """
    names = stable_names(whole)

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        # Some sums and products are operations without weights, which are not in `layers`.
        own = {"name": names.get(layer, layer.name)}
        if isinstance(layer, keras.layers.BatchNormalization):
            own["momentum"] = MOMENTUM
        return type(layer).from_config(layer.get_config() | own)

    return keras.models.clone_model(cut, clone_function=clone)


def _scale_of(backbone: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return the function that maps pixels in [0, 255] to the input scale of a network."""
    module = sys.modules[getattr(keras.applications, backbone).__module__]
    scale: Callable[[tf.Tensor], tf.Tensor] = module.preprocess_input
    return scale


def _geometry(cut: keras.Model, name: str) -> tuple[tuple[int, int], int]:
    """Return height and width of a cell in pixels, and the padding for one cell per stride."""

    def num_cells(num_pixels: int) -> int:
        shape = cut.compute_output_shape((1, num_pixels, num_pixels, 3))
        if len(shape) != 4:
            raise ValueError(f"The output of {name} is not a grid. Received: {list(shape)}")
        return int(shape[1])

    try:
        found = num_cells(_PROBE)
        per_probe = num_cells(2 * _PROBE) - found
    except ValueError as error:
        raise ValueError(
            f"{name} does not accept images of any size: {str(error).splitlines()[0]}"
        ) from error
    stride = _PROBE // max(per_probe, 1)
    if stride not in (1, 2, 4, 8, 16):
        raise ValueError(
            "`encoder_layer` must give cells of 1, 2, 4, 8 or 16 pixels, so that letters do not "
            f"share one: take an earlier layer. Received: {name}, with {stride} pixels"
        )
    missing = per_probe - found
    if missing == 0:
        return (stride, stride), 0
    # The number of cells grows by one every `stride` pixels; half a cell more than the minimum
    # centers the grid.
    enough = next(
        border
        for border in range((missing - 1) * stride + 1, missing * stride + 1)
        if num_cells(_PROBE + border) == per_probe
    )
    return (stride, stride), enough + (stride - 1) // 2

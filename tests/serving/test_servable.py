import shutil

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

import attention_ocr
from attention_ocr.exporting.warmup import WARMUP_FILE, write_warmup
from attention_ocr.inference.engines.saved_model_safety import read_meta_graph
from attention_ocr.serving.errors import ServingError
from attention_ocr.serving.servable import Servable
from tests import tiny_model


@pytest.fixture
def copy(model, tmp_path):
    """A copy of the model, to be changed."""
    return shutil.copytree(model, tmp_path / "5")


def change(directory, change_graph):
    path = directory / "saved_model.pb"
    saved_model = SavedModel.FromString(path.read_bytes())
    change_graph(saved_model.meta_graphs[0])
    path.write_bytes(saved_model.SerializeToString())


def test_the_warm_up_file_is_replayed_before_anything_is_served(copy, tmp_path):
    assert Servable(5, copy).num_warmup_requests == 0
    for index, image in enumerate(tiny_model.images(3)):
        (tmp_path / f"{index}.png").write_bytes(tiny_model.encoded(image))
    write_warmup(copy, tmp_path)
    assert Servable(5, copy).num_warmup_requests == 4


def test_an_export_is_warmed_up_with_what_it_brought(export):
    servable = Servable(1, export)
    assert servable.num_warmup_requests == 5
    assert servable.signature().takes_rows


def test_a_warm_up_that_fails_refuses_the_version(copy, tmp_path):
    (tmp_path / "0.png").write_bytes(b"bad!")
    write_warmup(copy, tmp_path)
    with pytest.raises(ValueError, match="warm-up request 0 fails: .*a bad row"):
        Servable(5, copy)
    (tmp_path / "0.png").write_bytes(b"good")
    write_warmup(copy, tmp_path, signature="other")
    with pytest.raises(ValueError, match="'other' not found") as error:
        Servable(5, copy)
    assert str(copy) in str(error.value)


def test_a_damaged_warm_up_file_refuses_the_version(copy):
    (copy / WARMUP_FILE).parent.mkdir()
    (copy / WARMUP_FILE).write_bytes(b"no records, but some bytes")
    with pytest.raises(ValueError, match="tf_serving_warmup_requests is damaged"):
        Servable(5, copy)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("saved_model.pb", 0.0),
        ("saved_model.pb", 0.5),
        ("variables/variables.index", 0.5),
        ("variables/variables.data-00000-of-00001", 0.5),
    ],
)
def test_a_model_that_was_cut_short_is_refused_with_its_name(copy, name, share):
    path = copy / name
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"damaged") as error:
        Servable(5, copy)
    assert str(copy) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_of_a_model_that_is_missing_is_named(copy):
    (copy / "variables" / "variables.index").unlink()
    with pytest.raises(ValueError, match="is damaged and cannot be loaded"):
        Servable(5, copy)
    (copy / "saved_model.pb").unlink()
    with pytest.raises(ValueError, match="saved_model.pb cannot be read: No such file"):
        Servable(5, copy)


@pytest.mark.parametrize("place", ["graph", "function"])
@pytest.mark.parametrize("operation", ["ReadFile", "WriteFile", "EagerPyFunc", "TFRecordDataset"])
def test_a_graph_that_reaches_beyond_the_model_is_refused(copy, place, operation):
    def add(graph):
        nodes = (
            graph.graph_def.node
            if place == "graph"
            else graph.graph_def.library.function[0].node_def
        )
        nodes.add(name="extra", op=operation)

    change(copy, add)
    with pytest.raises(
        ValueError, match=f"operations that a model may not have: {operation}"
    ) as error:
        Servable(5, copy)
    assert str(copy) in str(error.value)


@pytest.mark.parametrize(
    "name", ["../../secret", "/etc/passwd", "a/../../b", "..\\x", "C:\\x", "gs://bucket/x"]
)
def test_an_asset_outside_the_model_is_refused(copy, name):
    change(copy, lambda graph: graph.asset_file_def.add(filename=name))
    with pytest.raises(ValueError, match="its asset is elsewhere. Received"):
        read_meta_graph(copy)


def test_an_asset_of_the_model_is_welcome(copy):
    change(copy, lambda graph: graph.asset_file_def.add(filename="words.txt"))
    assert read_meta_graph(copy).asset_file_def[0].filename == "words.txt"


def test_a_model_without_a_graph_to_serve_is_refused(copy):
    change(copy, lambda graph: graph.meta_info_def.ClearField("tags"))
    with pytest.raises(ValueError, match="has 0 graphs to serve. Expected: 1"):
        Servable(5, copy)


def test_what_an_export_holds_stays_inside_it(export):
    assert read_meta_graph(export).signature_def["serving_default"].inputs["images"].dtype == 7


def test_a_signature_says_what_it_wants(model):
    signature = Servable(3, model).signature("darkness")
    pixels, inverted = tf.zeros((1, 2), tf.uint8).numpy(), tf.constant([True]).numpy()
    signature.check({"pixels": pixels, "inverted": inverted})
    with pytest.raises(ServingError, match=r"'pixels' .* is uint8 \[-1, 2\]. Received: bool \[1\]"):
        signature.check({"pixels": inverted, "inverted": inverted})


def test_reading_refuses_what_serving_refuses(export, tmp_path):
    directory = shutil.copytree(export, tmp_path / "1")
    change(directory, lambda graph: graph.graph_def.node.add(name="extra", op="ReadFile"))
    with pytest.raises(ValueError, match="operations that a model may not have: ReadFile") as error:
        attention_ocr.load(directory)
    assert str(directory) in str(error.value)

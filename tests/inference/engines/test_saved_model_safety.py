"""What a SavedModel may be made of."""

import shutil

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from attention_ocr.inference.engines.allowed_operations import ALLOWED_OPS, SAVER_OPS
from attention_ocr.inference.engines.saved_model_safety import read_meta_graph
from tests.serving import tiny_server

BEYOND = {
    "PrintV2": lambda path: tf.print("written", output_stream=f"file://{path}"),
    "SaveV2": lambda path: tf.raw_ops.SaveV2(
        prefix=path, tensor_names=["x"], shape_and_slices=[""], tensors=[tf.ones(3)]
    ),
    "MergeV2Checkpoints": lambda path: tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[path], destination_prefix=path
    ),
    "RestoreV2": lambda path: tf.raw_ops.RestoreV2(
        prefix=path, tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
    ),
    "LoadAndRemapMatrix": lambda path: tf.raw_ops.LoadAndRemapMatrix(
        ckpt_path=path,
        old_tensor_name="x",
        row_remapping=tf.zeros(1, tf.int64),
        col_remapping=tf.zeros(0, tf.int64),
        initializing_values=tf.zeros(0),
        num_rows=1,
        num_cols=1,
    ),
    "WriteFile": lambda path: tf.io.write_file(path, "written"),
    "ReadFile": tf.io.read_file,
    "MatchingFiles": tf.io.matching_files,
    "ImmutableConst": lambda path: tf.raw_ops.ImmutableConst(
        dtype=tf.float32, shape=(1,), memory_region_name=path
    ),
    "EagerPyFunc": lambda _: tf.py_function(lambda: 1, [], tf.int32),
    "TextLineDataset": lambda path: tf.data.TextLineDataset(path).get_single_element(),
    "Timestamp": lambda _: tf.timestamp(),
}


def save(directory, call, nested):
    """Write a model that calls something, in its signature or three functions below it."""

    class Model(tf.Module):
        @tf.function(input_signature=(tf.TensorSpec((), tf.int32, name="count"),))
        def serve(self, count):
            if not nested:
                call()
                return {"count": count}

            @tf.function
            def body(index):
                call()
                return (index + 1,)

            return {"count": tf.while_loop(lambda index: index < 3, body, (count,))[0]}

    model = Model()
    tf.saved_model.save(model, str(directory), signatures={"serving_default": model.serve})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("nested", [False, True], ids=["signature", "nested"])
@pytest.mark.parametrize("operation", BEYOND)
def test_an_operation_that_reaches_beyond_the_model_is_refused_wherever_it_stands(
    operation, nested, tmp_path
):
    save(tmp_path / "1", lambda: BEYOND[operation](str(tmp_path / "file")), nested)
    with pytest.raises(
        ValueError, match=f"operations that a model may not have: .*{operation}"
    ) as error:
        read_meta_graph(tmp_path / "1")
    assert str(tmp_path / "1" / "saved_model.pb") in str(error.value)
    assert not (tmp_path / "file").exists()


@pytest.fixture
def change(model, tmp_path):
    """Write the tiny model again, changed."""

    def changed(change_graph):
        directory = shutil.copytree(model, tmp_path / "5", dirs_exist_ok=True)
        path = directory / "saved_model.pb"
        saved_model = SavedModel.FromString(path.read_bytes())
        change_graph(saved_model)
        path.write_bytes(saved_model.SerializeToString())
        return directory

    return changed


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_server.write_model(tmp_path_factory.mktemp("model") / "3")


def call_from_a_node(graph, saver):
    caller = graph.graph_def.node.add(name="more", op="PartitionedCall")
    caller.attr["f"].func.CopyFrom(saver.attr["f"].func)


def call_from_a_function(graph, saver):
    other = next(f for f in graph.graph_def.library.function if "traced" not in f.signature.name)
    caller = other.node_def.add(name="more", op="StatefulPartitionedCall")
    caller.attr["f"].func.CopyFrom(saver.attr["f"].func)


def take_its_name_for_an_operation(graph, saver):
    graph.graph_def.node.add(name="more", op=saver.attr["f"].func.name)


def read_what_it_returns(graph, saver):
    graph.graph_def.node.add(name="more", op="Identity", input=[f"{saver.name}:0"])


def wait_for_it(graph, saver):
    graph.graph_def.node.add(name="more", op="NoOp", input=[f"^{saver.name}"])


def return_it_from_a_signature(graph, saver):
    graph.signature_def["serving_default"].outputs["text"].name = f"{saver.name}:0"


def call_from_an_object(graph, saver):
    graph.object_graph_def.concrete_functions[saver.attr["f"].func.name].SetInParent()


def let_it_stand_for_another_function(graph, saver):
    for function in graph.graph_def.library.function:
        if function.signature.name == saver.attr["f"].func.name:
            function.attr["api_implements"].s = b"read"


def test_a_model_may_save_its_variables(change):
    assert read_meta_graph(change(lambda _: None)).saver_def.save_tensor_name


@pytest.mark.parametrize(
    "use",
    [
        call_from_a_node,
        call_from_a_function,
        take_its_name_for_an_operation,
        read_what_it_returns,
        wait_for_it,
        return_it_from_a_signature,
        call_from_an_object,
        let_it_stand_for_another_function,
    ],
)
def test_what_saves_the_variables_may_be_used_for_nothing_else(change, use):
    def use_saver(saved):
        (graph,) = saved.meta_graphs
        name = graph.saver_def.save_tensor_name.partition(":")[0]
        (saver,) = (node for node in graph.graph_def.node if node.name == name)
        use(graph, saver)

    with pytest.raises(ValueError, match="operations that a model may not have: .*SaveV2"):
        read_meta_graph(change(use_saver))


def test_an_operation_in_place_of_a_function_is_refused(change):
    def call(saved):
        node = saved.meta_graphs[0].graph_def.node.add(name="more", op="PartitionedCall")
        node.attr["f"].func.name = "WriteFile"

    with pytest.raises(ValueError, match="operations that a model may not have: WriteFile"):
        read_meta_graph(change(call))

    def branch(saved):
        node = saved.meta_graphs[0].graph_def.node.add(name="more", op="Case")
        node.attr["branches"].list.func.add(name="ReadFile")

    with pytest.raises(ValueError, match="operations that a model may not have: ReadFile"):
        read_meta_graph(change(branch))


def test_an_operation_that_nobody_knows_is_refused(change):
    def add(saved):
        saved.meta_graphs[0].graph_def.node.add(name="more", op="Unheard>OfOperation")

    with pytest.raises(
        ValueError, match="operations that a model may not have: Unheard>OfOperation"
    ):
        read_meta_graph(change(add))


def test_a_second_graph_beside_the_one_to_serve_is_looked_at_too(change):
    def add(saved):
        graph = saved.meta_graphs.add()
        graph.meta_info_def.tags.append("train")
        graph.graph_def.node.add(name="more", op="WriteFile")

    with pytest.raises(ValueError, match="operations that a model may not have: WriteFile"):
        read_meta_graph(change(add))


def test_every_operation_of_the_list_is_one_of_tensorflow():
    assert all(hasattr(tf.raw_ops, operation) for operation in ALLOWED_OPS | SAVER_OPS)
    assert not ALLOWED_OPS & SAVER_OPS
    assert not ALLOWED_OPS & set(BEYOND)

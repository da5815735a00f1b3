"""Safety check of a SavedModel, before any of it runs."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from google.protobuf.message import DecodeError
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from attention_ocr.inference.engines.allowed_operations import ALLOWED_OPS, SAVER_OPS
from attention_ocr.inference.locate import SAVED_MODEL_FILE

SERVE_TAG = "serve"


def read_meta_graph(directory: Path) -> MetaGraphDef:
    """Read the graph of a SavedModel, and refuse one that reaches beyond its directory.

    Args:
        directory: Directory of the SavedModel.

    Raises:
        ValueError: If the file is damaged, has no graph to serve, an operation outside
            `ALLOWED_OPS`, or an asset elsewhere; the message names the file.
    """
    path = directory / SAVED_MODEL_FILE
    try:
        saved_model = SavedModel.FromString(path.read_bytes())
    except DecodeError as error:
        raise ValueError(
            f"{path} or its variables are damaged and cannot be read: {error}"
        ) from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    graphs = [graph for graph in saved_model.meta_graphs if SERVE_TAG in graph.meta_info_def.tags]
    if len(graphs) != 1:
        raise ValueError(
            f"{path} or its variables are damaged: it has {len(graphs)} graphs to serve. "
            "Expected: 1"
        )
    graph: MetaGraphDef = graphs[0]
    # Other graphs are loaded together with the one to serve.
    refused = sorted(set().union(*map(_refused_operations, saved_model.meta_graphs)))
    if refused:
        raise ValueError(
            f"{path} is refused: it has operations that a model may not have: {', '.join(refused)}"
        )
    for asset in graph.asset_file_def:
        name = PurePosixPath(asset.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in asset.filename:
            raise ValueError(
                f"{path} is refused: its asset is elsewhere. Received: {asset.filename!r}"
            )
    return graph


def _refused_operations(graph: MetaGraphDef) -> set[str]:
    """Return the operations of a graph and of its functions that a model may not have."""
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    savers = _saver_functions(graph)
    refused = set()
    for owner, node in _nodes(graph):
        allowed = ALLOWED_OPS | SAVER_OPS if owner in savers else ALLOWED_OPS
        if node.op not in allowed and node.op not in functions:
            refused.add(node.op)
        # TensorFlow looks up functions that the library lacks among its operations.
        refused |= _called(node) - set(functions)
    return refused


def _saver_functions(graph: MetaGraphDef) -> set[str]:
    """Return the functions that save and restore the variables, unless others can call them."""
    definition = graph.saver_def
    saver_nodes = {
        name.removeprefix("^").partition(":")[0]
        for name in (definition.save_tensor_name, definition.restore_op_name)
    }
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    found: set[str] = set()
    called: set[str] = set(graph.object_graph_def.concrete_functions)
    used = {
        info.name
        for signature in graph.signature_def.values()
        for infos in (signature.inputs, signature.outputs)
        for info in infos.values()
    }
    for owner, node in _nodes(graph):
        if owner is None and node.name in saver_nodes:
            found |= _called(node)
        else:
            called |= _called(node) | {node.op}
            used.update(node.input)
    if saver_nodes & {name.removeprefix("^").partition(":")[0] for name in used}:
        return set()
    return {
        name
        for name in found - called
        # With this attribute TensorFlow replaces one function by another.
        if name in functions and "api_implements" not in functions[name].attr
    }


def _nodes(graph: MetaGraphDef) -> Iterator[tuple[str | None, NodeDef]]:
    """Yield each node with the name of its function; None in the graph itself."""
    for node in graph.graph_def.node:
        yield None, node
    for function in graph.graph_def.library.function:
        for node in function.node_def:
            yield function.signature.name, node


def _called(node: NodeDef) -> set[str]:
    """Return the functions that a node refers to."""
    named = set()
    for value in node.attr.values():
        if value.HasField("func"):
            named.add(value.func.name)
        named.update(function.name for function in value.list.func)
    return named

"""What a SavedModel declares, read before anything of it runs."""

from pathlib import Path, PurePosixPath

from google.protobuf.message import DecodeError
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from attention_ocr.model_places import SAVED_MODEL_FILE

SERVE_TAG = "serve"

FORBIDDEN_OPS = frozenset(
    {
        *(
            "ReadFile",
            "WriteFile",
            "MatchingFiles",
            "FixedLengthRecordReaderV2",
            "TFRecordReaderV2",
        ),
        *("TextLineReaderV2", "WholeFileReaderV2", "TextLineDataset", "TFRecordDataset"),
        *("TFRecordDatasetV2", "FixedLengthRecordDatasetV2", "MatchingFilesDataset"),
        *("PyFunc", "PyFuncStateless", "EagerPyFunc", "InitializeTableFromTextFileV2"),
        *("RpcClient", "RpcCall", "DebugIdentityV2", "SnapshotDatasetV2"),
        *("SaveDatasetV2", "LoadDataset", "WriteSummary", "CreateSummaryFileWriter"),
    }
)
"""Operations that reach beyond the model; `saved_model_cli scan` warns of the same kind."""


def read_meta_graph(directory: Path) -> MetaGraphDef:
    """Read what a SavedModel declares, and refuse one that reaches beyond its directory.

    Args:
        directory: of the SavedModel.

    Raises:
        ValueError: the file is damaged, has no graph to serve, an operation that reads or writes
            files or runs Python, or an asset elsewhere; the message names the file.
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
    forbidden = sorted(_operations(graph.graph_def) & FORBIDDEN_OPS)
    if forbidden:
        raise ValueError(
            f"{path} is refused: it reaches beyond the model with {', '.join(forbidden)}"
        )
    for asset in graph.asset_file_def:
        name = PurePosixPath(asset.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in asset.filename:
            raise ValueError(
                f"{path} is refused: its asset lies elsewhere. Received: {asset.filename!r}"
            )
    return graph


def _operations(graph: GraphDef) -> set[str]:
    operations = {node.op for node in graph.node}
    for function in graph.library.function:
        operations.update(node.op for node in function.node_def)
    return operations

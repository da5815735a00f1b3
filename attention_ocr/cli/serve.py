"""`attention-ocr serve`: a model server with TF Serving's interface."""

import argparse
import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attention_ocr.cli.quiet_start import quiet_start, show_own_log
from attention_ocr.images.headers import ImageLimits
from attention_ocr.io.extras import extra
from attention_ocr.serving.options import ServingOptions

if TYPE_CHECKING:
    from attention_ocr.serving.server import Server

HELP = "serve a model by gRPC and REST, as TF Serving does"
EPILOG = """\
examples:
  attention-ocr serve --model_base_path=default
  attention-ocr serve --model_base_path=served/mine --model_name=mine
  attention-ocr serve --model_base_path=default --engine=litert
  curl -d '{"instances": [{"b64": "'$(base64 -w0 word.png)'"}]}' \\
    http://127.0.0.1:8501/v1/models/mine:predict
"""
HELP_OF = {
    "model_base_path": "base directory of the versions, --export_dir of `attention-ocr export`; or "
    "default or lines, a bundled model",
    "model_name": "model name in requests (default: the name of the directory)",
    "engine": "tensorflow: a SavedModel; litert or onnx: a file of that format, by REST only and "
    "without TensorFlow; auto: tensorflow if it is installed",
    "host": "address to listen on; 0.0.0.0 for all",
    "port": "gRPC port; 0 for a free one, -1 for none",
    "rest_api_port": "REST port; 0 for a free one, -1 for none",
    "model_versions": "versions to serve: latest, all, or comma-separated numbers",
    "file_system_poll_wait_seconds": "seconds between checks for new versions; 0 to check once",
    "enable_batching": "batch the images of several requests",
    "max_batch_size": "images per batch; a request with more is refused",
    "batch_timeout_ms": "how long a partial batch waits for more images",
    "num_batch_threads": "batches that are read in parallel",
    "max_queue_images": "queue limit in images; further ones are refused",
    "max_queue_bytes": "queue limit in bytes of images",
    "max_request_bytes": "largest request in bytes",
    "max_request_pixels": "most pixels of all images of a request",
    "max_concurrent_requests": "requests that are answered at the same time",
    "max_receiving_requests": "request bodies received at the same time; the slowest is dropped",
    "max_receiving_bytes": "bytes of bodies that are being received or decompressed",
    "receive_timeout_s": "seconds in which a body must arrive, and for which a REST connection may "
    "be idle",
    "grace_s": "seconds for in-flight requests at shutdown",
    "second_looks": "re-read images of low confidence, by the settings of the model",
    "page_detector": "read whole pages too, with this detector, such as rapidocr; empty for none",
    "max_request_pages": "most pages of a request",
    "max_image_bytes": "largest image file in bytes",
    "max_image_pixels": "most pixels of an image, all frames counted",
    "max_unpacked_bytes": "most bytes that an image file decompresses to",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command: a flag for each setting of the server.

    Args:
        parser: Parser of the command.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    for field in (*dataclasses.fields(ServingOptions), *dataclasses.fields(ImageLimits)):
        if field.name == "limits":
            continue
        settings: dict[str, Any] = {"help": HELP_OF[field.name], "metavar": field.name.upper()}
        if field.name == "model_base_path":
            settings |= {"type": Path, "required": True, "metavar": "DIR"}
        elif field.name == "model_name":
            settings |= {"metavar": "NAME"}
        else:
            kind = type(field.default)
            settings |= {"type": _boolean if kind is bool else kind, "default": field.default}
            settings["metavar"] = {int: "N", float: "X", bool: "BOOL", str: "TEXT"}[kind]
            settings["help"] += " (default: %(default)s)"
        parser.add_argument(f"--{field.name}", **settings)


def options_of(args: argparse.Namespace) -> ServingOptions:
    """Return the settings in the arguments.

    Raises:
        ValueError: If one of them is invalid.
    """
    values = {
        field.name: getattr(args, field.name)
        for field in dataclasses.fields(ServingOptions)
        if field.name != "limits"
    }
    values["model_name"] = args.model_name or args.model_base_path.resolve().name
    limits = {field.name: getattr(args, field.name) for field in dataclasses.fields(ImageLimits)}
    return ServingOptions(**values, limits=ImageLimits(**limits))


def run(args: argparse.Namespace) -> int:
    """Serve until the process receives a signal to stop.

    Args:
        args: Arguments that `add_arguments` declared.

    Returns:
        The exit status, 0.

    Raises:
        ImportError: If the extra `serving` is not installed.
        OSError: If there is no model, or a port is taken.
        ValueError: If the model is damaged, or an argument is invalid.
    """
    options = options_of(args)
    _log_to_stderr()
    with quiet_start(), extra("serving", "The model server"):
        import asyncio

        from attention_ocr.serving.server import serve_until_stopped

        if options.serves_saved_models:
            # Missing packages are named before the model is loaded.
            import tensorflow  # noqa: F401, ICN001

            if options.port >= 0:
                from attention_ocr.serving import grpc_api  # noqa: F401

    def tell(server: "Server") -> None:
        for interface, port in (("gRPC", server.port), ("REST", server.rest_api_port)):
            if port >= 0:
                print(f"{interface}: {options.host}:{port}", flush=True)

    asyncio.run(serve_until_stopped(options, tell))
    return 0


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    show_own_log(handler)


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, received {value!r}")
    return value == "true"

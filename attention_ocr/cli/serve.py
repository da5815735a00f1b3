"""`attention-ocr serve`: a model server with TF Serving's interface."""

import argparse
import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attention_ocr.cli.quiet_start import quiet_start, show_own_notes
from attention_ocr.images.headers import ImageLimits
from attention_ocr.io.extras import extra
from attention_ocr.serving.options import ServingOptions

if TYPE_CHECKING:
    from attention_ocr.serving.server import Server

HELP = "serve an export by gRPC and REST, as TF Serving does"
EPILOG = """\
examples:
  attention-ocr serve --model_base_path=default
  attention-ocr serve --model_base_path=served/mine --model_name=mine
  curl -d '{"instances": [{"b64": "'$(base64 -w0 word.png)'"}]}' \\
    http://127.0.0.1:8501/v1/models/mine:predict
"""
HELP_OF = {
    "model_base_path": "what `attention-ocr export` was given as --export_dir, or default: the "
    "model of the package",
    "model_name": "by which clients ask for it (default: the name of the directory)",
    "host": "address to listen at; 0.0.0.0 for all",
    "port": "of gRPC; 0 for a free one, -1 for none",
    "rest_api_port": "of REST; 0 for a free one, -1 for none",
    "model_versions": "latest, all, or numbers with commas between",
    "file_system_poll_wait_seconds": "how often new versions are looked for; 0 for once",
    "enable_batching": "whether images of several requests are read together",
    "max_batch_size": "images that are read at once; a request with more is refused",
    "batch_timeout_ms": "how long a batch that is not full waits for more",
    "num_batch_threads": "batches that are read at the same time",
    "max_queue_images": "images that may wait; what comes on top is refused",
    "max_queue_bytes": "bytes of the images that may wait",
    "max_request_bytes": "of one request",
    "max_request_pixels": "of all images of one request",
    "max_concurrent_requests": "that are answered at the same time",
    "max_receiving_requests": "whose bodies arrive at the same time; the slowest gives way",
    "max_receiving_bytes": "of bodies that are arriving or being unpacked",
    "receive_timeout_s": "seconds that a body may take to arrive, and a REST connection idle",
    "grace_s": "seconds that requests have to end when the server is told to stop",
    "second_looks": "whether images that are read without confidence are read again, as the "
    "settings of the model say",
    "max_image_bytes": "of a file that is decoded",
    "max_image_pixels": "of a picture that is decoded, all frames counted",
    "max_unpacked_bytes": "that a file may unpack to, all channels in their depth",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command: a flag for each setting of the server.

    Args:
        parser: the command's own parser.
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
    """Return the settings that the arguments name.

    Raises:
        ValueError: one of them is impossible.
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
    """Serve until the process is told to end.

    Args:
        args: what `add_arguments` declared.

    Returns:
        The exit status, 0.

    Raises:
        ImportError: the extra `serving` is not installed.
        OSError: there is no model, or a port is taken.
        ValueError: the model is damaged, or an argument is wrong.
    """
    options = options_of(args)
    _write_notes()
    with quiet_start(), extra("serving", "The model server"):
        import asyncio

        from attention_ocr.serving.server import serve_until_told

    def tell(server: "Server") -> None:
        for interface, port in (("gRPC", server.port), ("REST", server.rest_api_port)):
            if port >= 0:
                print(f"{interface}: {options.host}:{port}", flush=True)

    asyncio.run(serve_until_told(options, tell))
    return 0


def _write_notes() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    show_own_notes(handler)


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, received {value!r}")
    return value == "true"

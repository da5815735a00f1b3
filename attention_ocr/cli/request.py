"""`attention-ocr request`: read images through a model server."""

import argparse
import itertools
import sys
from typing import TYPE_CHECKING

from attention_ocr.cli.image_names import (
    NamedImage,
    count_images,
    named_images,
    tell_skipped_of,
)
from attention_ocr.cli.result_formats import FORMATS, ResultRow, on_one_line
from attention_ocr.io.progress import progress_bar

if TYPE_CHECKING:
    from attention_ocr.serving.clients import Client

EXTENT = "attention_extent"
"""The output with the share of the input that the image fills, height first."""

HELP = "read images through a model server"
EPILOG = """\
examples:
  attention-ocr request words/ --rest=127.0.0.1:8501 --model_name=mine
  attention-ocr request words/*.png --grpc=127.0.0.1:8500 --model_name=mine --format=jsonl
  attention-ocr request --rest=127.0.0.1:8501 --model_name=mine     (shows the model)

The server may be TF Serving or attention-ocr serve.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "names", nargs="*", metavar="PATH", help="image, folder of images, or pattern"
    )
    address = parser.add_mutually_exclusive_group(required=True)
    address.add_argument("--rest", metavar="HOST:PORT", help="use REST")
    address.add_argument("--grpc", metavar="HOST:PORT", help="use gRPC")
    parser.add_argument("--model_name", required=True, metavar="NAME", help="name of the model")
    parser.add_argument(
        "--model_version", type=int, metavar="N", help="version (default: the newest)"
    )
    parser.add_argument(
        "--signature_name", default="", metavar="NAME", help="signature (default: serving_default)"
    )
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="text",
        help="output format, as for attention-ocr read (default: %(default)s)",
    )
    parser.add_argument(
        "--batch_size",
        type=int,
        default=16,
        metavar="N",
        help="images per request (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout_s",
        type=float,
        default=30.0,
        metavar="S",
        help="time limit of a request in seconds (default: %(default)s)",
    )
    parser.add_argument("--recursive", action="store_true", help="also search subfolders")


def run(args: argparse.Namespace) -> int:
    """Send the images and write the results; 1 if an image could not be read."""
    if args.batch_size < 1:
        raise ValueError(f"`batch_size` must be above 0. Received: {args.batch_size}")
    client = _connect(args)
    try:
        if not args.names:
            return _describe(client)
        return _read(client, args)
    finally:
        client.close()


def _connect(args: argparse.Namespace) -> "Client":
    from attention_ocr.cli.quiet_start import quiet_start
    from attention_ocr.serving.clients import GrpcClient, RestClient

    if args.rest:
        return RestClient(args.rest, args.model_name, args.model_version, args.timeout_s)
    with quiet_start():
        return GrpcClient(args.grpc, args.model_name, args.model_version, args.timeout_s)


def _describe(client: "Client") -> int:
    for version, state in client.status().items():
        print(f"version {version}: {state}")
    for name, sides in client.signatures().items():
        inputs, outputs = (
            ", ".join(f"{tensor} ({dtype})" for tensor, dtype in sorted(sides[side].items()))
            for side in ("inputs", "outputs")
        )
        print(f"{name}: {inputs} -> {outputs}")
    return 0


def _read(client: "Client", args: argparse.Namespace) -> int:
    write = FORMATS[args.format](sys.stdout)
    images = named_images(args.names, args.recursive, False, tell_skipped_of("request"))
    num_failed = 0
    # Results printed on a terminal show the progress themselves.
    shown = sys.stderr.isatty() and not sys.stdout.isatty()
    total = count_images(args.names, args.recursive) if shown else None
    with progress_bar("reading", total, shown=shown) as bar:
        while batch := list(itertools.islice(images, args.batch_size)):
            for result in _results(client, batch, args.signature_name):
                write(result)
                if result.error is not None:
                    num_failed += 1
                    line = on_one_line(f"attention-ocr request: {result.path}: {result.error}")
                    bar.write(line, file=sys.stderr)
            bar.update(len(batch))
    return 1 if num_failed else 0


def _results(client: "Client", batch: list[NamedImage], signature_name: str) -> list[ResultRow]:
    files = [image.content if image.error is None else b"" for image in batch]
    outputs = client.predict([bytes(file) for file in files], signature_name)
    results = []
    for row, image in enumerate(batch):
        status = outputs["status"][row].decode("utf-8")
        error = image.error or (None if status == "ok" else status)
        text = outputs["text"][row].decode("utf-8")
        results.append(
            ResultRow(
                path=image.name,
                text=text,
                confidence=round(float(outputs["confidence"][row]), 6),
                character_confidences=tuple(
                    round(float(value), 6)
                    for value in outputs["character_confidences"][row][: len(text)]
                ),
                error=error,
                # Other models need not have this output.
                shrunk=EXTENT in outputs and bool(outputs[EXTENT][row][0] < 1.0),
            )
        )
    return results

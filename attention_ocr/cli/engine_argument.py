"""The argument that selects where a command runs."""

import argparse

from attention_ocr.cluster.address import names_cluster

LOCAL = "local"


def add_engine_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--engine`."""
    parser.add_argument(
        "--engine",
        type=engine_value,
        default=LOCAL,
        metavar="ENGINE",
        help="where the command runs: local, in processes of this machine; ray, on the Ray cluster "
        "of RAY_ADDRESS or of this machine; ray://HOST:PORT (default: %(default)s)",
    )


def engine_value(value: str) -> str:
    """Return a value of `--engine`; argparse reports a wrong one."""
    if value == LOCAL or names_cluster(value):
        return value
    raise argparse.ArgumentTypeError(f"expected local, ray or ray://HOST:PORT, received {value!r}")

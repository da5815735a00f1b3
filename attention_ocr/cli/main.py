"""The console command `attention-ocr`."""

import argparse
import io
import os
import sys

from attention_ocr import __version__
from attention_ocr.cli import (
    augment,
    charset,
    explain,
    inspect_data,
    language_model,
    pack,
    parity,
    read,
    records,
    render,
    request,
    second_looks,
    serve,
    validate,
)
from attention_ocr.cli.terminal import describe_error, escape_log

COMMANDS = {
    "read": read,
    "serve": serve,
    "request": request,
    "explain": explain,
    "pack": pack,
    "parity": parity,
    "second-looks": second_looks,
    "render": render,
    "records": records,
    "augment": augment,
    "charset": charset,
    "inspect": inspect_data,
    "validate": validate,
    "language-model": language_model,
}
EPILOG = "Training, evaluation and export: train.py, eval.py and export.py of the repository."


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: of the command line, without the name of the command; none takes them from
            `sys.argv`.

    Returns:
        The exit status: 0 if all went well, 1 if something failed, 130 when interrupted.

    Raises:
        SystemExit: after `--help` or `--version` (0), or for wrong arguments (2).
    """
    _let_every_text_out()
    escape_log()
    args = _make_parser().parse_args(arguments)
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        _complain(args.command, "stopped")
        return 130
    except BrokenPipeError:
        # Who read the output has enough. What is still buffered must go somewhere at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, ImportError) as error:
        _complain(args.command, describe_error(error))
        return 1
    return status


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="attention-ocr",
        description="Read the text of images, and make data to train readers with.",
        epilog=EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        summary = f"{module.HELP[0].upper()}{module.HELP[1:]}."
        command = commands.add_parser(
            name, help=module.HELP, description=summary, allow_abbrev=False
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _let_every_text_out() -> None:
    """Keep a text that the terminal or its code page cannot show from ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _complain(command: str, message: str) -> None:
    print(f"attention-ocr {command}: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

"""The console command `attention-ocr`."""

import argparse
import io
import sys
from typing import Any

from attention_ocr import __version__
from attention_ocr.cli import (
    augment,
    average,
    charset,
    evaluate,
    explain,
    export,
    fine_tune,
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
    train,
    validate,
)
from attention_ocr.cli.terminal import describe_error, escape_log, leave_closed_pipe

PROGRAM = "attention-ocr"
FLAG_COMMANDS = {
    command.name: command
    for command in (train.COMMAND, fine_tune.COMMAND, evaluate.COMMAND, export.COMMAND)
}
"""The commands that take flag files."""

COMMANDS = {
    "read": read,
    "serve": serve,
    "request": request,
    "explain": explain,
    "pack": pack,
    "average": average,
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


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Command-line arguments without the name of the command; None takes them from
            `sys.argv`.

    Returns:
        The exit status: 0 for success, 1 for a failure, 130 when interrupted.

    Raises:
        SystemExit: After `--help` or `--version` (0), for wrong arguments (2), and at the end of
            one of `FLAG_COMMANDS`.
    """
    _escape_unencodable_text()
    escape_log()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in FLAG_COMMANDS:
        name, *rest = arguments
        FLAG_COMMANDS[name].main(f"{PROGRAM} {name}", rest)
    args = _make_parser().parse_args(arguments)
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        _print_error(args.command, "stopped")
        return 130
    except BrokenPipeError:
        leave_closed_pipe()
        return 1
    except (ValueError, OSError, ImportError) as error:
        _print_error(args.command, describe_error(error))
        return 1
    return status


class _CommandParser(argparse.ArgumentParser):
    """Reports an unknown argument with the usage of its command, not of the program."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Train text recognisers for images, and read with them.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_CommandParser
    )
    for name, flag_command in FLAG_COMMANDS.items():
        commands.add_parser(name, help=flag_command.help, add_help=False)
    for name, module in COMMANDS.items():
        summary = f"{module.HELP[0].upper()}{module.HELP[1:]}."
        command = commands.add_parser(
            name, help=module.HELP, description=summary, allow_abbrev=False
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _escape_unencodable_text() -> None:
    """Escape characters that the terminal or its code page cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _print_error(command: str, message: str) -> None:
    print(f"{PROGRAM} {command}: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

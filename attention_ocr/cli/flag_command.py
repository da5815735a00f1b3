"""Commands whose arguments are absl flags, which may come from a file (`--flagfile`)."""

import argparse
import dataclasses
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from absl import app, flags

from attention_ocr.cli.terminal import describe_error, leave_closed_pipe
from attention_ocr.text.escaping import escape_controls
from attention_ocr.training.interruption import StoppedError

_ABSL = ("absl.logging", "absl.app")
"""The absl modules whose flags every command takes; `--helpfull` lists them."""

_HELP_FLAGS = {
    "help": "Show this help.",
    "helpshort": "Show this help.",
    "helpfull": "Show this help with the flags of logging and debugging.",
}
_METAVAR = {
    "int": "N",
    "float": "X",
    "string enum": "NAME",
    "comma separated list of strings": "LIST",
}
_EPILOG = """\
--flagfile=FILE reads flags from a file, one a line; --helpfull shows those of logging as well."""


@dataclasses.dataclass(frozen=True)
class FlagCommand:
    """A command of `attention-ocr` with absl flags, which is also a separate script.

    Each command has its own flag values, so that several commands can share a process.

    Attributes:
        name: Name of the command.
        help: One-line description.
        examples: Lines of its help, with `{program}` for the name of the program.
        define_flags: Defines the flags of the command in the given values.
        run: Runs the command with the parsed flags.
    """

    name: str
    help: str
    examples: str
    define_flags: Callable[[flags.FlagValues], None]
    run: Callable[[flags.FlagValues], None]

    def main(self, program: str, arguments: Sequence[str] | None = None) -> NoReturn:
        """Run the command and end the process.

        Args:
            program: Name of the program, `train.py` or `attention-ocr train`.
            arguments: Command-line arguments; None takes them from `sys.argv`.

        Raises:
            SystemExit: With status 0 for success, 1 and a message on standard error for a failure,
                and 128 plus the number of the signal that stopped it.
        """
        app.run(
            lambda values: self.call(program, values),
            argv=[program, *(sys.argv[1:] if arguments is None else arguments)],
            flags_parser=lambda argv: self.parse(program, argv[1:]),
        )
        raise AssertionError("app.run ends the process")

    def parse(self, program: str, arguments: Sequence[str]) -> flags.FlagValues:
        """Parse the flags.

        Raises:
            SystemExit: After help (0), or for an invalid flag (1), which standard error names.
        """
        values = flags.FlagValues()
        self.define_flags(values)
        for module in _ABSL:
            for flag in flags.FLAGS.get_flags_for_module(module):
                if not flag.name.startswith("help"):
                    values[flag.name] = flag
                    values.register_flag_by_module(module, flag)
        for name, about in _HELP_FLAGS.items():
            values[name] = _HelpFlag(name, about, lambda full: self._help(program, values, full))
        try:
            _, *rest = values([program, *arguments])
            if rest:
                raise ValueError(f"Expected flags only. Received: {' '.join(rest)}")
        except flags.Error as error:
            message = textwrap.indent(str(error), "  ").strip()
            print(f"{program}: {message}\nSee {_call(program)} --help.", file=sys.stderr)
            sys.exit(1)
        except ValueError as error:
            sys.exit(escape_controls(f"{program}: {error}", keep="\n"))
        # absl's log checks there whether its flags are parsed.
        flags.FLAGS.mark_as_parsed()
        return values

    def call(self, program: str, values: flags.FlagValues) -> None:
        """Run the command; a failure ends the process with a line that names the program."""
        try:
            self.run(values)
            sys.stdout.flush()
        except BrokenPipeError:
            leave_closed_pipe()
            sys.exit(1)
        except (ValueError, OSError, FloatingPointError, ImportError) as error:
            message = describe_error(error, keep="\n")
            sys.exit(f"{program}: {message}")
        except StoppedError as stopped:
            print(f"{program}: {stopped}", file=sys.stderr)
            sys.exit(stopped.status)
        except KeyboardInterrupt:
            print(f"{program}: stopped", file=sys.stderr)
            sys.exit(130)

    def _help(self, program: str, values: flags.FlagValues, full: bool) -> str:
        parser = argparse.ArgumentParser(
            prog=_call(program),
            usage="%(prog)s [--flag=value ...]",
            description=f"{self.help[0].upper()}{self.help[1:]}.\n\n"
            + self.examples.format(program=_call(program)),
            epilog=_EPILOG,
            formatter_class=_HelpFormatter,
            add_help=False,
        )
        for title, members in values.flags_by_module_dict().items():
            if full or title not in _ABSL:
                group = parser.add_argument_group(title)
                for flag in members:
                    _add_to_help(group, flag)
        return parser.format_help()


def define_model_flag(**place: Any) -> None:
    """Define the required flag `--model`.

    Args:
        **place: `flag_values` and `module_name` of absl.
    """
    flags.DEFINE_string(
        "model",
        None,
        "Model: the work directory of a training, or `default` or `lines`, a bundled model "
        "(required).",
        required=True,
        **place,
    )


def _call(program: str) -> str:
    """Return the shell command that runs a program."""
    return f"python {program}" if program.endswith(".py") else program


def _add_to_help(group: "argparse._ArgumentGroup", flag: "flags.Flag[Any]") -> None:
    default = (flag.default_as_str or "").strip("'")
    about = f"{flag.help} (default: {default})" if default else f"{flag.help}"
    about = about.replace("%", "%%")
    if flag.boolean:
        group.add_argument(f"--[no]{flag.name}", action="store_true", help=about)
    else:
        metavar = _METAVAR.get(flag.flag_type(), "TEXT")
        group.add_argument(f"--{flag.name}", metavar=metavar, help=about)


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Does not break hyphenated words, most of which are to be typed."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(text, width, break_on_hyphens=False)


class _HelpFlag(flags.BooleanFlag):
    """Prints help and ends the process when it is parsed: required flags may be missing."""

    def __init__(self, name: str, about: str, format_help: Callable[[bool], str]) -> None:
        super().__init__(name, False, about, short_name="h" if name == "help" else None)
        self._format_help = format_help

    def parse(self, argument: Any) -> None:
        super().parse(argument)
        if self.value:
            print(self._format_help(self.name == "helpfull"), end="")
            sys.exit(0)

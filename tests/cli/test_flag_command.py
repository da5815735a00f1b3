"""Commands with absl flags: what their processes say and how they end."""

import signal
import sys

import pytest
from absl import flags

from attention_ocr.cli.flag_command import FlagCommand
from attention_ocr.cli.main import FLAG_COMMANDS
from attention_ocr.cli.main import main as attention_ocr_command
from attention_ocr.training.interruption import StoppedError


def define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "name", None, "Name, 100 %.", flag_values=values, required=True, module_name="Greeting"
    )
    flags.DEFINE_integer("times", 2, "Times.", flag_values=values, module_name="Greeting")
    flags.DEFINE_boolean("loud", False, "Aloud.", flag_values=values, module_name="Voice")


def greet(values: flags.FlagValues) -> None:
    sys.stdout.write(f"hello {values.name} " * values.times + "\n")


COMMAND = FlagCommand("greet", "say hello", "  {program} --name=you", define_flags, greet)


def failing(error: BaseException) -> FlagCommand:
    def fail(_: flags.FlagValues) -> None:
        raise error

    return FlagCommand("fail", "fail", "", define_flags, fail)


def test_a_command_gets_its_flags(capsys):
    COMMAND.call("greet.py", COMMAND.parse("greet.py", ["--name=you", "--times", "1"]))
    assert capsys.readouterr().out == "hello you \n"


def test_flags_of_two_calls_are_apart():
    first = COMMAND.parse("greet.py", ["--name=you", "--times=5"])
    second = COMMAND.parse("greet.py", ["--name=me"])
    assert (first.times, second.times) == (5, 2)
    assert first["times"].present
    assert not second["times"].present


def test_flags_stand_in_files_and_later_ones_win(tmp_path):
    file = tmp_path / "greeting.flags"
    file.write_text("# A comment.\n--name=you\n--times=3\n", encoding="utf-8")
    values = COMMAND.parse("greet.py", [f"--flagfile={file}", "--times=4", "--loud"])
    assert (values.name, values.times, values.loud) == ("you", 4, True)


@pytest.mark.parametrize("argument", ["--help", "-h", "--helpshort"])
def test_help_groups_the_flags_and_needs_none(argument, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as end:
        COMMAND.parse("greet.py", [argument])
    assert end.value.code == 0
    assert capsys.readouterr().out == (
        "usage: python greet.py [--flag=value ...]\n\n"
        "Say hello.\n\n"
        "  python greet.py --name=you\n\n"
        "Greeting:\n"
        "  --name TEXT  Name, 100 %.\n"
        "  --times N    Times. (default: 2)\n\n"
        "Voice:\n"
        "  --[no]loud   Aloud. (default: false)\n\n"
        "--flagfile=FILE reads flags from a file, one a line; --helpfull shows those of logging as "
        "well.\n"
    )


def test_full_help_has_the_flags_of_the_log(capsys):
    with pytest.raises(SystemExit):
        COMMAND.parse("greet", ["--helpfull"])
    output = capsys.readouterr().out
    assert "--name TEXT" in output
    assert "--log_dir TEXT" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Flag --name must have a value other than None."),
        (["--name=you", "--tines=3"], "Unknown command line flag 'tines'. Did you mean: times ?"),
        (["--name=you", "--times=often"], "flag --times=often: invalid literal"),
        (["--flagfile=no.flags"], "Unable to open flagfile"),
    ],
)
def test_a_wrong_flag_is_named(arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        COMMAND.parse("attention-ocr greet", arguments)
    assert end.value.code == 1
    line, more = capsys.readouterr().err.splitlines()
    assert line.startswith("attention-ocr greet: ")
    assert message in line
    assert more == "See attention-ocr greet --help."


def test_an_argument_that_is_no_flag_is_named():
    with pytest.raises(SystemExit, match="^greet.py: Expected flags only. Received: you and me$"):
        COMMAND.parse("greet.py", ["--name=x", "you", "and", "me"])


@pytest.mark.parametrize(
    "error", [ValueError("Wrong\x1b."), OSError("Wrong\x1b."), FloatingPointError("Wrong\x1b.")]
)
def test_a_failure_is_a_line_that_begins_with_the_program(error):
    command = failing(error)
    with pytest.raises(SystemExit) as end:
        command.call("attention-ocr fail", command.parse("", ["--name=x"]))
    assert end.value.code == "attention-ocr fail: Wrong\\x1b."


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (StoppedError(signal.SIGTERM, "stopped by SIGTERM"), 143, "fail.py: stopped by SIGTERM\n"),
        (KeyboardInterrupt(), 130, "fail.py: stopped\n"),
    ],
)
def test_a_signal_ends_the_process_with_its_status(error, status, line, capsys):
    command = failing(error)
    with pytest.raises(SystemExit) as end:
        command.call("fail.py", command.parse("", ["--name=x"]))
    assert end.value.code == status
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("name", FLAG_COMMANDS)
def test_the_console_command_hands_arguments_over(name, monkeypatch):
    received = []
    monkeypatch.setattr(FlagCommand, "main", lambda *arguments: received.append(arguments))
    monkeypatch.setattr("sys.argv", ["attention-ocr", name, "--beam_width=3", "--help"])
    with pytest.raises(SystemExit):
        attention_ocr_command()
    assert received == [
        (FLAG_COMMANDS[name], f"attention-ocr {name}", ["--beam_width=3", "--help"])
    ]

import io
import logging
import os
import subprocess
import sys
from contextlib import redirect_stderr

import pytest

import attention_ocr
from attention_ocr.cli import main as command
from attention_ocr.cli import read
from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.cli.terminal import escape_log


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.run(
        [sys.executable, "-m", "attention_ocr", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["read", "--help"], ["render", "--help"], ["train", "--help"]]
)
def test_help_needs_none_of_the_heavy_packages(arguments):
    program = (
        "import sys\n"
        "from attention_ocr.cli.main import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "finally:\n"
        "    heavy = {'tensorflow', 'keras', 'cv2', 'PIL'} & set(sys.modules)\n"
        "    print('HEAVY', sorted(heavy), file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0
    assert result.stdout.startswith("usage: attention-ocr")
    assert "HEAVY []" in result.stderr


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as error:
        command.main(["--help"])
    assert error.value.code == 0
    output = capsys.readouterr().out
    for name in ("train", "evaluate", "export", "read", "render", "records"):
        assert f"\n    {name} " in output


@pytest.mark.parametrize("name", command.COMMANDS)
def test_help_of_a_command_explains_every_argument(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        command.main([name, "--help"])
    parser = command._make_parser()
    (commands,) = (action for action in parser._actions if action.dest == "command")
    for action in commands.choices[name]._actions:
        assert action.help
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as error:
        command.main(["--version"])
    assert error.value.code == 0
    assert capsys.readouterr().out == f"attention-ocr {attention_ocr.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["write"], "invalid choice: 'write'"),
        (["read"], "the following arguments are required: PATH"),
        (["read", "a.png", "--modle=x"], "unrecognized arguments: --modle=x"),
        (["read", "a.png", "--over=x"], "unrecognized arguments: --over=x"),
        (["read", "a.png", "--format=xml"], "argument --format: invalid choice: 'xml'"),
        (["read", "a.png", "--batch_size=0"], "expected a whole number above 0"),
    ],
)
def test_wrong_arguments_end_with_one_clear_line_and_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as error:
        command.main(arguments)
    assert error.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("failure", "line"),
    [
        (ValueError("`x` must be 1.\nReceived: 2"), "`x` must be 1. Received: 2"),
        (FileNotFoundError(2, "No such file or directory", "a.tsv"), "a.tsv: No such file"),
        (OSError("disk full"), "disk full"),
    ],
)
def test_a_failure_is_one_line_and_status_1(failure, line, capsys, monkeypatch):
    def fail(_):
        raise failure

    monkeypatch.setattr(read, "run", fail)
    assert command.main(["read", "a.png"]) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"attention-ocr read: {line}")
    assert errors.count("\n") == 1


def test_the_status_of_the_command_is_handed_on(monkeypatch):
    monkeypatch.setattr(read, "run", lambda args: args.batch_size)
    assert command.main(["read", "a.png", "--batch_size=3"]) == 3


def test_an_interrupt_shows_no_traceback(monkeypatch, capsys):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(read, "run", interrupt)
    assert command.main(["read", "a.png"]) == 130
    assert capsys.readouterr().err == "attention-ocr read: stopped\n"


def test_a_missing_model_is_named(tmp_path, capsys):
    assert command.main(["read", "a.png", f"--model={tmp_path / 'nowhere'}"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"attention-ocr read: No model found: {tmp_path / 'nowhere'} is not a")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_closed_pipe_ends_the_command_silently():
    program = (
        "import sys\n"
        "from attention_ocr.cli import main, read\n"
        "def run(args):\n"
        "    while True:\n"
        "        print('x' * 10_000)\n"
        "read.run = run\n"
        "sys.exit(main.main(['read', 'a.png']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline().startswith(b"xxx")
        process.stdout.close()
        assert process.wait(timeout=60) == 1
        assert process.stderr.read() == b""


def test_a_text_that_the_terminal_cannot_show_is_escaped(monkeypatch):
    latin = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr(latin, "isatty", lambda: True)
    piped = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr(sys, "stdout", latin)
    monkeypatch.setattr(sys, "stderr", piped)
    command._escape_unencodable_text()
    for stream in (latin, piped):
        stream.write("é中")
        stream.flush()
    assert latin.buffer.getvalue() == b"\xe9\\u4e2d"
    assert piped.buffer.getvalue() == "é中".encode()


def test_the_log_shows_no_control_characters():
    shown = io.StringIO()
    handler = logging.StreamHandler(shown)
    logger = logging.getLogger("words of a test")
    logger.addHandler(handler)
    logger.propagate = False
    escape_log(handler)
    escape_log(handler)
    logger.warning("left out %s:\n\t%d%%", "\x1b[31m\x9b", 5)
    logger.warning("as it is: %s")
    assert shown.getvalue() == "left out \\x1b[31m\\x9b:\n\t5%\nas it is: %s\n"
    assert len(handler.filters) == 1
    record = logging.LogRecord("a", logging.INFO, "a.py", 1, "%d", ("no number",), None)
    assert handler.filter(record)


def test_log_messages_of_the_start_are_dropped_and_later_ones_shown(capfd, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    with quiet_start():
        os.write(2, b"a note\n")
    os.write(2, b"an error\n")
    assert capfd.readouterr().err == "an error\n"


def test_log_messages_of_the_start_are_shown_on_demand(capfd, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with quiet_start():
        os.write(2, b"a note\n")
    assert capfd.readouterr().err == "a note\n"


def test_a_terminal_shows_that_a_command_is_starting(monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    with redirect_stderr(terminal), quiet_start():
        assert "starting" in terminal.getvalue()


def test_the_whole_command_reads_an_image_with_an_export(export, tmp_path, reader):
    words = export.parents[1] / "words"
    result = run_command(
        "read", str(words / "0.png"), str(tmp_path / "no.png"), f"--model={export.parent}"
    )
    (expected,) = reader.read(words / "0.png")
    assert result.returncode == 1
    assert result.stdout == f"{words / '0.png'}\t{expected.text}\t{expected.confidence:.3f}\n"
    assert result.stderr.splitlines() == [
        f"attention-ocr read: {tmp_path / 'no.png'}: cannot be opened: No such file or directory",
        "attention-ocr read: 1 of 2 images could not be read",
    ]


def test_an_unknown_argument_comes_with_the_usage_of_its_command(capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(["pack", "default", "small", "--bogus"])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("usage: attention-ocr pack ")
    assert lines[-1] == "attention-ocr pack: error: unrecognized arguments: --bogus"


@pytest.mark.parametrize("name", ["train", "fine-tune", "evaluate"])
def test_a_missing_file_is_named_in_the_same_words_by_every_command(name, tmp_path):
    flag = {"train": "train_data", "fine-tune": "data", "evaluate": "eval_data"}[name]
    place = "--model=default" if name == "evaluate" else f"--work_dir={tmp_path / 'run'}"
    missing = tmp_path / "no.tsv"
    with pytest.raises(SystemExit) as ended:
        command.main([name, place, f"--{flag}={missing}"])
    assert str(ended.value.code) == f"attention-ocr {name}: {missing}: No such file or directory"

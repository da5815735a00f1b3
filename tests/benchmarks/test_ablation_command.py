"""`python -m benchmarks.ablation`: trials in other processes, a table, what failed."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("matplotlib")

from benchmarks.ablation import __main__ as ablation

FIGURES = {
    "parameters": 1_900_000,
    "images": 320,
    "train CPU ms": 6.25,
    "test read CPU ms": 1.5,
    "test": 48.5,
    "test low": 45.4,
    "test high": 51.6,
}
REAL = {"real": 11.5, "real low": 8.7, "real high": 15.0}


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Run the command with scripted trials; return the variants that were trained."""
    drawn = []
    monkeypatch.setattr(ablation, "write_images", lambda *arguments: drawn.append(arguments))
    monkeypatch.setattr(ablation, "draw", lambda rows, path: drawn.append((len(rows), path)))

    def run(*arguments, figures=FIGURES, fails=()):
        trained = []

        def trial(line, **_):
            name = line[line.index("benchmarks.ablation.trial") + 1]
            trained.append(name)
            if name in fails:
                return subprocess.CompletedProcess(line, 3, stderr=fails[name])
            (result,) = [part for part in line if part.startswith("--result=")]
            with open(result.partition("=")[2], "w", encoding="utf-8") as file:  # noqa: PTH123
                json.dump(figures, file)
            return subprocess.CompletedProcess(line, 0, stderr="")

        monkeypatch.setattr(ablation.subprocess, "run", trial)
        monkeypatch.setattr(
            sys, "argv", ["ablation", f"--work_dir={tmp_path / 'runs'}", *arguments]
        )
        with pytest.raises(SystemExit) as end:
            ablation.main()
        return trained, end.value.code

    run.drawn = drawn
    return run


def test_each_variant_trains_once_and_the_table_has_a_row_for_each(command, capsys, tmp_path):
    assert command("--variants", "compact", "ctc") == (["compact", "ctc"], 0)
    output = capsys.readouterr()
    rows = output.out.splitlines()
    assert [row.split()[0] for row in rows[1:3]] == ["compact", "ctc"]
    assert "45.4 to 51.6" in rows[1]
    assert output.err == "compact ...\nctc ...\n"
    assert command.drawn[-1] == (2, tmp_path / "runs" / "ablation.png")


def test_the_command_continues_where_it_was(command, capsys):
    command("--variants", "compact")
    assert command("--variants", "compact", "ctc") == (["ctc"], 0)
    assert len(capsys.readouterr().out.splitlines()) == 3 + 4


def test_a_trial_that_fails_is_named_at_the_end_and_tried_again(command, capsys):
    fails = {"compact": "Traceback\n  a line\nValueError: no memory\n", "ctc": ""}
    arguments = ("--variants", "compact", "ctc", "crnn")
    assert command(*arguments, fails=fails) == (["compact", "ctc", "crnn"], 1)
    errors = capsys.readouterr().err.splitlines()
    assert errors[-2:] == ["compact: ValueError: no memory", "ctc: ended with status 3"]
    assert command(*arguments) == (["compact", "ctc"], 0)


def test_without_a_result_nothing_is_drawn(command, capsys):
    assert command("--variants", "ctc", fails={"ctc": "no"}) == (["ctc"], 1)
    # The images were written.
    assert len(command.drawn) == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("figures", "real"), [(FIGURES, None), (FIGURES | REAL, 11.5)])
def test_a_row_has_the_real_words_if_there_are_any(tmp_path, figures, real):
    path = tmp_path / "ctc.json"
    path.write_text(json.dumps(figures), encoding="utf-8")
    row = ablation._row("ctc", path)
    assert row["M parameters"] == pytest.approx(1.9)
    assert row["real %"] == real
    assert row["real 95 %"] == (None if real is None else "8.7 to 15.0")
    assert ablation._row("ctc", tmp_path / "none.json") == {}


def test_sizes_and_sources_reach_the_images(command):
    command("--variants", "ctc", "--train_images=7", "--test_images=3", "--real=words.tsv")
    _, num_train, num_test, real = command.drawn[0]
    assert (num_train, num_test, real) == (7, 3, "words.tsv")

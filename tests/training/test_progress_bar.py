"""What a terminal shows of a run."""

import io
import re
import sys

import pytest

from attention_ocr.training.loop import train
from tests import tiny

pytestmark = pytest.mark.filterwarnings("ignore:Even though the")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def config(tmp_path):
    words = str(tiny.write_label_file(tmp_path, ["cab", "abc"]))
    return tiny.config(
        train_data=words, eval_data=words, batch_size=2, steps=2, eval_every=2, warmup_steps=0
    )


def test_a_terminal_is_told_of_compiling_and_of_steps(config, tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with tiny.running_eagerly():
        train(config, tmp_path / "run")
    shown = terminal.getvalue()
    assert re.search(r"compiling the first step\W+0%", shown)
    assert "compiling the evaluation" in shown
    assert shown.index("compiling the first step") < shown.index("compiling the evaluation")
    assert re.search(r"training:.*2/2.*steps?/s|training:.*2/2.*s/ step", shown)


def test_without_a_terminal_no_bar_is_drawn(config, tmp_path, capfd):
    with tiny.running_eagerly():
        train(config, tmp_path / "run")
    assert not re.search(r"\d+%\||compiling", capfd.readouterr().err)

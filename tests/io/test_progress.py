"""Progress bars."""

import io
from contextlib import redirect_stderr

from attention_ocr.io.progress import compiling, notice, phase, progress_bar, with_progress


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self):
        return True


def test_a_bar_shows_rate_and_time_left():
    with redirect_stderr(Terminal()) as terminal, progress_bar("reading", 4, delay_s=0.0) as bar:
        bar.update(2)
        bar.refresh()
    assert "reading:" in terminal.getvalue()
    assert "2/4" in terminal.getvalue()
    assert " images/s" in terminal.getvalue()


def test_short_work_shows_none():
    with redirect_stderr(Terminal()) as terminal:
        assert list(with_progress("abc", "spelling", unit="character")) == ["a", "b", "c"]
    assert terminal.getvalue().strip() == ""


def test_without_a_terminal_bars_are_silent():
    with redirect_stderr(io.StringIO()) as file, progress_bar("reading", 2, delay_s=0.0) as bar:
        with compiling(bar, "the first step"):
            pass
        with phase(bar, "writing"), notice("starting"):
            pass
    assert file.getvalue() == ""


def test_compiling_is_announced_before_it_is_done_and_does_not_count():
    with (
        redirect_stderr(Terminal()) as terminal,
        progress_bar("training", 3, "step", delay_s=0.0) as bar,
    ):
        with compiling(bar, "the first step"):
            assert "compiling the first step" in terminal.getvalue().split("\r")[-1]
            before = bar.start_t
        assert bar.desc == "training"
        assert bar.start_t > before
        bar.refresh()
        assert "training:" in terminal.getvalue().split("\r")[-1]


def test_a_bar_of_unknown_length_has_one_colon_after_compiling():
    with (
        redirect_stderr(Terminal()) as terminal,
        progress_bar("training", unit="step", delay_s=0.0) as bar,
    ):
        with compiling(bar, "the first step"):
            pass
        bar.update()
        bar.refresh()
        assert terminal.getvalue().split("\r")[-1].startswith("training: 1 steps [")


def test_a_notice_is_shown_at_once_and_erased():
    with redirect_stderr(Terminal()) as terminal:
        with notice("starting"):
            assert terminal.getvalue().strip() == "starting"
        assert terminal.getvalue().endswith("\r")
        assert terminal.getvalue().split("\r")[-2].strip() == ""


def test_a_phase_counts_when_it_is_done():
    with (
        redirect_stderr(Terminal()) as terminal,
        progress_bar("exporting", 2, "part", delay_s=0.0) as bar,
    ):
        with phase(bar, "writing onnx"):
            assert "writing onnx: " in terminal.getvalue()
        assert bar.n == 1


def test_a_bar_can_be_turned_off():
    with redirect_stderr(Terminal()) as terminal, progress_bar("reading", shown=False) as bar:
        bar.update(2)
    assert terminal.getvalue() == ""

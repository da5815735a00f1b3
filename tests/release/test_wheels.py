"""How wheels are built: from copies, with the output of a failed build as the error."""

import subprocess
import sys
from pathlib import Path

import pytest

from release import wheels
from release.distributions import LITE, WHOLE


@pytest.fixture
def build(monkeypatch):
    """Stands for `python -m build`: writes a wheel, or fails with `build.error`."""

    class Build:
        error = ""
        calls: list

        def run(self, command, cwd, **_):
            self.calls.append((command, Path(cwd)))
            if self.error:
                return subprocess.CompletedProcess(command, 1, "half\n", self.error)
            out = Path(command[command.index("--outdir") + 1])
            out.mkdir()
            name = (Path(command[-1]) if command[-1][0] != "-" else Path(command[-2])) / "name"
            (out / f"{name.read_text('utf-8')}-1-py3-none-any.whl").write_bytes(b"1234")
            return subprocess.CompletedProcess(command, 0, "", "")

    def copy_sources(folder, name):
        folder.mkdir()
        (folder / "name").write_text(name.replace("-", "_"), "utf-8")

    fake = Build()
    fake.calls = []
    monkeypatch.setattr(wheels.subprocess, "run", fake.run)
    monkeypatch.setattr(wheels, "copy_sources", copy_sources)
    return fake


def test_a_wheel_is_written_into_a_new_folder_from_a_copy(build, tmp_path):
    wheel = wheels.build_wheel(LITE, tmp_path / "deep" / "dist")
    assert wheel == tmp_path / "deep" / "dist" / "attention_ocr_lite-1-py3-none-any.whl"
    assert wheel.read_bytes() == b"1234"
    ((command, cwd),) = build.calls
    assert command[:3] == [sys.executable, "-m", "build"]
    assert "--no-isolation" not in command
    # The copy is removed.
    assert not cwd.exists()


@pytest.mark.usefixtures("build")
def test_an_existing_wheel_is_replaced(tmp_path):
    (tmp_path / "attention_ocr-1-py3-none-any.whl").write_bytes(b"old")
    assert wheels.build_wheel(WHOLE, tmp_path).read_bytes() == b"1234"


def test_a_failed_build_raises_its_output_and_writes_nothing(build, tmp_path):
    build.error = "no setuptools"
    with pytest.raises(RuntimeError, match="half\nno setuptools"):
        wheels.build_wheel(WHOLE, tmp_path, isolated=False)
    assert "--no-isolation" in build.calls[0][0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["attention_ocr-1", "attention_ocr_lite-1"]),
        ([f"--only={LITE}"], ["attention_ocr_lite-1"]),
        ([f"--only={WHOLE}", "--no_isolation"], ["attention_ocr-1"]),
    ],
)
def test_the_command_builds_both_or_one_and_prints_paths_and_sizes(
    build, options, names, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "argv", ["wheels", str(tmp_path), *options])
    wheels.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{tmp_path / name}-py3-none-any.whl: 0.0 MB" for name in names]
    isolated = "--no_isolation" not in options
    assert all(("--no-isolation" in command) is not isolated for command, _ in build.calls)


def test_an_unknown_distribution_is_refused(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["wheels", str(tmp_path), "--only=attention"])
    with pytest.raises(SystemExit):
        wheels.main()
    assert "invalid choice: 'attention'" in capsys.readouterr().err

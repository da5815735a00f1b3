"""The wheel: its content, and that it works without the rest of the project."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import attention_ocr
from release.distributions import WHOLE
from release.wheels import build_wheel

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "attention_ocr"

pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # Without isolation, which would download the build requirements.
    return build_wheel(WHOLE, folder, isolated=False)


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An environment with the wheel, which uses the dependencies of this one."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / ("python.exe" if sys.platform == "win32" else "python")
    install = ["install", "--no-deps", "--no-index", "--no-compile", wheel]
    run(sys.executable, "-m", "pip", "--python", python, *install, cwd=folder)
    site_packages = run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
    )
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(site_packages.strip(), "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    return scripts


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = {name for name in names if ".dist-info/" in name}
        (entry_points,) = (name for name in metadata if name.endswith("entry_points.txt"))
        assert "attention-ocr = attention_ocr.cli.main:main" in archive.read(entry_points).decode()
    sources = {path.relative_to(REPOSITORY).as_posix() for path in PACKAGE.rglob("*.py")}
    data = {
        "attention_ocr/py.typed",
        "attention_ocr/presets/trba.flags",
        "attention_ocr/presets/tasks/quickstart.flags",
        "attention_ocr/synthesis/words.txt",
        "attention_ocr/synthesis/words.LICENSE",
        "attention_ocr/weights/default/config.json",
        "attention_ocr/weights/default/charset.txt",
        "attention_ocr/weights/default/weights.npz",
    }
    assert sources | data <= names - metadata
    assert all(name.startswith("attention_ocr/") for name in names - metadata)
    for licence in ("LICENSE", "NOTICE", "attention_ocr/synthesis/words.LICENSE"):
        assert any(name.endswith(f"licenses/{licence}") for name in metadata)
    assert wheel.name == f"attention_ocr-{attention_ocr.__version__}-py3-none-any.whl"


def test_the_installed_wheel_reads_an_image(environment, export, reader, tmp_path):
    image = tmp_path / "a word.png"
    shutil.copy(export.parents[1] / "words" / "1.png", image)
    place = run(
        environment / "python",
        "-c",
        "import attention_ocr; print(attention_ocr.__file__)",
        cwd=tmp_path,
    )
    assert Path(place.strip()).is_relative_to(environment.parent)
    output = run(
        *(environment / "attention-ocr", "read", image.name, f"--model={export.parent}"),
        "--overlay_dir=overlays",
        cwd=tmp_path,
    )
    (expected,) = reader.read(image)
    path, text, _, overlay = output.rstrip("\n").split("\t")
    assert (path, text) == (image.name, expected.text)
    assert (tmp_path / overlay).is_file()


def test_the_installed_wheel_renders_text(environment, tmp_path):
    program = (
        "from attention_ocr.synthesis.settings import parse_options\n"
        "from attention_ocr.synthesis.rendering import Renderer\n"
        "renderer = Renderer(parse_options({'fonts': 'bundled', 'kinds': 'words'}))\n"
        "print(renderer.render(0)[1])\n"
    )
    assert run(environment / "python", "-c", program, cwd=tmp_path).strip()


def test_the_installed_wheel_reads_with_its_own_weights(environment, export, tmp_path):
    image = tmp_path / "word.png"
    shutil.copy(export.parents[1] / "words" / "1.png", image)
    output = run(environment / "attention-ocr", "read", image.name, cwd=tmp_path)
    path, text, confidence = output.rstrip("\n").split("\t")
    assert path == image.name
    assert text
    assert 0.0 < float(confidence) <= 1.0


def test_the_installed_wheel_trains_evaluates_and_exports(environment, tmp_path):
    needed = {
        "train": ("--work_dir=run", "--preset=crnn"),
        "evaluate": ("--model=default",),
        "export": ("--model=default", "--export_dir=served"),
    }
    for name, arguments in needed.items():
        command = (environment / "attention-ocr", name)
        assert f"attention-ocr {name} --" in run(*command, "--help", cwd=tmp_path)
        # Presets are data of the package.
        assert run(*command, *arguments, "--only_check_args", cwd=tmp_path) == ""
    module = (environment / "python", "-m", "attention_ocr", "train", "--helpshort")
    assert "--preset NAME" in run(*module, cwd=tmp_path)

"""The distribution without TensorFlow, in a separate environment."""

import shutil

import pytest

from release.distributions import ROOT
from tests.release.served import serving

pytestmark = pytest.mark.slow

WORD = ROOT / "examples" / "browser" / "samples" / "wives.jpg"
MAX_BYTES = 400e6


@pytest.fixture
def folder(tmp_path):
    shutil.copy(WORD, tmp_path / "wives.jpg")
    return tmp_path


def test_it_is_small_and_holds_no_tensorflow_and_no_fonts(lite):
    packages = next(lite.folder.glob("lib*/**/site-packages"))
    names = {path.name.lower() for path in packages.iterdir()}
    assert not [name for name in names if name.startswith(("tensorflow", "keras", "font"))]
    files = [path for path in packages.rglob("*") if path.is_file()]
    own = [
        path for path in files if path.relative_to(packages).parts[0] not in ("pip", "setuptools")
    ]
    assert sum(path.stat().st_size for path in own) < MAX_BYTES


def test_it_reads_draws_inspects_and_shows_settings(lite, folder):
    line = lite.run(lite.command, "read", "wives.jpg", "--overlay_dir=overlays", cwd=folder)
    path, text, confidence, overlay = line.rstrip("\n").split("\t")
    assert (path, text.lower()) == ("wives.jpg", "wives")
    assert float(confidence) > 0.9
    assert (folder / overlay).is_file()
    (folder / "labels.tsv").write_text("wives.jpg\twives\n", encoding="utf-8")
    inspected = lite.run(lite.command, "inspect", "labels.tsv", cwd=folder)
    assert inspected.startswith("1 examples, 5 characters")
    assert "--deskew_below=" in lite.run(lite.command, "second-looks", "default", cwd=folder)


def test_it_serves(lite, folder):
    with serving(lite, "--model_base_path=default", "--model_name=mine", cwd=folder) as address:
        request = ("request", "wives.jpg", f"--rest={address}", "--model_name=mine")
        assert "\twives\t" in lite.run(lite.command, *request, cwd=folder).lower()


@pytest.mark.parametrize(
    "command",
    [
        ("train", "--work_dir=run", "--train_data=labels.tsv"),
        ("evaluate", "--model=default", "--eval_data=labels.tsv"),
        ("export", "--model=default", "--export_dir=served"),
        ("read", "wives.jpg", "--beam_width=9"),
        ("inspect", "words.csv"),
        ("serve", "--model_base_path=default", "--engine=tensorflow"),
    ],
    ids=lambda command: command[0],
)
def test_what_needs_tensorflow_says_in_one_line_how_to_get_it(lite, folder, command):
    line = lite.fail(lite.command, *command, cwd=folder)
    assert "pip uninstall --yes attention-ocr-lite && pip install attention-ocr" in line


def test_rendering_names_its_extra(lite, folder):
    line = lite.fail(lite.command, "render", "--out_dir=rendered", cwd=folder)
    assert "pip install 'attention-ocr-lite[render]'" in line

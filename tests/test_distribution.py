"""What a missing dependency of the whole toolkit says."""

import subprocess
import sys

import pytest

from attention_ocr import distribution
from attention_ocr.distribution import LITE, WHOLE, explain_missing, explaining_missing

WITHOUT_TENSORFLOW = """
import sys
for name in ("tensorflow", "keras", "tensorflow_datasets", "tensorflow_serving", "fontTools"):
    sys.modules[name] = None
"""


def missing(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.fixture
def lite(monkeypatch):
    monkeypatch.setattr(distribution, "_is_installed", lambda name: name == LITE)


def run(program: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW + program],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return result.stdout + result.stderr


@pytest.mark.usefixtures("lite")
@pytest.mark.parametrize("name", ["tensorflow", "keras.layers", "tensorflow_datasets"])
def test_without_tensorflow_one_line_says_how_to_get_it(name):
    assert explain_missing(missing(name)) == (
        "TensorFlow is not installed, attention-ocr-lite leaves it out: pip uninstall --yes "
        f"attention-ocr-lite && pip install attention-ocr. Received: No module named {name!r}"
    )


@pytest.mark.usefixtures("lite")
def test_without_fonts_one_line_names_the_extra():
    assert "pip install 'attention-ocr-lite[render]'" in str(explain_missing(missing("fontTools")))


def test_the_whole_toolkit_is_named_where_both_or_none_are_installed(monkeypatch):
    for installed in ({LITE, WHOLE}, {WHOLE}, set()):
        monkeypatch.setattr(distribution, "_is_installed", installed.__contains__)
        explanation = str(explain_missing(missing("tensorflow")))
        assert explanation.startswith("TensorFlow is not installed: pip install attention-ocr.")


def test_other_failures_are_left_alone():
    assert explain_missing(missing("lmdb")) is None
    assert explain_missing(ImportError("cannot import name 'x'", name="tensorflow")) is None
    with pytest.raises(ModuleNotFoundError, match="lmdb"), explaining_missing():
        raise missing("lmdb")


def test_without_tensorflow_the_package_reads_and_names_what_needs_it(tmp_path):
    output = run(f"""
import numpy as np
import attention_ocr
print(attention_ocr.load().read(np.full((32, 64, 3), 255, np.uint8))[0].error)
for use in (
    lambda: attention_ocr.train,
    lambda: attention_ocr.layers.CompactEncoder,
    lambda: attention_ocr.data.open_source,
    lambda: attention_ocr.load(beam_width=7),
    lambda: attention_ocr.load(engine="tensorflow"),
):
    try:
        use()
    except ImportError as error:
        print(error)
from attention_ocr.cli.main import main
for command in (
    ["inspect", "words.csv"],
    ["pack", "default", "packed"],
    ["render", "--out_dir=rendered"],
    ["train", "--work_dir={tmp_path}", "--train_data=labels.tsv"],
):
    try:
        main(command)
    except SystemExit as left:
        print(left.code)
""")
    # LiteRT says that it starts.
    lines = [line for line in output.splitlines() if not line.startswith("INFO: ")]
    assert lines[0] == "None", output
    assert len(lines) == 10, output
    rendering = [line for line in lines if "render text" in line or "renders text" in line]
    assert len(rendering) == 1
    assert all("pip install attention-ocr. Received: " in line for line in lines[1:])

"""What needs an optional dependency names the extra that brings it."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

import attention_ocr
from attention_ocr.cli.main import main
from attention_ocr.data.readers.lmdb_files import LmdbReader
from attention_ocr.data.storage import open_binary
from attention_ocr.exporting.export import write_format
from attention_ocr.inference.reader import load
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.io.extras import extra
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from attention_ocr.synthesis.typeface import Face
from attention_ocr.text.bidi import display_order

ROOT = Path(__file__).parents[2]
EXTRAS = re.findall(
    r"^(\w+) = \[",
    (ROOT / "pyproject.toml")
    .read_text("utf-8")
    .split("[project.optional-dependencies]")[1]
    .split("\n[")[0],
    re.MULTILINE,
)
CODE = [
    *ROOT.glob("attention_ocr/**/*.py"),
    *ROOT.glob("benchmarks/**/*.py"),
    *ROOT.glob("datasets/**/*.py"),
    *ROOT.glob("examples/**/*.py"),
]


@pytest.fixture
def without(monkeypatch):
    def remove(*packages: str) -> None:
        for package in packages:
            for module in [name for name in sys.modules if name.split(".")[0] == package]:
                monkeypatch.delitem(sys.modules, module)
            # Python refuses to import a name that stands for nothing.
            monkeypatch.setitem(sys.modules, package, None)

    return remove


def install(name):
    return re.escape(f"pip install 'attention-ocr[{name}]'")


def load_script(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_extra_is_named_by_what_needs_it():
    named = {
        name
        for path in CODE
        for name in re.findall(r'\bextra\(\s*"(\w+)"', path.read_text("utf-8"))
    }
    # What `tfds build` imports is TensorFlow Datasets' own choice, and its own message; the site
    # and the notebooks are run by separate programs.
    assert named == set(EXTRAS) - {"dev", "tfds", "docs", "notebooks"}


def test_no_other_words_are_used_for_a_missing_package():
    handlers = [
        path
        for path in CODE
        if path.name != "extras.py"
        and re.search(
            r"except ImportError[^\n]*\n\s+raise \w+\([^)]*pip install '", path.read_text("utf-8")
        )
    ]
    assert not handlers


@pytest.mark.parametrize("package", ["aiohttp", "orjson", "prometheus_client", "grpc"])
def test_the_server_names_its_extra(package, without, monkeypatch, tmp_path, capsys):
    for name in [name for name in sys.modules if name.startswith("attention_ocr.serving")]:
        monkeypatch.delitem(sys.modules, name)
    without(package)
    assert main(["serve", f"--model_base_path={tmp_path}"]) == 1
    error = capsys.readouterr().err
    assert re.search(install("serving"), error)
    assert package in error


@pytest.mark.parametrize(("flag", "package"), [("rest", "requests"), ("grpc", "grpc")])
def test_the_clients_name_their_extra(flag, package, without, capsys):
    without(package)
    assert main(["request", f"--{flag}=127.0.0.1:1", "--model_name=mine"]) == 1
    assert re.search(install("serving"), capsys.readouterr().err)


def test_reading_and_writing_onnx_name_their_extra(without, work_dir, tmp_path):
    without("onnxruntime", "tf2onnx")
    model = ROOT / "tests" / "fixtures" / "format_version_1" / "model.onnx"
    with pytest.raises(ImportError, match=install("onnx")):
        load(model)
    with pytest.raises(ImportError, match=install("onnx")):
        write_format("onnx", load_trained_model(work_dir), tmp_path)


@pytest.mark.parametrize(
    ("package", "format_name", "name"),
    [
        ("tf2onnx", "onnx", "onnx"),
        ("onnxruntime", "onnx", "onnx"),
        ("ai_edge_quantizer", "litert_full_int8", "quantize"),
    ],
)
def test_a_format_names_its_extra_before_any_is_written(
    package, format_name, name, without, work_dir, tmp_path
):
    without(package)
    with pytest.raises(ImportError, match=install(name)):
        attention_ocr.export(work_dir, tmp_path / "served", formats=["saved_model", format_name])
    assert not (tmp_path / "served").exists()


def test_lmdb_names_its_extra(without, tmp_path):
    without("lmdb")
    with pytest.raises(ImportError, match=install("lmdb")):
        LmdbReader(str(tmp_path / "an LMDB that is not there"))


def test_remote_files_name_their_extra(without):
    without("fsspec")
    with pytest.raises(ImportError, match=install("remote")):
        open_binary("memory://folder/labels.tsv")


@pytest.mark.parametrize("package", ["bidi", "arabic_reshaper"])
def test_right_to_left_text_names_its_extra(package, without):
    without(package)
    with pytest.raises(ImportError, match=install("rtl")):
        display_order("שלום")


def test_rendering_right_to_left_text_names_its_extra(without):
    without("bidi")
    face = Face("a font", ranges=(ord("א"), ord("ת")))
    with pytest.raises(ImportError, match=install("rtl")):
        Renderer(SynthesisConfig(kinds=("random",), characters="אבגדה"), [face])


def test_published_data_in_mat_files_names_its_extra(without, tmp_path):
    without("scipy")
    # Another test may have registered it in this process.
    with tfds.core.registered.skip_registration():
        builder = load_script(ROOT / "datasets" / "iiit5k" / "iiit5k_dataset_builder.py")
    with pytest.raises(ImportError, match=install("datasets")):
        list(builder._rows(tmp_path, "traindata"))


def test_plots_and_the_browser_name_their_extras(without):
    without("matplotlib", "playwright")
    for name, path in (
        ("plots", "benchmarks/ablation/plot.py"),
        ("browser", "examples/browser/compare.py"),
    ):
        with pytest.raises(ImportError, match=install(name)):
            load_script(ROOT / path)


def test_an_import_that_works_is_left_alone():
    with extra("lmdb", "Reading"):
        import json
    assert json.loads("1") == 1

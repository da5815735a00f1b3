import shutil

import numpy as np
import pytest

import attention_ocr
from attention_ocr.cli.main import main
from attention_ocr.inference.engines.graph_engine import GraphEngine
from attention_ocr.inference.engines.litert_engine import LiteRTEngine
from attention_ocr.inference.work_directory import WEIGHTS_FILE, read_weights, save_weights
from attention_ocr.settings.config import Config
from attention_ocr.settings.data import DataConfig
from attention_ocr.settings.formats import FILES
from attention_ocr.settings.second_looks import SecondLooksConfig
from attention_ocr.settings.training import TrainingConfig
from tests import tiny_model


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory):
    return tiny_model.write_work_dir(tmp_path_factory.mktemp("model") / "run", joint_weight=0.25)


def test_a_packed_model_reads_alike_in_half_the_space(work_dir, tmp_path, capsys):
    target = tmp_path / "small"
    assert main(["pack", str(work_dir), str(target), "--weights_only"]) == 0
    assert capsys.readouterr().out.startswith(f"{target / WEIGHTS_FILE}: 0.")
    assert {path.name for path in target.iterdir()} == {"config.json", "charset.txt", WEIGHTS_FILE}
    before, after = (read_weights(folder / WEIGHTS_FILE) for folder in (work_dir, target))
    assert before.keys() == after.keys()
    for name, value in after.items():
        assert value.dtype == (np.float16 if value.ndim > 1 else np.float32), name
        np.testing.assert_allclose(value, before[name], rtol=1e-3, atol=1e-6, err_msg=name)
    images = tiny_model.images(6)
    readings = [attention_ocr.load(folder).read(images) for folder in (work_dir, target)]
    for full, half in zip(*readings, strict=True):
        assert half.confidence == pytest.approx(full.confidence, abs=0.1)
    assert any(full.text == half.text for full, half in zip(*readings, strict=True))


def test_a_packed_model_keeps_the_settings_of_reading_alone(work_dir, tmp_path):
    assert main(["pack", str(work_dir), str(tmp_path / "small"), "--weights_only"]) == 0
    old, new = Config.load(work_dir), Config.load(tmp_path / "small")
    assert (new.image, new.model, new.decoder) == (old.image, old.model, old.decoder)
    assert new.decoding == old.decoding
    assert new.second_looks == old.second_looks == SecondLooksConfig()
    assert new.decoding.joint_weight == 0.25
    assert new.data == DataConfig()
    assert new.training == TrainingConfig()


def test_second_looks_are_packed_with_the_model(packed, tmp_path):
    target = tmp_path / "small"
    arguments = ["--weights_only", "--widths_below=0.9", "--deskew_below=0.5"]
    assert main(["pack", str(packed), str(target), *arguments]) == 0
    looks = SecondLooksConfig(widths_below=0.9, deskew_below=0.5)
    assert Config.load(target).second_looks == looks


def test_the_second_looks_of_the_settings_count_beside_an_older_file(packed, tmp_path):
    folder = shutil.copytree(packed, tmp_path / "small")
    config = Config.load(folder).with_second_looks({"widths_below": 0.9})
    config.save(folder)
    reader = attention_ocr.load(folder)
    assert isinstance(reader.engine.engine, LiteRTEngine)
    assert reader.config.second_looks == config.second_looks


def test_a_packed_model_is_packed_to_itself(work_dir, tmp_path):
    for source, name in ((work_dir, "one"), (tmp_path / "one", "two")):
        assert main(["pack", str(source), str(tmp_path / name), "--weights_only"]) == 0
    one, two = (read_weights(tmp_path / name / WEIGHTS_FILE) for name in ("one", "two"))
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


def test_a_weight_beyond_half_precision_is_named(work_dir, tmp_path, capsys):
    values = read_weights(work_dir / WEIGHTS_FILE)
    for name in ("config.json", "charset.txt"):
        (tmp_path / name).write_bytes((work_dir / name).read_bytes())
    values["decoder/output/kernel"] = values["decoder/output/kernel"] + 1e5
    save_weights(values, tmp_path / WEIGHTS_FILE)
    assert main(["pack", str(tmp_path), str(tmp_path / "small")]) == 1
    assert "`decoder/output/kernel` holds values beyond" in capsys.readouterr().err
    assert not (tmp_path / "small").exists()


def test_a_model_in_eight_bits_reads_alike_in_a_quarter_of_the_space(work_dir, tmp_path):
    target = tmp_path / "small"
    assert main(["pack", str(work_dir), str(target), "--weights_only", "--precision=int8"]) == 0
    with np.load(target / WEIGHTS_FILE) as arrays:
        stored = {name: arrays[name].dtype for name in arrays.files}
    before, after = (read_weights(folder / WEIGHTS_FILE) for folder in (work_dir, target))
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert stored[name] == (np.int8 if value.ndim > 1 else np.float32), name
        atol = 0.0 if value.ndim < 2 else np.abs(value).max() / 254 * 1.001
        np.testing.assert_allclose(after[name], value, rtol=0, atol=atol, err_msg=name)
    images = tiny_model.images(6)
    readings = [attention_ocr.load(folder).read(images) for folder in (work_dir, target)]
    assert any(full.text == small.text for full, small in zip(*readings, strict=True))


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A packed model with a file for LiteRT; not to be changed."""
    folder = tmp_path_factory.mktemp("packed")
    # Of few widths, which convert fast.
    work_dir = tiny_model.write_work_dir(folder / "run", max_image_width=32)
    assert main(["pack", str(work_dir), str(folder / "small")]) == 0
    return folder / "small"


def test_a_packed_model_is_read_by_the_fastest_engine(packed):
    images = tiny_model.images(6)
    reader, whole = attention_ocr.load(packed), attention_ocr.load(packed, engine="tensorflow")
    assert isinstance(reader.engine, LiteRTEngine)
    assert reader.engine.metadata.format_name == "litert_int8"
    for fast, wanted in zip(reader.read(images), whole.read(images), strict=True):
        assert fast.confidence == pytest.approx(wanted.confidence, abs=0.2)
    # What the model does anyway changes nothing; what LiteRT cannot do brings TensorFlow.
    same = attention_ocr.load(packed, decoding="attention", beam_width=1)
    assert isinstance(same.engine, LiteRTEngine)
    assert isinstance(attention_ocr.load(packed, beam_width=2).engine, GraphEngine)
    with pytest.raises(ValueError, match="keeps its exported decoding. Received: beam_width"):
        attention_ocr.load(packed, engine="litert", beam_width=2)


@pytest.mark.parametrize("changed", ["weights.npz", "config.json", "charset.txt"])
def test_a_file_beside_another_model_is_refused(packed, tmp_path, changed):
    folder = shutil.copytree(packed, tmp_path / "small")
    if changed == "weights.npz":
        values = read_weights(folder / changed)
        values["decoder/output/bias"] = values["decoder/output/bias"] + 0.1
        save_weights(values, folder / changed)
    elif changed == "config.json":
        Config.load(folder).with_decoding({"attention_temperature": 2.0}).save(folder)
    else:
        text = (folder / changed).read_text(encoding="utf-8")
        (folder / changed).write_text(text.replace("a", "z"), encoding="utf-8")
    with pytest.raises(
        ValueError, match=f"{FILES['litert_int8']} was made from another model than"
    ):
        attention_ocr.load(folder)
    assert isinstance(attention_ocr.load(folder, engine="tensorflow").engine, GraphEngine)


def test_weights_packed_anew_leave_no_file_of_the_old_ones(packed, work_dir, tmp_path):
    folder = shutil.copytree(packed, tmp_path / "small")
    assert main(["pack", str(work_dir), str(folder), "--weights_only"]) == 0
    assert not (folder / FILES["litert_int8"]).exists()


def test_a_search_for_many_texts_is_packed_without_what_litert_reads(tmp_path, capsys):
    work_dir = tiny_model.write_work_dir(tmp_path / "run", beam_width=2, num_best=2)
    assert main(["pack", str(work_dir), str(tmp_path / "small")]) == 1
    assert "returns the best text" in capsys.readouterr().err
    assert not (tmp_path / "small").exists()
    assert main(["pack", str(work_dir), str(tmp_path / "small"), "--weights_only"]) == 0


def test_a_model_is_not_replaced_by_its_copy(work_dir, capsys):
    assert main(["pack", str(work_dir), str(work_dir)]) == 1
    assert "Expected another directory for the copy" in capsys.readouterr().err


def test_a_missing_model_is_named(tmp_path, capsys):
    assert main(["pack", str(tmp_path / "gone"), str(tmp_path / "small")]) == 1
    assert "No trained model found" in capsys.readouterr().err

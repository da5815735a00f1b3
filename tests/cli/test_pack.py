import numpy as np
import pytest

import attention_ocr
from attention_ocr.cli.main import main
from attention_ocr.config import Config
from attention_ocr.settings.data import DataConfig
from attention_ocr.settings.training import TrainingConfig
from attention_ocr.work_directory import WEIGHTS_FILE, read_weights, save_weights
from tests import tiny_model


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory):
    return tiny_model.write_work_dir(tmp_path_factory.mktemp("model") / "run", joint_weight=0.25)


def test_a_packed_model_reads_alike_in_half_the_space(work_dir, tmp_path, capsys):
    target = tmp_path / "small"
    assert main(["pack", str(work_dir), str(target)]) == 0
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
    assert main(["pack", str(work_dir), str(tmp_path / "small")]) == 0
    old, new = Config.load(work_dir), Config.load(tmp_path / "small")
    assert (new.image, new.model, new.decoder) == (old.image, old.model, old.decoder)
    assert new.decoding == old.decoding
    assert new.decoding.joint_weight == 0.25
    assert new.data == DataConfig()
    assert new.training == TrainingConfig()


def test_a_packed_model_is_packed_to_itself(work_dir, tmp_path):
    assert main(["pack", str(work_dir), str(tmp_path / "one")]) == 0
    assert main(["pack", str(tmp_path / "one"), str(tmp_path / "two")]) == 0
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


def test_a_model_is_not_replaced_by_its_copy(work_dir, capsys):
    assert main(["pack", str(work_dir), str(work_dir)]) == 1
    assert "Expected another directory for the copy" in capsys.readouterr().err


def test_a_missing_model_is_named(tmp_path, capsys):
    assert main(["pack", str(tmp_path / "gone"), str(tmp_path / "small")]) == 1
    assert "is no trained model" in capsys.readouterr().err

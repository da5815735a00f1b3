import pytest

from attention_ocr.cli.presets import FILES, TASKS
from attention_ocr.cli.train import COMMAND, config_from_flags
from attention_ocr.settings.config import Config


def config_of(*arguments: str) -> Config:
    return config_from_flags(COMMAND.parse("train.py", ["--work_dir=runs/mine", *arguments]))


@pytest.mark.parametrize("name", FILES)
def test_a_preset_is_its_file_of_flags(name):
    assert config_of(f"--preset={name}") == config_of(f"--flagfile={FILES[name]}")


def test_flags_after_a_preset_win_and_those_before_it_do_not():
    config = config_of("--encoder=vgg", "--max_length=9", "--preset", "trba", "--max_length=7")
    assert (config.model.encoder, config.model.max_length) == ("resnet", 7)
    assert config.decoder.feedback == "one_hot"


def test_a_preset_stands_in_a_file_of_flags(tmp_path):
    file = tmp_path / "mine.flags"
    file.write_text("--preset=trba\n--seed=7\n", encoding="utf-8")
    config = config_of(f"--flagfile={file}")
    assert (config.model.encoder, config.training.seed) == ("resnet", 7)


def test_the_settings_of_a_preset_count_as_given(work_dir):
    config = config_of("--preset=crnn", f"--init_from={work_dir}")
    assert config.image.image_height == config_of("--preset=crnn").image.image_height
    assert config.image.image_height != Config.load(work_dir).image.image_height


def test_an_unknown_preset_is_refused_with_the_names(capsys):
    with pytest.raises(SystemExit):
        COMMAND.parse("train.py", ["--work_dir=x", "--preset=tbra"])
    assert "value should be one of <aocr|compact|crnn|" in capsys.readouterr().err


@pytest.mark.parametrize("name", TASKS)
def test_the_preset_of_a_task_can_be_used_anywhere(name):
    text = TASKS[name].read_text(encoding="utf-8")
    config = config_of(f"--preset={name}")
    # Data that are rendered; of files there is none in a package.
    assert config.data.train_data.startswith("synthetic,") == (name == "quickstart")
    assert "--work_dir" not in text.replace("# ", "").split("\n--", 1)[1]
    assert f"attention-ocr train --preset={name} --work_dir=" in text
    assert config.training.steps > 0

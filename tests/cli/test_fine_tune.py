"""`attention-ocr fine-tune`, with a training that is done at once."""

import pytest

from attention_ocr.cli import fine_tune
from attention_ocr.cli.fine_tune import COMMAND, choose_start, steps_for
from attention_ocr.training import loop
from attention_ocr.training.progress import TrainingResult
from tests import tiny, tiny_model

LABELS = [text for text in "abc0123" for _ in range(4)]


def run(*arguments: object) -> None:
    COMMAND.call("fine-tune", COMMAND.parse("fine-tune", list(map(str, arguments))))


@pytest.fixture
def configs(monkeypatch):
    """Settings with which training was called, in place of training."""
    seen = []

    def train(config, work_dir):
        seen.append(config)
        tiny_model.write_work_dir(work_dir)
        return TrainingResult(7, 0.5, 5)

    monkeypatch.setattr(loop, "train", train)
    return seen


def test_a_run_ends_with_the_report_and_the_next_command(tmp_path, configs, capsys):
    data = tiny.write_label_file(tmp_path / "words", LABELS)
    start, work_dir = tiny_model.write_work_dir(tmp_path / "start"), tmp_path / "mine"
    run(f"--data={data}", f"--work_dir={work_dir}", f"--init_from={start}", "--batch_size=8")
    (config,) = configs
    assert config.data.train_data == f"{data},every=5,part=fit,by=hash"
    assert config.data.eval_data == f"{data},every=5,part=validation,by=hash"
    assert config.training.steps == 300
    assert config.training.warmup_steps == 15
    assert (config.training.patience, config.augmentation.augmentation) == (5, "default")
    # Settings of the network are those of the model that the run starts from.
    assert config.image.image_height == tiny.SETTINGS["image_height"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("19 images to train on, 4 for validation, 5 held out")
    assert lines[1] == f"starts from {start}"
    assert lines[2] == f"{work_dir}: weights of step 5"
    assert f"report on the held-out part: {work_dir}/report/index.html" in lines
    assert lines[-1].startswith(f"  attention-ocr export --model={work_dir} ")
    page = (work_dir / "report/index.html").read_text("utf-8")
    assert f"{start} (start)" in page
    assert (work_dir / "evaluation/predictions.csv").is_file()


def test_labels_with_spaces_start_from_the_model_of_lines():
    words, lines = ["exit", "A-12"] * 45, ["no exit", "platform 4"] * 5
    assert choose_start(words + lines) == "default"
    assert choose_start(words + lines + ["one more"]) == "lines"


def test_minutes_take_the_place_of_steps(tmp_path, configs):
    data = tiny.write_label_file(tmp_path / "words", LABELS)
    start = tiny_model.write_work_dir(tmp_path / "start")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fine_tune, "_report", lambda *_: tmp_path)
        run(f"--data={data}", f"--work_dir={tmp_path}/mine", f"--init_from={start}",
            "--minutes=2", "--patience=0", "--augmentation=")  # fmt: skip
    (config,) = configs
    assert (config.training.steps, config.training.minutes) == (0, 2.0)
    assert (config.training.patience, config.augmentation.augmentation) == (0, "")


def test_the_parts_cannot_be_given(tmp_path):
    with pytest.raises(SystemExit, match="--data is split .* Received: --eval_data=a.tsv"):
        run("--data=x.tsv", f"--work_dir={tmp_path}", "--eval_data=a.tsv")


def test_steps_follow_the_size_of_the_data():
    assert [steps_for(n, 64) for n in (10, 2_000, 10**6)] == [300, 1563, 10_000]

"""The documented commands for training on your data, with strings like licence plates."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests import tiny

REPOSITORY = Path(__file__).parents[1]
LETTERS, DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"


def documented_commands() -> dict[str, str]:
    """Return the commands under "Every setting" by their name, each on one line."""
    text = (REPOSITORY / "docs/training.md").read_text(encoding="utf-8")
    block = re.search(r"## Every setting\n.*?```\n(.*?)```", text, re.DOTALL)
    assert block
    lines = block[1].replace("\\\n", " ").splitlines()
    return {line.split()[1]: line for line in lines}


def write_plates(folder: Path, count: int) -> Path:
    """Draw widely spaced strings of three letters and four digits on coloured plates."""
    random = np.random.default_rng(0)
    folder.mkdir()
    texts = {}
    for index in range(count):
        text = "".join(random.choice(list(LETTERS), 3)) + "".join(random.choice(list(DIGITS), 4))
        size = int(random.integers(26, 40))
        font = ImageFont.load_default(size=size)
        ground, ink = random.integers(150, 256, 3), random.integers(0, 70, 3)
        image = Image.new("RGB", (size * 8, size * 2), tuple(map(int, ground)))
        draw = ImageDraw.Draw(image)
        for place, character in enumerate(text):
            x = size * (0.5 + place + 0.3 * (place > 2))
            draw.text((x, size * 0.4), character, fill=tuple(map(int, ink)), font=font)
        noise = random.normal(0.0, 12.0, (image.height, image.width, 3))
        pixels = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03d}.png")
        texts[f"{index:03d}.png"] = text
    return tiny.write_labels(folder, texts)


def test_the_documented_commands_hold_out_their_test_data():
    commands = documented_commands()
    train = dict(re.findall(r"--(\w+)=(\S+)", commands["train"]))
    assert train["init_from"] == "default"
    assert train["train_data"].endswith(",every=5,part=fit")
    assert train["eval_data"].endswith(",every=5,part=validation")
    assert "--eval_data=words/labels.tsv,every=5,part=eval" in commands["evaluate"]


def run(command: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "attention_ocr", *shlex.split(command)[1:]],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=1800,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_the_documented_command_beats_training_from_scratch_at_equal_steps(tmp_path):
    labels = write_plates(tmp_path / "plates", count=150)
    budget = "--steps=40 --warmup_steps=4 --batch_size=16 --eval_every=20"
    exact_match = {}
    for start, without in (("default", ""), ("nothing", "--init_from=default")):
        train, evaluate = (
            documented_commands()[script]
            .replace("words/labels.tsv", labels.as_posix())
            .replace("runs/mine", (tmp_path / start).as_posix())
            .replace("--minutes=20", budget)
            for script in ("train", "evaluate")
        )
        run(train.replace(without, ""))
        run(evaluate)
        metrics = json.loads((tmp_path / start / "evaluation/metrics.json").read_text("utf-8"))
        assert metrics["num_examples"] == 30
        exact_match[start] = metrics["exact_match"]
    report = json.loads((tmp_path / "default/initial_weights.json").read_text("utf-8"))
    assert report["left"] == {}
    assert exact_match["default"] > 0.8
    assert exact_match["nothing"] < 0.4


@pytest.mark.slow
def test_one_command_leads_from_labels_to_a_report(tmp_path):
    labels = write_plates(tmp_path / "plates", count=150)
    work_dir = tmp_path / "mine"
    output = run(
        f"attention-ocr fine-tune --data={labels.as_posix()} --work_dir={work_dir.as_posix()} "
        "--steps=40 --batch_size=16"
    )
    assert "111 images to train on, 14 for validation, 25 held out: split by image" in output
    metrics = json.loads((work_dir / "evaluation/metrics.json").read_text("utf-8"))
    assert metrics["num_examples"] == 25
    assert metrics["exact_match"] > 0.6
    assert (work_dir / "report/index.html").is_file()
    command = output.splitlines()[-1].strip()
    run(command)
    assert (work_dir / "export/1/saved_model.pb").is_file()

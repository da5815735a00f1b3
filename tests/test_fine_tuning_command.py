"""The README's commands for fine-tuning on your data, with strings like licence plates."""

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


def commands_of_the_readme() -> dict[str, str]:
    """Return the commands under "Train on your data" by their script, each on one line."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    block = re.search(r"tab, and its text\b.*?```\n(.*?)```", text, re.DOTALL)
    assert block
    lines = block[1].replace("\\\n", " ").splitlines()
    return {line.split()[1]: line for line in lines if line.startswith("python ")}


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


def test_the_readme_holds_out_its_test_data():
    commands = commands_of_the_readme()
    train = dict(re.findall(r"--(\w+)=(\S+)", commands["train.py"]))
    assert train["init_from"] == "default"
    assert train["train_data"].endswith(",every=5,part=fit")
    assert train["eval_data"].endswith(",every=5,part=validation")
    assert "--eval_data=words/labels.tsv,every=5,part=eval" in commands["eval.py"]


def run(command: str) -> None:
    result = subprocess.run(
        [sys.executable, *shlex.split(command)[1:]],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=1800,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_the_command_of_the_readme_beats_training_from_scratch_at_equal_steps(tmp_path):
    labels = write_plates(tmp_path / "plates", count=150)
    budget = "--steps=40 --warmup_steps=4 --batch_size=16 --eval_every=20"
    exact_match = {}
    for start, without in (("default", ""), ("nothing", "--init_from=default")):
        train, evaluate = (
            commands_of_the_readme()[script]
            .replace("words/labels.tsv", labels.as_posix())
            .replace("runs/mine", (tmp_path / start).as_posix())
            .replace("--minutes=20", budget)
            for script in ("train.py", "eval.py")
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

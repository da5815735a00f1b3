"""The captchas of the repository, and where the data of all experiments lie."""

from pathlib import Path

import pytest

from attention_ocr.data.labels import read_labels
from attention_ocr.data.source_spec import parse_source
from attention_ocr.data.sources import open_source
from benchmarks.flag_files import read_flags
from release.distributions import ROOT

CAPTCHAS = ROOT / "examples" / "captchas"
EXPERIMENTS = sorted(ROOT.glob("configs/*.flags"))


def test_every_captcha_has_a_label_and_they_stay_small():
    labels = read_labels(CAPTCHAS / "labels.tsv")
    images = list((CAPTCHAS / "images").iterdir())
    assert len(labels) == len(images) == 1040
    assert all(Path(image.path).stem == image.text for image in labels)
    assert sum(path.stat().st_size for path in CAPTCHAS.rglob("*.*")) < 6_000_000


def test_their_split_is_the_one_of_the_experiment():
    settings = read_flags(ROOT / "configs" / "captcha.flags")
    held_out = settings["eval_data"].replace("part=validation", "part=eval")
    sources = (settings["train_data"], settings["eval_data"], held_out)
    counts = [open_source(str(ROOT / source)).num_examples for source in sources]
    assert counts == [749, 83, 208]


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_no_experiment_names_a_folder_outside_the_repository(path):
    settings = read_flags(path)
    for name in ("train_data", "eval_data"):
        for source in filter(None, settings.get(name, "").split(";")):
            spec = parse_source(source)
            places = [spec.options.get("words_file", "runs/")] if "words_file" in source else []
            places += [] if spec.name == "synthetic" else [spec.name]
            assert all(place.startswith(("runs/", "examples/")) for place in places)
            assert ".." not in source

"""Hard-example selection: which of several rendered images is trained on."""

import dataclasses

import numpy as np
import pytest

import attention_ocr
from attention_ocr.data.pipeline import training_batches
from attention_ocr.data.source_spec import parse_source
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import parse_options
from attention_ocr.training import hard_examples
from attention_ocr.training.hard_examples import difficulty, make_selection
from tests import tiny

SYNTHETIC = "synthetic,fonts=bundled,kinds=numbers,max_length=4,seed=5"


def reading_of(text, confidence=0.9):
    nothing = np.zeros((0, 1, 1), np.float32)
    return Reading(text, confidence, (confidence,) * len(text), nothing, (1.0, 1.0))


def test_the_worse_an_image_is_read_the_harder_it_is():
    readings = [
        reading_of("reading", 0.9),
        reading_of("reading", 0.4),
        reading_of("reeding", 0.9),
        reading_of("reed", 0.9),
    ]
    scores = [difficulty("reading", reading) for reading in readings]
    assert scores == sorted(set(scores))
    assert scores[1] < 1.0 < scores[2]


def test_an_image_that_is_probably_illegible_is_the_last_to_be_selected():
    hopeless = difficulty("reading", reading_of("W"))
    assert hopeless < difficulty("reading", reading_of("reading", 1.0))
    # A single character is wrong as a whole, and so is a text where there is none.
    assert difficulty("I", reading_of("l")) > 1.0
    assert difficulty("", reading_of("abc")) > 1.0
    assert difficulty("", reading_of("", 0.8)) == pytest.approx(0.2)


def test_the_composed_and_the_decomposed_form_are_one_text():
    assert difficulty("cafe\u0301", reading_of("caf\u00e9", 0.75)) == pytest.approx(0.25)


def test_nothing_is_loaded_without_a_selection(monkeypatch):
    monkeypatch.setattr(hard_examples, "load", lambda *_, **__: pytest.fail("loaded"))
    assert make_selection(tiny.config().data) is None


def test_the_selector_must_exist(tmp_path):
    settings = dataclasses.replace(
        tiny.config().data, hardest_of=2, selector=str(tmp_path / "nothing")
    )
    with pytest.raises(FileNotFoundError, match="nothing"):
        make_selection(settings)


def test_images_are_selected_by_the_readings_of_a_model(monkeypatch):
    class Reader:
        def read(self, images):
            # Wide images are read without doubt.
            return [reading_of("1", min(image.shape[1] / 1000, 1.0)) for image in images]

    monkeypatch.setattr(hard_examples, "load", lambda *_, **__: Reader())
    selection = make_selection(dataclasses.replace(tiny.config().data, hardest_of=3))
    widths = (500, 300, 700)
    candidates = [(np.zeros((32, width, 3), np.uint8), "1") for width in widths]
    assert selection.count == 3
    assert selection.hardest(candidates) == 1


def test_a_run_trains_on_the_images_that_its_selector_reads_worst(export, tmp_path, monkeypatch):
    config = tiny.config(
        train_data=SYNTHETIC,
        eval_data="",
        steps=2,
        warmup_steps=0,
        hardest_of=2,
        selector=str(export),
    )
    trained_on = []

    def batches(*arguments, **options):
        dataset = training_batches(*arguments, **options)
        trained_on.extend(key for batch in dataset.take(4) for key in batch["key"].numpy())
        return dataset

    monkeypatch.setattr("attention_ocr.training.run.training_batches", batches)
    attention_ocr.train(config, tmp_path / "run")
    reader = attention_ocr.load(export, second_looks=False)
    renderer = Renderer(parse_options(parse_source(SYNTHETIC).options))
    assert trained_on
    for key in trained_on:
        index = int(key.decode().split("-")[1])
        pair = [renderer.render(index // 2 * 2 + number) for number in range(2)]
        scores = [difficulty(text, reader.read(image)[0]) for image, text in pair]
        assert scores[index % 2] == max(scores)

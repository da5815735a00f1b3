"""The script that writes other texts where real words were, of the recipe of the default model."""

import cv2
import numpy as np
import pytest

from attention_ocr.synthesis.settings import SynthesisConfig
from tests.scripts import open_script

GROUND, INK = (40, 90, 60), (230, 220, 120)


@pytest.fixture(scope="module")
def word_contexts():
    return open_script("word_contexts")


@pytest.fixture(scope="module")
def writer(word_contexts):
    return word_contexts.Writer(SynthesisConfig(fonts="bundled", max_length=8))


def word(slope=0.0, blur=0.8, text="Harbour", ink=INK):
    """Return a word that rises or falls to the right, uint8 [40, 150, 3]."""
    image = np.full((40, 150, 3), GROUND, np.uint8)
    cv2.putText(image, text, (10, 28), cv2.FONT_HERSHEY_SIMPLEX, 1.0, ink, 2, cv2.LINE_AA)
    matrix = np.array([[1.0, 0.0, 0.0], [slope, 1.0, -75 * slope]])
    image = cv2.warpAffine(image, matrix, (150, 40), borderMode=cv2.BORDER_REPLICATE)
    return cv2.GaussianBlur(image, (0, 0), blur)


def test_the_word_is_painted_over_and_measured(word_contexts):
    found = word_contexts.find_context(word())
    assert np.abs(found.ground - GROUND).max() < 25
    assert np.abs(found.ink - INK).max() < 40
    assert (found.left, found.right) == (pytest.approx(10, abs=4), pytest.approx(131, abs=8))
    assert found.height == pytest.approx(22, abs=4)
    assert 0.1 < found.density < 0.5
    assert found.noise < 1.0


@pytest.mark.parametrize("slope", [-0.1, 0.0, 0.1])
def test_the_slope_of_the_word_is_that_of_the_text(word_contexts, writer, slope):
    found = word_contexts.find_context(word(slope))
    assert found.slope == pytest.approx(slope, abs=0.05)
    slopes = []
    for seed in range(20):
        image, text = writer.write(np.random.default_rng(seed), found)
        is_ink = image[..., 0].astype(int) - GROUND[0] > 80
        if len(text) > 4 and is_ink.any():
            rows, columns = np.nonzero(is_ink)
            slopes.append(np.polyfit(columns, rows, 1)[0])
    assert np.median(slopes) == pytest.approx(slope, abs=0.06)


def test_a_blurred_and_noisy_word_gives_a_blurred_and_noisy_text(word_contexts):
    rng = np.random.default_rng(0)
    noise = rng.normal(0.0, 6.0, (40, 150, 1))
    noisy = np.clip(word() + noise, 0, 255).astype(np.uint8)
    sharp, blurred, grainy = map(word_contexts.find_context, [word(), word(blur=2.0), noisy])
    assert blurred.blur > 1.4 * sharp.blur
    assert grainy.noise > sharp.noise + 2.0


def test_texts_have_the_colours_of_the_word_and_stay_within_the_crop(word_contexts, writer):
    found = word_contexts.find_context(word())
    texts = set()
    for seed in range(30):
        image, text = writer.write(np.random.default_rng(seed), found)
        assert image.dtype == np.uint8
        assert image.shape[0] == 40
        assert 3 <= image.shape[1] <= 150
        # Between the ground and the ink.
        assert image[..., 1].min() > GROUND[1] - 30
        assert image[..., 1].max() < INK[1] + 30
        assert 0 < len(text) <= 8
        texts.add(text)
    assert len(texts) > 25


def test_letters_are_thickened_until_they_are_as_dense_but_by_few_pixels(word_contexts):
    mask = np.zeros((64, 100), np.uint8)
    mask[:, 50] = 255
    assert word_contexts.thicken(mask, 0.001) is mask
    assert word_contexts.thicken(mask, 0.03).mean() / 255 == pytest.approx(0.03, abs=0.011)
    assert word_contexts.thicken(mask, 0.9).mean() / 255 == pytest.approx(0.05, abs=0.001)


@pytest.mark.parametrize(
    "image",
    [
        word(ink=(45, 95, 70)),
        word(text=""),
        cv2.rotate(word(), cv2.ROTATE_90_CLOCKWISE),
        word()[:8],
        np.tile(np.repeat([[[0], [255]]], 20, axis=1).astype(np.uint8), (30, 3, 3)),
    ],
    ids=["faint", "empty", "tall", "low", "no even border"],
)
def test_images_whose_word_does_not_stand_out_are_skipped(word_contexts, image):
    assert word_contexts.find_context(image) is None


def test_a_text_that_would_be_far_too_small_is_not_written(word_contexts):
    rng = np.random.default_rng(0)
    found = word_contexts.find_context(word())
    assert word_contexts.fitted_size(rng, found, (64, 2_000)) is None
    assert word_contexts.fitted_size(rng, found, (0, 0)) is None
    width, height = word_contexts.fitted_size(rng, found, (48, 120))
    assert width <= found.right - found.left
    assert height <= 1.05 * found.height


def test_texts_are_listed_with_their_labels_and_skipped_images_counted(
    word_contexts, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(word_contexts, "TEXTS", SynthesisConfig(fonts="bundled", max_length=6))
    images = {"right": word(), "tall": cv2.rotate(word(), cv2.ROTATE_90_CLOCKWISE)}
    for name, image in images.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), image[..., ::-1])
    (tmp_path / "broken.png").write_bytes(b"no image")
    labels = tmp_path / "labels.tsv"
    labels.write_text("right.png\tx\ntall.png\tx\nbroken.png\tx\n", encoding="utf-8")
    outputs = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        word_contexts.main(folder, [str(labels)])
        rows = (folder / "labels.tsv").read_text(encoding="utf-8").splitlines()
        assert len(rows) == word_contexts.TEXTS_OF_A_WORD
        assert all(0 < len(row.split("\t")[1]) <= 6 for row in rows)
        outputs.append([(folder / row.split("\t")[0]).read_bytes() for row in rows])
    assert outputs[0] == outputs[1]
    assert f"{word_contexts.TEXTS_OF_A_WORD} texts in" in capsys.readouterr().out.splitlines()[0]

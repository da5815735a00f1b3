"""The script that warps words, of the recipe of the default model."""

import cv2
import numpy as np
import pytest

from tests.scripts import open_script


@pytest.fixture(scope="module")
def word_views():
    return open_script("word_views")


def word(height=24, width=80):
    """Return a red bar on grey: uint8 [h, w, 3]."""
    image = np.full((height, width, 3), 128, np.uint8)
    image[height // 3 : 2 * height // 3, 4:-4] = (200, 20, 20)
    return image


def test_a_view_shows_the_word_at_another_angle_on_its_background(word_views):
    rng = np.random.default_rng(3)
    other = np.zeros((9, 200, 3), np.uint8)
    slopes = []
    for _ in range(60):
        view = word_views.draw_view(rng, word(), other)
        if view is None:
            continue
        assert view.dtype == np.uint8
        assert view.shape[0] <= word_views.HIGHEST_WRITTEN
        red = view[..., 0].astype(int) - view[..., 1] > 60
        assert red.any()
        rows, columns = np.nonzero(red)
        slopes.append(np.polyfit(columns, rows, 1)[0] if np.ptp(columns) > 5 else 0.0)
    assert len(slopes) > 50
    assert min(slopes) < -0.15
    assert max(slopes) > 0.15


def test_the_crop_holds_the_warped_word_but_for_a_margin(word_views):
    rng = np.random.default_rng(0)
    for _ in range(100):
        corners, size = word_views.draw_placement(rng, 120, 40)
        cut = -word_views.MARGIN[0] * np.ptp(corners, axis=0).min() + 1e-6
        assert (corners >= -cut).all()
        assert (corners <= np.array(size) + cut).all()


def test_views_are_listed_with_their_labels_and_others_are_counted(word_views, tmp_path, capsys):
    images = {"right": word(), "tall": word(80, 24), "l": word()}
    for name, image in images.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), image[..., ::-1])
    (tmp_path / "broken.png").write_bytes(b"no image")
    labels = tmp_path / "labels.tsv"
    names = [*images, "broken"]
    labels.write_text("".join(f"{name}.png\t{name}\n" for name in names), encoding="utf-8")
    outputs = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        word_views.main(folder, [str(labels)])
        rows = (folder / "labels.tsv").read_text(encoding="utf-8").splitlines()
        assert rows
        assert all(row.endswith("\tright") for row in rows)
        files = [(folder / row.split("\t")[0]).read_bytes() for row in rows]
        assert len(set(files)) == len(files) <= word_views.VIEWS_OF_A_WORD
        outputs.append(files)
    assert outputs[0] == outputs[1]
    assert "3 images skipped" in capsys.readouterr().out

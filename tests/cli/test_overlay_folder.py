import numpy as np
import pytest
from PIL import Image

from attention_ocr.cli.overlay_folder import OverlayFolder
from attention_ocr.inference.reader import Reading
from tests import tiny, tiny_model


def reading(text: str = "ab", columns: int = 6) -> Reading:
    attention = np.zeros((len(text), 1, columns), np.float32)
    for index in range(len(text)):
        attention[index, 0, index] = 1.0
    return Reading(text, 0.9, (0.95,) * len(text), attention, (1.0, 1.0))


def names(folder, *images: str) -> list[str]:
    overlays = OverlayFolder(folder)
    file = tiny_model.encoded(tiny.word_image("ab"))
    return [overlays.write(image, file, reading()).name for image in images]


def test_an_overlay_is_named_after_its_image_and_never_after_another(tmp_path):
    folder = tmp_path / "deep" / "overlays"
    assert names(folder, "a/x.png", "b/x.jpg", "X.png", "x-2.png", "-") == [
        "x.attention.png",
        "x-2.attention.png",
        "X-3.attention.png",
        "x-2-2.attention.png",
        "stdin.attention.png",
    ]
    assert len(list(folder.iterdir())) == 5


def test_a_second_run_gives_the_same_names(tmp_path):
    assert names(tmp_path, "x.png", "y.png") == names(tmp_path, "x.png", "y.png")
    assert len(list(tmp_path.iterdir())) == 2


def test_no_name_leaves_the_folder(tmp_path):
    folder = tmp_path / "overlays"
    names(folder, "../../x.png", "/etc/..", "..", "....png", "C:\\x\\y.png", "a/b/")
    assert [path.name for path in tmp_path.iterdir()] == ["overlays"]
    assert all(path.is_file() for path in folder.iterdir())


def test_images_in_the_folder_of_the_overlays_stay(tmp_path):
    image = tmp_path / "x.png"
    image.write_bytes(b"image")
    assert names(tmp_path, str(image)) == ["x.attention.png"]
    assert image.read_bytes() == b"image"


@pytest.mark.parametrize("character", ["x", "中", "\udcff"])
def test_the_longest_file_name_has_room_for_the_ending(tmp_path, character):
    (name,) = names(tmp_path, character * 250 + ".png")
    assert (tmp_path / name).is_file()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (50, 200), (500, 2000)])
def test_the_overlay_is_readable_and_not_huge(tmp_path, shape):
    file = tiny_model.encoded(np.full((*shape, 3), 255, np.uint8))
    path = OverlayFolder(tmp_path).write("x.png", file, reading())
    with Image.open(path) as image:
        width, height = image.size
    assert width < 1200
    assert height < 500
    if shape == (50, 200):
        # Three images of 64 pixels and a line of text.
        assert height > 3 * 64
        assert width > 256


def test_an_animation_has_a_frame_for_each_character_and_ends_with_the_image(tmp_path):
    folder = OverlayFolder(tmp_path, file_format="gif")
    path = folder.write("x.png", tiny_model.encoded(tiny.word_image("ab")), reading("ab"))
    assert path.name == "x.attention.gif"
    with Image.open(path) as image:
        assert (image.n_frames, image.info["loop"]) == (3, 0)
        frames = []
        for index in range(3):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB"), int))
    assert len({frame.shape for frame in frames}) == 1
    # The light moves from left to right, and the text grows.
    first, second, last = (frame[:60].mean(axis=(0, 2)) for frame in frames)
    assert np.argmax(first - second) < np.argmax(second - first)
    assert last.mean() > first.mean()
    below = [(frame[70:] < 128).sum() for frame in frames]
    assert below[0] < below[1] == below[2]


def test_an_image_without_text_has_one_frame(tmp_path):
    folder = OverlayFolder(tmp_path, file_format="gif")
    path = folder.write("x.png", tiny_model.encoded(tiny.word_image("a")), reading(""))
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) == 1

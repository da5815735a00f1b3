import dataclasses
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import attention_ocr
from attention_ocr.inference import locate, work_directory
from attention_ocr.inference import reader as reader_module
from attention_ocr.inference.engines import graph_engine
from attention_ocr.inference.reader import load
from attention_ocr.inference.second_looks.engine import SecondLooksEngine
from attention_ocr.settings.config import Config
from attention_ocr.settings.second_looks import RECOMMENDED, SecondLooksConfig
from tests import tiny, tiny_model


def texts(readings: list[attention_ocr.Reading]) -> list[str]:
    return [reading.text for reading in readings]


def test_the_package_offers_the_reader():
    assert attention_ocr.load is load
    assert attention_ocr.Reading is reader_module.Reading
    with pytest.raises(AttributeError, match="'attention_ocr' has no attribute 'write'"):
        _ = attention_ocr.write


def test_paths_bytes_and_arrays_read_alike_in_their_order(reader, tmp_path):
    arrays = tiny_model.images(3)
    files = [tiny_model.encoded(array) for array in arrays]
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for path, file in zip(paths, files, strict=True):
        path.write_bytes(file)
    expected = texts(reader.read(arrays))
    assert len(set(expected)) == 3
    assert texts(reader.read(files)) == expected
    assert texts(reader.read([str(path) for path in paths])) == expected
    mixed = [paths[2], arrays[0], files[1], str(paths[0])]
    assert texts(reader.read(mixed)) == [expected[index] for index in (2, 0, 1, 0)]


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_an_image_reads_the_same_alone_and_in_a_batch(reader, batch_size):
    files = tiny_model.files()
    expected = [reader.read(file) for file in files]
    assert all(len(readings) == 1 for readings in expected)
    for reading, (alone,) in zip(reader.read(files, batch_size), expected, strict=True):
        assert reading.text == alone.text
        assert reading.confidence == pytest.approx(alone.confidence, rel=1e-3)
        assert reading.character_confidences == pytest.approx(alone.character_confidences, rel=1e-3)


def test_no_images_give_no_readings(reader):
    assert reader.read([]) == []


def test_a_stream_takes_no_more_images_than_a_batch_needs(reader):
    taken = []

    def images():
        for index, file in enumerate(tiny_model.files(7)):
            taken.append(index)
            yield file

    stream = reader.read_stream(images(), batch_size=3)
    assert taken == []
    next(stream)
    assert taken == [0, 1, 2]
    assert len(list(stream)) == 6
    assert len(taken) == 7


def test_a_reading_has_the_confidence_and_the_attention_of_each_character(reader):
    (reading,) = reader.read(tiny_model.images(1)[0])
    num_characters = len(reading.text)
    assert num_characters > 1
    assert reading.error is None
    assert 0.0 < reading.confidence <= 1.0
    assert len(reading.character_confidences) == num_characters
    assert all(0.0 < confidence <= 1.0 for confidence in reading.character_confidences)
    assert reading.attention.shape[0] == num_characters
    np.testing.assert_allclose(reading.attention.sum(axis=(1, 2)), 1.0, rtol=1e-4)
    assert all(0.0 < share <= 1.0 for share in reading.attention_extent)


def test_gray_colour_and_opaque_arrays_of_one_image_read_alike(reader):
    gray = tiny_model.images(1)[0][..., 0]
    colour = np.repeat(gray[..., None], 3, axis=-1)
    opaque = np.concatenate([colour, np.full_like(colour[..., :1], 255)], axis=-1)
    readings = reader.read([gray, gray[..., None], colour, opaque])
    assert len(set(texts(readings))) == 1


def test_red_and_blue_are_not_confused(reader):
    red = np.zeros((16, 40, 3), np.uint8)
    red[4:12, 5:30, 0] = 255
    (from_array,) = reader.read(red)
    (from_file,) = reader.read(tiny_model.encoded(red))
    assert from_array.confidence == from_file.confidence


def test_a_batch_size_below_one_is_refused(reader):
    with pytest.raises(ValueError, match="`batch_size` must be at least 1. Received: 0"):
        reader.read(tiny_model.files(1), batch_size=0)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.png", "No such file"),
        ("folder", "cannot be opened"),
        ("a\0b.png", "null byte"),
        ("a" * 5000, "too long"),
    ],
)
def test_a_file_that_cannot_be_opened_is_named_and_the_others_are_read(
    reader, tmp_path, name, reason
):
    (tmp_path / "folder").mkdir()
    good = tiny_model.files(2)
    first, bad, last = reader.read([good[0], str(tmp_path / name), good[1]])
    assert (bad.text, bad.confidence, bad.character_confidences) == ("", 0.0, ())
    assert reason in bad.error
    assert texts([first, last]) == texts(reader.read(good))
    assert first.error is None
    assert last.error is None


def broken_images() -> dict[str, bytes]:
    image = tiny_model.images(1)[0]
    return {
        "empty": b"",
        "text": b"this is no image",
        "cut PNG": tiny_model.encoded(image)[:-200],
        "PNG header alone": tiny_model.encoded(image)[:30],
        "cut JPEG": tiny_model.encoded(image, "JPEG")[:300],
        "cut BMP": tiny_model.encoded(image, "BMP")[:-100],
        "cut GIF": tiny_model.encoded(image, "GIF")[:100],
        "other format": tiny_model.encoded(image, "PPM"),
    }


@pytest.mark.parametrize("kind", broken_images())
def test_a_broken_image_is_reported_in_its_place_and_the_others_are_read(reader, kind):
    good = tiny_model.files(2)
    first, bad, last = reader.read([good[0], broken_images()[kind], good[1]])
    assert (bad.text, bad.confidence, bad.character_confidences) == ("", 0.0, ())
    assert bad.attention.shape[0] == 0
    assert bad.error.startswith("unreadable image: ")
    assert texts([first, last]) == texts(reader.read(good))


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (3, 2), (700, 900)])
def test_images_of_every_size_are_read(reader, shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    (reading,) = reader.read(tiny_model.encoded(image))
    assert reading.error is None
    assert np.isfinite(reading.confidence)


def test_sixteen_bits_read_as_eight(reader, tmp_path):
    gray = tiny_model.images(1)[0][..., 0]
    deep = Image.fromarray(gray.astype(np.uint16) * 257)
    path = save(deep, tmp_path / "deep.png")
    assert texts(reader.read(path)) == texts(reader.read(gray))


def test_cmyk_reads_as_its_rgb(reader, tmp_path):
    image = Image.fromarray(tiny.word_image("ab01", 40))
    path = save(image.convert("CMYK"), tmp_path / "print.jpg", quality=95)
    same = save(image, tmp_path / "screen.jpg", quality=95)
    from_print, from_screen = reader.read([path, same])
    assert from_print.error is None
    assert from_print.confidence == pytest.approx(from_screen.confidence, rel=0.2)


def test_a_transparent_palette_reads_as_laid_over_white(reader, tmp_path):
    indices = np.random.default_rng(3).integers(0, 4, (16, 40), np.uint8)
    palette = np.array([[0, 0, 0], [200, 10, 10], [9, 90, 200], [255, 255, 255]], np.uint8)
    image = Image.fromarray(indices)
    image.putpalette(palette.tobytes())
    path = save(image, tmp_path / "palette.png", transparency=0)
    visible = palette.copy()
    visible[0] = 255
    assert texts(reader.read(path)) == texts(reader.read(visible[indices]))


def test_an_animation_reads_as_its_first_frame(reader, tmp_path):
    first, second = (Image.fromarray(image[:16, :24]) for image in tiny_model.images(2, seed=5))
    moving = save(first, tmp_path / "a.gif", save_all=True, append_images=[second], duration=90)
    still = save(first, tmp_path / "b.gif")
    assert texts(reader.read(moving)) == texts(reader.read(still))


def test_a_work_directory_and_its_export_read_alike(work_dir, reader):
    files = [*tiny_model.files(), b"", *broken_images().values()]
    expected = reader.read(files)
    for reading, exported in zip(load(work_dir).read(files), expected, strict=True):
        assert (reading.text, reading.error) == (exported.text, exported.error)
        assert reading.confidence == pytest.approx(exported.confidence, rel=1e-3)


def test_a_work_directory_decodes_as_it_is_told_and_an_export_as_it_was_made(work_dir, export):
    files = tiny_model.files(3)
    told = load(work_dir, decoding="ctc").read(files)
    assert [reading.text for reading in told] != [
        reading.text for reading in load(work_dir).read(files)
    ]
    with pytest.raises(ValueError, match="Expected settings of decoding. Received: beam"):
        load(work_dir, beam=5)
    with pytest.raises(ValueError, match="keeps its exported decoding.*Received: decoding='ctc'"):
        load(export, decoding="ctc")


def test_of_an_export_the_highest_version_is_loaded(tmp_path, monkeypatch):
    loaded = []

    def open_saved_model(directory):
        loaded.append(directory)
        return SimpleNamespace(config=tiny.config())

    monkeypatch.setattr(graph_engine, "open_saved_model", open_saved_model)
    for version in ("2", "9", "10", "10.old", "new"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "saved_model.pb").touch()
    (tmp_path / "11").mkdir()
    load(tmp_path)
    load(str(tmp_path / "2"))
    assert loaded == [tmp_path / "10", tmp_path / "2"]


def test_a_place_without_a_model_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is not a directory"):
        load(tmp_path / "nowhere")
    with pytest.raises(
        FileNotFoundError, match="No model found: .* has no weights.npz, saved_model.pb or"
    ):
        load(tmp_path)


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("open_model", [load, work_directory.load_trained_model])
def test_a_model_named_by_a_url_must_be_downloaded_first(kind, open_model):
    message = (
        r"^https://example.org/mine is a URL, and models are not fetched, .*: download the "
        "directory of the model, with all its files, and name its path"
    )
    with pytest.raises(FileNotFoundError, match=message):
        open_model(kind("https://example.org/mine"))


def test_without_a_path_the_weights_of_the_package_are_taken(work_dir, tmp_path, monkeypatch):
    loaded = []

    def open_work_directory(*given):
        loaded.append(given)
        return SimpleNamespace(config=tiny.config(), charset=tiny.CHARSET)

    monkeypatch.setattr(reader_module, "_open_work_directory", open_work_directory)
    monkeypatch.setattr(locate, "BUNDLED_WEIGHTS", tmp_path)
    with pytest.raises(FileNotFoundError, match="No bundled model found"):
        load()
    monkeypatch.setattr(locate, "BUNDLED_WEIGHTS", work_dir)
    assert load().config == tiny.config()
    assert loaded == [(work_dir, {})]


LOOKS = SecondLooksConfig(widths_below=0.8, deskew_below=0.4)


@pytest.fixture
def looking(work_dir, tmp_path):
    """A work directory that reads again what it reads without confidence."""
    folder = shutil.copytree(work_dir, tmp_path / "looking")
    dataclasses.replace(Config.load(folder), second_looks=LOOKS).save(folder)
    return folder


def test_second_looks_are_kept_with_the_model(looking, work_dir):
    reader = load(looking)
    assert isinstance(reader.engine, SecondLooksEngine)
    assert reader.config.second_looks == LOOKS
    assert not isinstance(load(work_dir).engine, SecondLooksEngine)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"second_looks": {"deskew_below": 0.0}}, SecondLooksConfig(widths_below=0.8)),
        ({"second_looks": True}, RECOMMENDED),
        (
            {"second_looks": SecondLooksConfig(widths_below=0.1)},
            SecondLooksConfig(widths_below=0.1),
        ),
        ({"deskew": False}, SecondLooksConfig(widths_below=0.8)),
        (
            {"rotate_tall": True},
            dataclasses.replace(LOOKS, rotate_tall_below=RECOMMENDED.rotate_tall_below),
        ),
        (
            {"second_looks": False, "deskew": True},
            SecondLooksConfig(deskew_below=RECOMMENDED.deskew_below),
        ),
    ],
)
def test_other_second_looks_may_be_chosen(looking, choice, expected):
    assert load(looking, **choice).config.second_looks == expected


def test_without_second_looks_a_model_reads_once(looking):
    assert not isinstance(load(looking, second_looks=False).engine, SecondLooksEngine)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"deskew": 0.5}, "Expected settings of second looks. Received: deskew"),
        ({"deskew_below": 1.5}, "`deskew_below` must be a confidence"),
        ("all", "`second_looks` must be a bool, a mapping or settings. Received: 'all'"),
    ],
)
def test_invalid_second_looks_are_refused(looking, choice, message):
    with pytest.raises(ValueError, match=message):
        load(looking, second_looks=choice)


def test_a_reading_says_whether_its_image_was_shrunk(work_dir):
    height, width = tiny.SETTINGS["image_height"], tiny.SETTINGS["max_image_width"]
    images = [np.zeros((height, size, 3), np.uint8) for size in (width, 2 * width)]
    reader = load(work_dir)
    assert [reading.shrunk for reading in reader.read(images)] == [False, True]
    assert not reader.read(b"no image")[0].shrunk

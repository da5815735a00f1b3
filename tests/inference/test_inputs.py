"""All that may be passed to a reader, and what it says of the rest."""

import io
import zipfile
from pathlib import PurePosixPath

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from attention_ocr.images.decode import decode
from attention_ocr.images.headers import ImageLimits
from attention_ocr.inference.inputs import one_image, open_image
from attention_ocr.inference.reader import Reader
from tests import tiny_model

FILE = tiny_model.files(1)[0]
IMAGE = tiny_model.images(1)[0]
GRAY = IMAGE[..., 0].copy()


def pixels(image: object) -> np.ndarray:
    """Return the pixels that a reader sees of an input."""
    opened = open_image(image)
    assert opened.error is None
    return opened.pixels


def as_shown(expected: np.ndarray) -> np.ndarray:
    """Return what a viewer shows of a lossless file of an image: three colours, no transparency."""
    buffer = io.BytesIO()
    Image.fromarray(expected.astype(np.uint8)).save(buffer, "PNG")
    return decode(buffer.getvalue())


def opened(path):
    return path.open("rb")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "word.png"
    path.write_bytes(FILE)
    return path


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path,
        str,
        lambda path: path.read_bytes(),
        lambda path: bytearray(path.read_bytes()),
        lambda path: memoryview(path.read_bytes()),
        opened,
        lambda path: path.open("rb", buffering=0),
        lambda path: io.BytesIO(path.read_bytes()),
        lambda path: io.BufferedReader(io.BytesIO(path.read_bytes())),
        Image.open,
        lambda path: np.asarray(Image.open(path)),
        lambda path: memoryview(np.asarray(Image.open(path))),
        lambda path: tf.constant(np.asarray(Image.open(path))),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_kind_of_input_reads_as_the_file_does(reader, path, make):
    (expected,) = reader.read(FILE)
    (alone,) = reader.read(make(path))
    first, second = reader.read([make(path), make(path)])
    for reading in (alone, first, second):
        assert reading.error is None
        assert reading.text == expected.text
        assert reading.confidence == pytest.approx(expected.confidence, rel=1e-3)


def test_a_file_of_an_archive_is_read(reader, tmp_path):
    with zipfile.ZipFile(tmp_path / "words.zip", "w") as archive:
        archive.writestr("word.png", FILE)
    with zipfile.ZipFile(tmp_path / "words.zip") as archive, archive.open("word.png") as file:
        assert reader.read(file)[0].text == reader.read(FILE)[0].text


def test_a_file_is_one_image_and_never_a_list_of_its_lines(reader):
    assert len(reader.read(io.BytesIO(FILE))) == 1
    assert len(list(reader.read_stream(io.BytesIO(b"one\ntwo\nthree\n")))) == 1
    with pytest.raises(ValueError, match="a file opened in text mode; open it with 'rb'"):
        reader.read(io.StringIO("one\ntwo\n"))
    # Nor is a path a list of its characters.
    assert len(list(reader.read_stream("missing.png"))) == 1


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (GRAY / np.float32(255), GRAY),
        (GRAY / np.float64(255), GRAY),
        (GRAY.astype(np.float16), GRAY.astype(np.float16).astype(np.uint8)),
        (IMAGE.astype(np.float32), IMAGE),
        (IMAGE.astype(np.int64), IMAGE),
        (GRAY.astype(np.uint16) * 257, GRAY),
        (GRAY > 127, np.where(GRAY > 127, 255, 0)),
        (GRAY[..., None], GRAY),
        (IMAGE[:, ::-1], IMAGE[:, ::-1]),
        # Cubic interpolation goes a little beyond the range.
        (np.array([[-0.05, 1.05]]), np.array([[0, 255]])),
        (np.array([[-9.0, 0.4, 264.0]]), np.array([[0, 0, 255]])),
        (np.array([[0, 1]]), np.array([[0, 1]])),
    ],
)
def test_arrays_of_every_type_become_eight_bits(image, expected):
    np.testing.assert_array_equal(pixels(image), as_shown(expected))


def pillow_images() -> dict[str, tuple[Image.Image, np.ndarray]]:
    colour, gray = Image.fromarray(IMAGE), Image.fromarray(GRAY)
    alpha = np.full_like(GRAY, 128)
    palette = colour.convert("P", palette=Image.Palette.ADAPTIVE)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    colour.save(turned, "PNG", exif=exif)
    return {
        "RGB": (colour, IMAGE),
        "L": (gray, GRAY),
        "1": (gray.convert("1"), np.where(np.asarray(gray.convert("1")), 255, 0)),
        "RGBA": (
            Image.merge("RGBA", [*colour.split(), Image.fromarray(alpha)]),
            np.dstack([IMAGE, alpha]),
        ),
        "LA": (
            Image.merge("LA", [gray, Image.fromarray(alpha)]),
            np.dstack([GRAY, GRAY, GRAY, alpha]),
        ),
        "P": (palette, np.asarray(palette.convert("RGB"))),
        "CMYK": (colour.convert("CMYK"), IMAGE),
        "16 bits": (Image.fromarray(GRAY.astype(np.uint16) * 257), GRAY),
        "32 bits": (Image.fromarray(GRAY.astype(np.int32) * 257), GRAY),
        "F": (Image.fromarray(GRAY.astype(np.float32)), GRAY),
        "turned": (Image.open(turned), np.rot90(IMAGE, 3)),
    }


@pytest.mark.parametrize("kind", pillow_images())
def test_pillow_images_of_every_mode_are_read_as_viewers_show_them(kind):
    image, expected = pillow_images()[kind]
    np.testing.assert_array_equal(pixels(image), as_shown(expected))


NO_IMAGES = {
    "number": (7, "Received: int"),
    "none": (None, "Received: NoneType"),
    "text handle": (io.StringIO("word.png"), "opened in text mode"),
    "other file": (type("File", (), {"read": lambda _: "text"})(), "whose `read` returns str"),
    "URL": ("https://example.org/word.png", "download the image and pass its bytes or its path"),
    "path of a URL": (
        PurePosixPath("https://example.org/word.png"),
        "a URL, 'https://example.org/word.png'; nothing is fetched",
    ),
    "data URL": ("data:image/png;base64,iVBORw0KGgo=", "a URL"),
    "at its end": (io.BufferedRandom(io.BytesIO(FILE)), "call `seek(0)` first"),
    "closed": (io.BytesIO(FILE), "closed file"),
    "two channels": (np.zeros((8, 9, 2), np.uint8), "an array of uint8 [8, 9, 2]"),
    "batch": (np.zeros((5, 8, 9, 3), np.uint8), "[5, 8, 9, 3]; pass several images as a list"),
    "channels first": (np.zeros((3, 8, 9), np.uint8), "[3, 8, 9]; channels come last"),
    "a row": (np.zeros(8, np.uint8), "uint8 [8]"),
    "a scalar": (np.uint8(8), "uint8 []"),
    "no pixels": (np.zeros((0, 9, 3), np.uint8), "must have pixels. Received: [0, 9, 3]"),
    "complex": (np.zeros((8, 9), np.complex64), "complex64 [8, 9]"),
    "not a number": (np.full((8, 9), np.nan), "Received: nan to nan"),
    "infinite": (np.array([[0.0, np.inf]]), "Received: 0 to inf"),
    "centred": (np.array([[-1.0, 1.0]]), "Received: -1 to 1"),
    "large": (np.array([[0.0, 65535.0]]), "Received: 0 to 65535"),
    "large integers": (np.array([[0, 256]]), "Received: int64, 0 to 256"),
}
NO_IMAGES["at its end"][0].seek(0, io.SEEK_END)
NO_IMAGES["closed"][0].close()


@pytest.mark.parametrize("kind", NO_IMAGES)
def test_what_is_no_image_is_refused_alone_and_fails_alone_among_others(reader, kind):
    image, message = NO_IMAGES[kind]
    with pytest.raises(ValueError, match="^An image") as error:
        reader.read(image)
    assert message in str(error.value)
    readings = reader.read([FILE, image, FILE])
    assert [reading.error is None for reading in readings] == [True, False, True]
    assert message in readings[1].error
    assert (readings[1].text, readings[1].confidence) == ("", 0.0)
    assert readings[0].text == readings[2].text == reader.read(FILE)[0].text


@pytest.mark.parametrize("kind", ["number", "text handle", "URL", "batch"])
def test_the_error_says_what_may_be_passed(reader, kind):
    with pytest.raises(
        ValueError, match="An image must be a path, the bytes of an image file, a f"
    ):
        reader.read(NO_IMAGES[kind][0])


def test_one_bad_array_of_a_hundred_fails_alone(reader):
    images = [GRAY] * 100
    images[41] = np.full((8, 9), np.nan)
    readings = reader.read(images)
    assert [place for place, reading in enumerate(readings) if reading.error] == [41]


def test_a_nested_list_is_an_error_of_its_place(reader):
    first, second = reader.read([[FILE], FILE])
    assert "Received: list" in first.error
    assert second.error is None


def test_pillow_images_that_are_too_large_or_damaged_have_their_error(reader):
    small = Reader(reader.engine, ImageLimits(max_image_pixels=100))
    (reading,) = small.read(Image.new("RGB", (20, 10)))
    assert reading.error == "image of 20x10 pixels, the limit is 100"
    cut = Image.open(io.BytesIO(tiny_model.encoded(IMAGE)[:-200]))
    (reading,) = reader.read(cut)
    assert reading.error.startswith("unreadable image")


def test_each_reading_has_the_path_or_the_key_of_its_image(reader, path):
    def paths(images):
        return [reading.path for reading in reader.read(images)]

    with path.open("rb") as file:
        assert paths([path, str(path), file, FILE, GRAY, Image.open(path), io.BytesIO(FILE)]) == [
            str(path),
            str(path),
            str(path),
            None,
            None,
            str(path),
            None,
        ]
    assert paths(path) == [str(path)]
    assert paths({"front": FILE, 2: GRAY, "no": 5}) == ["front", "2", "no"]
    assert paths(np.array([str(path), "missing.png"])) == [str(path), "missing.png"]


def test_what_is_one_image_and_what_are_several():
    for image in ("a", b"a", bytearray(b"a"), io.BytesIO(), GRAY, None, 5, Image.new("L", (1, 1))):
        assert one_image(image)
    for images in (
        [GRAY],
        (FILE,),
        {"a": FILE},
        iter([FILE]),
        np.array(["a"]),
        np.array([GRAY, 1], object),
    ):
        assert not one_image(images)

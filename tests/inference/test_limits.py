import numpy as np
import pytest

import attention_ocr
from attention_ocr.cli import main as command
from attention_ocr.images.headers import ImageLimits
from tests import tiny_model
from tests.hostile_images import ANY, READ, hostile_images


def test_hostile_images_are_read_or_named_each_for_itself(reader):
    corpus = hostile_images()
    good = tiny_model.files(2)
    expected = reader.read(good)
    readings = reader.read(
        [good[0], *(image.content for image in corpus.values()), good[1]],
        batch_size=len(corpus) + 2,
    )
    for reading, alone in zip((readings[0], readings[-1]), expected, strict=True):
        assert (reading.text, reading.error) == (alone.text, None)
        assert reading.confidence == pytest.approx(alone.confidence, rel=1e-3)
    for (name, image), reading in zip(corpus.items(), readings[1:-1], strict=True):
        if image.status == READ:
            assert reading.error is None, name
        elif image.status != ANY:
            assert image.status in reading.error, name
            assert (reading.text, reading.confidence) == ("", 0.0), name


def test_given_limits_are_used(export):
    small, large = np.zeros((10, 10, 3), np.uint8), np.zeros((10, 11, 3), np.uint8)
    reader = attention_ocr.load(export, limits=ImageLimits(max_image_pixels=100))
    assert [reading.error for reading in reader.read([small, large])] == [
        None,
        "image of 11x10 pixels, the limit is 100",
    ]


def test_the_command_takes_limits(export, tmp_path, capsys):
    path = tmp_path / "large.png"
    path.write_bytes(tiny_model.encoded(np.zeros((10, 11, 3), np.uint8)))
    for flag, message in (
        ("--max_image_pixels=100", "image of 11x10 pixels, the limit is 100"),
        ("--max_image_bytes=9", f"image of {path.stat().st_size} bytes, the limit is 9"),
        (
            "--max_unpacked_bytes=339",
            "image of 11x10 pixels that unpacks to 340 bytes, the limit is max_unpacked_bytes=339: "
            "raise it, or shrink the image",
        ),
    ):
        assert command.main(["read", str(path), f"--model={export}", flag]) == 1
        assert capsys.readouterr().err == f"attention-ocr read: {path}: {message}\n"

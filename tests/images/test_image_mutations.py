"""Changes that keep the structure of a file."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.image_mutations import change_structure, files_to_change, whole_images

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")


def images_of(file_format):
    return [
        content
        for content in whole_images()
        if Image.open(io.BytesIO(content)).format == file_format
    ]


def changed(content, count=300, seed=0):
    random = np.random.default_rng(seed)
    return [change_structure(content, random) for _ in range(count)]


def opens(content):
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
    except Exception:  # noqa: BLE001
        return False
    return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_changed_file_still_gets_into_the_decoder_and_is_another(file_format):
    for content in images_of(file_format):
        files = changed(content, 60)
        assert all(file is not None and file[:2] == content[:2] for file in files)
        assert len(set(files)) > 20
        # Some are read, which bytes changed at random hardly are; some are not.
        assert 0 < sum(map(opens, files)) < len(files)


def test_the_checksums_of_a_changed_png_are_right():
    (content, *_) = images_of("PNG")
    for file in changed(content):
        position = 8
        while position < len(file):
            (length,) = struct.unpack_from(">I", file, position)
            end = position + 8 + length
            (checksum,) = struct.unpack_from(">I", file, end)
            assert checksum == zlib.crc32(file[position + 4 : end])
            position = end + 4
        assert position == len(file)


def test_the_same_seed_changes_alike():
    for content in whole_images():
        assert changed(content, 5, seed=1) == changed(content, 5, seed=1)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG", b"GIF89a", b"BM", b"II*\x00\xff"])
def test_what_is_no_image_is_left_alone(content):
    assert changed(content, 20) == [None] * 20


def test_a_damaged_file_is_changed_or_left_alone_and_no_error():
    random = np.random.default_rng(0)
    for content in files_to_change():
        for place in (len(content) // 4, len(content) // 2):
            damaged = content[:place] + b"\xff" + content[place + 1 :]
            for _ in range(10):
                file = change_structure(damaged, random)
                assert file is None or file[:2] == damaged[:2]

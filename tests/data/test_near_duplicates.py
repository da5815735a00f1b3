"""Near-duplicate images are found whatever their files; different words are not."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from attention_ocr.data.near_duplicates import near_duplicates, perceptual_hash
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig


@pytest.fixture(scope="module")
def words():
    config = SynthesisConfig(fonts="bundled", kinds=("words",), difficulty=0.2, min_length=5)
    return [image for image, _ in Renderer(config).generate(0, 60)]


def jpeg(image: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=90)
    return np.asarray(Image.open(buffer))


def enlarged(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)


def distance(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.bitwise_count((first ^ second).view(np.uint64)).sum())


@pytest.mark.parametrize("change", [jpeg, enlarged])
def test_changed_files_of_an_image_are_found(words, change):
    hashes = np.stack([perceptual_hash(image) for image in [*words, *map(change, words)]])
    found = set(near_duplicates(hashes))
    pairs = {(index, index + len(words)) for index in range(len(words))}
    assert len(found & pairs) >= 0.9 * len(words)
    assert found <= pairs


def test_the_hash_tells_where_the_brightness_falls():
    image = np.zeros((8, 17, 3), np.uint8)
    image[2, 4] = 200
    bits = np.unpackbits(perceptual_hash(image).view(np.uint8)).reshape(8, 16)
    assert np.argwhere(bits).tolist() == [[2, 4]]


def test_images_without_contrast_are_no_duplicates_of_each_other():
    hashes = np.stack([perceptual_hash(np.full((9, 30, 3), value, np.uint8)) for value in (1, 99)])
    assert not hashes.any()
    assert not list(near_duplicates(hashes))


def test_pairs_are_those_of_a_search_over_all_pairs():
    rng = np.random.default_rng(1)
    originals = rng.integers(0, 2**63, (40, 2), np.int64)
    changed = originals[:20].copy()
    for row, hashed in enumerate(changed):
        for bit in rng.choice(128, row % 6, replace=False):
            hashed[bit // 64] ^= np.uint64(1 << (bit % 64)).astype(np.int64)
    hashes = np.concatenate([originals, changed])
    expected = [
        (i, j) for i in range(60) for j in range(i + 1, 60) if distance(hashes[i], hashes[j]) <= 3
    ]
    assert list(near_duplicates(hashes)) == expected
    assert len(expected) == 14


def test_no_images_have_no_duplicates():
    assert not list(near_duplicates(np.zeros((0, 2), np.int64)))

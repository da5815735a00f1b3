import cv2
import numpy as np

from attention_ocr.data.labels import read_labels
from attention_ocr.data.records import parse_example
from benchmarks.words import serialized_words, write_images


def test_images_are_written_with_their_labels(tmp_path):
    paths = write_images(tmp_path, 5)
    rows = read_labels(tmp_path / "labels.tsv")
    assert [row.path for row in rows] == paths
    assert all(row.text for row in rows)
    heights = [cv2.imread(str(path)).shape[0] for path in paths]
    assert all(height > 8 for height in heights)


def test_every_machine_and_call_renders_the_same(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (write_images(tmp_path / name, 3) for name in ("one", "two"))
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(cv2.imread(str(first)), cv2.imread(str(second)))
    more = write_images(tmp_path / "two", 4)
    np.testing.assert_array_equal(cv2.imread(str(more[0])), cv2.imread(str(one[0])))


def test_serialised_words_are_the_same_words_as_jpeg(tmp_path):
    paths = write_images(tmp_path, 3)
    texts = [row.text for row in read_labels(tmp_path / "labels.tsv")]
    parsed = {name: value.numpy() for name, value in parse_example(serialized_words(3)).items()}
    assert [text.decode() for text in parsed["text"]] == texts
    assert parsed["key"].tolist() == [b"0", b"1", b"2"]
    for path, encoded in zip(paths, parsed["encoded"], strict=True):
        assert encoded.startswith(b"\xff\xd8")
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
        # JPEG is lossy, and has the same size and almost the same tone.
        assert image.shape == cv2.imread(str(path)).shape
        assert abs(float(image.mean()) - float(cv2.imread(str(path)).mean())) < 6.0

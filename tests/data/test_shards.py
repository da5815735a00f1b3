import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from attention_ocr.data import shards
from attention_ocr.data.labels import LabelledImage
from attention_ocr.data.records import FEATURES, parse_example
from attention_ocr.data.shard_files import check_shards
from attention_ocr.data.shards import write_shards
from attention_ocr.images.decode import decode_array
from attention_ocr.images.graph_fitting import decode_image
from attention_ocr.text.charset import Charset

TURNED = Image.Exif()
TURNED[0x0112] = 6
REPOSITORY = Path(__file__).parents[2]


def encode(file_format: str, mode: str = "RGB", width: int = 19, **options: object) -> bytes:
    pixels = np.random.default_rng(width).integers(0, 256, (7, width, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    if mode == "I;16":
        image = Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257)
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, file_format, **options)
    return buffer.getvalue()


def make_image(path: Path, text: str, encoded: bytes | None = None) -> LabelledImage:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode("PNG") if encoded is None else encoded)
    return LabelledImage(path, path.name, text)


@pytest.fixture
def images(tmp_path):
    return [
        make_image(
            tmp_path / f"my images/word {index}.png", f"text {index}", encode("PNG", width=w)
        )
        for index, w in enumerate(range(11, 18))
    ]


def read(folder: Path, name: str = "data") -> list[dict[str, bytes]]:
    files = sorted(str(path) for path in folder.glob(f"{name}-*.tfrecord"))
    return list(tf.data.TFRecordDataset(files).map(parse_example).as_numpy_iterator())


def file_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_shards_hold_the_images_in_order_byte_for_byte(images, tmp_path):
    report = write_shards(images, tmp_path / "out", "train", num_shards=3)
    assert file_names(tmp_path / "out") == [
        "train-00000-of-00003.tfrecord",
        "train-00001-of-00003.tfrecord",
        "train-00002-of-00003.tfrecord",
        "train.dataset.json",
    ]
    examples = read(tmp_path / "out", "train")
    assert [e["key"].decode() for e in examples] == [f"word {index}.png" for index in range(7)]
    assert [e["text"].decode() for e in examples] == [f"text {index}" for index in range(7)]
    assert [e["encoded"] for e in examples] == [image.path.read_bytes() for image in images]
    assert [shard.num_examples for shard in report.shards] == [2, 2, 3]


def test_the_size_in_pixels_is_stored(images, tmp_path):
    write_shards(images[:1], tmp_path / "out")
    (record,) = tf.data.TFRecordDataset(str(tmp_path / "out/data-00000-of-00001.tfrecord"))
    features = tf.io.parse_single_example(record, FEATURES)
    assert (features["image/height"].numpy(), features["image/width"].numpy()) == (7, 11)


@pytest.mark.parametrize(
    "encoded",
    [
        encode("PNG", "L"),
        encode("PNG", "1"),
        encode("PNG", "RGBA"),
        encode("PNG", "P", transparency=0),
        encode("PNG", "I;16"),
        encode("PNG", width=1),
        encode("JPEG"),
        encode("JPEG", "L"),
        encode("JPEG", "CMYK"),
    ],
)
def test_what_every_decoder_reads_alike_is_written_as_it_is(tmp_path, encoded):
    image = make_image(tmp_path / "image", "text", encoded)
    write_shards([image], tmp_path / "out")
    (example,) = read(tmp_path / "out")
    assert example["encoded"] == encoded
    np.testing.assert_array_equal(decode_image(tf.constant(encoded)), decode_array(encoded))


@pytest.mark.parametrize(
    "encoded",
    [
        encode("BMP"),
        encode("BMP", "1"),
        encode("GIF", "P", transparency=0),
        encode("GIF", "P", save_all=True, append_images=[Image.new("P", (19, 7))]),
        encode("WEBP"),
        encode("TIFF", compression="tiff_lzw"),
        encode("JPEG", exif=TURNED),
        encode("PNG", exif=TURNED),
    ],
)
def test_what_tensorflow_may_read_otherwise_is_written_as_a_png_of_its_pixels(tmp_path, encoded):
    image = make_image(tmp_path / "image", "text", encoded)
    write_shards([image], tmp_path / "out")
    (example,) = read(tmp_path / "out")
    pixels = decode_array(encoded)
    np.testing.assert_array_equal(tf.io.decode_png(example["encoded"], channels=3), pixels)
    (record,) = tf.data.TFRecordDataset(str(tmp_path / "out/data-00000-of-00001.tfrecord"))
    size = tf.io.parse_single_example(record, FEATURES)
    assert (size["image/height"], size["image/width"]) == pixels.shape[:2]


def test_bad_items_are_reported_beside_their_names_and_the_rest_is_written(images, tmp_path):
    bad = [
        make_image(tmp_path / "cut off.png", "a", encode("PNG")[:-20]),
        make_image(tmp_path / "cut off.jpg", "b", encode("JPEG")[:-2]),
        make_image(tmp_path / "empty.png", "c", b""),
        make_image(tmp_path / "no image.png", "d", b"plain text"),
        LabelledImage(tmp_path / "missing.png", "missing.png", "e"),
        LabelledImage(tmp_path / "my images", "my images", "f"),
        make_image(tmp_path / "long.png", "123456789"),
    ]
    mixed = [item for pair in zip(images, bad, strict=True) for item in pair]
    report = write_shards(mixed, tmp_path / "out", num_shards=2, max_length=8)
    assert [(image.key, image.reason) for image in report.skipped] == [
        ("cut off.png", "unreadable"),
        ("cut off.jpg", "unreadable"),
        ("empty.png", "unreadable"),
        ("no image.png", "unreadable"),
        ("missing.png", "missing"),
        ("my images", "unreadable"),
        ("long.png", "too_long"),
    ]
    assert [image.detail for image in report.skipped[:4]] == [
        *("damaged or cut short", "damaged or cut short", "empty file"),
        "not a PNG, JPEG, BMP, GIF, WebP, TIFF or AVIF file",
    ]
    assert report.skipped[6].detail == "label of 9 characters, the limit is 8"
    assert report.num_examples == 7
    assert [e["key"].decode() for e in read(tmp_path / "out")] == [image.key for image in images]


def test_the_report_is_kept_beside_the_shards(images, tmp_path):
    images.append(LabelledImage(tmp_path / "missing.png", "fehlt.png", "ä"))
    report = write_shards(images, tmp_path / "out", num_shards=2)
    content = json.loads((tmp_path / "out/data.dataset.json").read_text(encoding="utf-8"))
    assert content["num_examples"] == report.num_examples == 7
    assert content["skipped"] == [
        {"key": "fehlt.png", "reason": "missing", "detail": "no such file"}
    ]
    for shard, entry in zip(report.shards, content["shards"], strict=True):
        assert entry["file"] == shard.file
        assert entry["num_bytes"] == (tmp_path / "out" / shard.file).stat().st_size


def test_characters_outside_the_charset_are_counted_in_what_is_written(tmp_path):
    images = [
        make_image(tmp_path / "a.png", "née née"),
        make_image(tmp_path / "b.png", "naïve"),
        make_image(tmp_path / "c.png", "ßßßß", b""),
    ]
    report = write_shards(images, tmp_path / "out", charset=Charset("aenv"))
    assert report.unknown_characters == {"é": 2, " ": 1, "ï": 1}
    assert next(iter(report.unknown_characters)) == "é"
    assert report.num_examples == 2


def test_two_processes_write_what_one_writes(images, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "_CHUNK_SIZE", 2)
    images.insert(3, make_image(tmp_path / "empty.png", "x", b""))
    alone = write_shards(images, tmp_path / "alone", num_shards=3)
    together = write_shards(images, tmp_path / "together", num_shards=3, num_workers=2)
    assert alone == together
    for name in file_names(tmp_path / "alone"):
        one, other = tmp_path / "alone" / name, tmp_path / "together" / name
        assert one.read_bytes() == other.read_bytes()


def test_a_data_set_is_not_overwritten_unasked(images, tmp_path):
    write_shards(images, tmp_path / "out", num_shards=3)
    with pytest.raises(FileExistsError, match=r"data-00000-of-00003\.tfrecord"):
        write_shards(images[:2], tmp_path / "out")
    assert len(read(tmp_path / "out")) == 7


def test_overwriting_leaves_no_shard_of_the_old_data_set(images, tmp_path):
    write_shards(images, tmp_path / "out", num_shards=3)
    write_shards(images[:2], tmp_path / "out", overwrite=True)
    assert file_names(tmp_path / "out") == ["data-00000-of-00001.tfrecord", "data.dataset.json"]


def test_data_sets_whose_names_begin_alike_share_a_folder(images, tmp_path):
    write_shards(images, tmp_path / "out", "train-de", num_shards=2)
    write_shards(images[:3], tmp_path / "out", "train")
    write_shards(images[:2], tmp_path / "out", "train", overwrite=True)
    assert len(read(tmp_path / "out", "train-de")) == 7
    check_shards((tmp_path / "out").glob("*.tfrecord"))


def fail_to_write(monkeypatch: pytest.MonkeyPatch, from_shard: int) -> None:
    """Send the shards from the given one on to a device that is always full."""
    real_writer = tf.io.TFRecordWriter

    def writer(path: str) -> tf.io.TFRecordWriter:
        index = int(Path(path).name.split("-")[1])
        return real_writer("/dev/full" if index >= from_shard else path)

    monkeypatch.setattr(tf.io, "TFRecordWriter", writer)


needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")


@needs_full_device
def test_a_full_disk_gives_one_line_and_leaves_nothing(images, tmp_path, monkeypatch):
    fail_to_write(monkeypatch, from_shard=1)
    with pytest.raises(OSError, match="Could not write a shard: .*No space left") as failure:
        write_shards(images, tmp_path / "out", num_shards=3)
    assert "\n" not in str(failure.value)
    assert file_names(tmp_path / "out") == []


@needs_full_device
def test_a_full_disk_harms_no_older_data_set(images, tmp_path, monkeypatch):
    write_shards(images, tmp_path / "out", num_shards=2)
    before = file_names(tmp_path / "out")
    fail_to_write(monkeypatch, from_shard=1)
    with pytest.raises(OSError, match="No space left"):
        write_shards(images[:4], tmp_path / "out", num_shards=4, overwrite=True)
    assert file_names(tmp_path / "out") == before
    check_shards((tmp_path / "out").glob("*.tfrecord"))
    assert len(read(tmp_path / "out")) == 7


def test_a_data_set_without_a_usable_image_is_refused(tmp_path):
    images = [make_image(tmp_path / f"{name}.png", "x", b"") for name in "ab"]
    with pytest.raises(ValueError, match=r"Received: 2 that cannot, first a\.png \(empty file\)"):
        write_shards(images, tmp_path / "out")
    assert file_names(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_shards": 0}, "7, the number of images. Received: num_shards=0"),
        ({"num_shards": 8}, "7, the number of images. Received: num_shards=8"),
        ({"num_workers": 0}, "Received: num_workers=0"),
        ({"name": "../data"}, r"Received: '\.\./data'"),
        ({"name": ""}, "Received: ''"),
    ],
)
def test_impossible_arguments_are_refused(images, tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        write_shards(images, tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


KILLED_RUN = """
import sys
from pathlib import Path
from attention_ocr.data.labels import LabelledImage
from attention_ocr.data.shards import write_shards

folder = Path(sys.argv[1])
images = [LabelledImage(folder / name, name, "text") for name in ("a.png", "b.png")]
write_shards(images, folder / "out", num_shards=2, num_workers=2)
"""


def wait_until(condition, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_killed_run_leaves_no_shard_and_no_process_and_can_be_repeated(tmp_path):
    images = [make_image(tmp_path / name, "text") for name in ("a.png", "b.png")]
    # Reading a named pipe without a writer lasts forever: the run is killed in its midst.
    pipe = images[1].path
    pipe.unlink()
    os.mkfifo(pipe)
    run = subprocess.Popen([sys.executable, "-c", KILLED_RUN, str(tmp_path)], cwd=REPOSITORY)
    pipe_ends = []

    def is_being_read() -> bool:
        try:
            pipe_ends.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return run.poll() is not None
        return True

    wait_until(is_being_read)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    assert list((tmp_path / "out").glob("*.tfrecord")) == []

    def has_no_reader() -> bool:
        try:
            os.write(pipe_ends[0], b"x")
        except BrokenPipeError:
            return True
        return False

    wait_until(has_no_reader)
    os.close(pipe_ends[0])
    pipe.unlink()
    make_image(pipe, "text")
    assert write_shards(images, tmp_path / "out", num_shards=2).num_examples == 2
    assert len(file_names(tmp_path / "out")) == 3

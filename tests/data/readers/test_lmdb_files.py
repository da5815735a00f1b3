import pytest
import tensorflow as tf

from attention_ocr.data.inspection import Inspection, inspect_source
from attention_ocr.data.pipeline import NOT_UTF8, SkipReport, training_batches
from attention_ocr.data.shards import SourceImages, write_shards
from attention_ocr.data.sources import Walk, open_source
from attention_ocr.settings.image import ImageConfig
from attention_ocr.text.charset import Charset
from tests import tiny

lmdb = pytest.importorskip("lmdb")
TEXTS = ["a", "cafe\u0301", "", "0 1"]


def write(folder, texts, number=None, **others):
    """Write a database as crnn's `create_dataset.py` does."""
    with (
        lmdb.open(str(folder), map_size=1 << 24) as environment,
        environment.begin(write=True) as transaction,
    ):
        for index, text in enumerate(texts, start=1):
            encoded = tf.io.encode_png(tiny.word_image(text or "-")).numpy()
            transaction.put(b"image-%09d" % index, encoded)
            transaction.put(b"label-%09d" % index, text.encode())
        transaction.put(b"num-samples", str(number or len(texts)).encode())
        for name, value in others.items():
            transaction.put(name.replace("_", "-").encode(), value)
    return folder


def test_a_database_gives_its_images_and_texts_in_order(tmp_path):
    source = open_source(str(write(tmp_path / "words", TEXTS)))
    rows = list(source.examples(Walk()).as_numpy_iterator())
    assert [row["key"] for row in rows] == [b"image-%09d" % index for index in (1, 2, 3, 4)]
    assert [row["text"].decode() for row in rows] == ["a", "café", "", "0 1"]
    assert [row["image"].shape[0] for row in rows] == [16] * 4
    assert list(source.labels()) == ["a", "café", "", "0 1"]


def test_one_database_may_be_opened_for_training_and_for_validation(tmp_path):
    path = write(tmp_path / "words", TEXTS)
    train, held_out = (open_source(f"{path},every=2,part={part}") for part in ("train", "eval"))
    assert list(train.labels()) + list(held_out.labels()) == ["a", "", "café", "0 1"]


def test_one_database_may_be_opened_under_several_spellings(tmp_path, monkeypatch):
    write(tmp_path / "words.lmdb", TEXTS)
    (tmp_path / "link.lmdb").symlink_to("words.lmdb")
    monkeypatch.chdir(tmp_path)
    spellings = ["words.lmdb", "./words.lmdb", "words.lmdb/", "link.lmdb", f"{tmp_path}/words.lmdb"]
    for spelling in (*spellings, "words.lmdb/data.mdb"):
        assert list(open_source(f"{spelling},format=lmdb").labels()) == ["a", "café", "", "0 1"]


def test_an_image_that_is_not_there_has_no_pixels(tmp_path):
    path = write(tmp_path / "words", ["a", "b"], number=3, label_000000003=b"c")
    images = [
        row["image"].size for row in open_source(str(path)).examples(Walk()).as_numpy_iterator()
    ]
    assert [size > 0 for size in images] == [True, True, False]


def test_a_label_that_is_not_there_is_named(tmp_path):
    path = write(tmp_path / "words", ["a", "b"], number=3)
    with pytest.raises(ValueError, match="Expected label-000000003"):
        list(open_source(str(path)).labels())


@pytest.fixture
def latin_1(tmp_path):
    """A database whose first label of two is not UTF-8."""
    path = write(tmp_path / "words", ["a", "b"], label_000000001="café".encode("latin-1"))
    return open_source(str(path))


def test_a_label_that_is_not_utf_8_is_found_and_not_trained_on(latin_1):
    found = inspect_source(latin_1, Inspection(ImageConfig()))
    assert found.findings["not_utf8"].examples == [("image-000000001", r"caf\xe9")]
    report = SkipReport()
    config = tiny.config()
    batches = training_batches(latin_1, config, Charset("ab"), report)
    assert set(next(batches.as_numpy_iterator())["text"]) == {b"b"}
    assert set(report.counts) == {NOT_UTF8}


def test_a_label_that_is_not_utf_8_is_not_written_to_records(latin_1, tmp_path):
    report = write_shards(SourceImages(latin_1), tmp_path / "out")
    (skipped,) = report.skipped
    assert (report.num_examples, skipped.key, skipped.reason) == (1, "image-000000001", "not_utf8")
    assert skipped.detail == r"label that is not UTF-8: caf\xe9"
    with pytest.raises(ValueError, match=r"image-000000001: label that is not UTF-8: caf\\xe9"):
        write_shards(SourceImages(latin_1), tmp_path / "strict", fail_on_bad=True)


@pytest.mark.parametrize("number", [b"0", b"many", b"-3"])
def test_a_wrong_number_of_samples_is_refused(number, tmp_path):
    path = write(tmp_path / "words", ["a"], num_samples=number)
    with pytest.raises(ValueError, match="number above 0 under `num-samples`"):
        open_source(str(path))


def test_a_database_without_images_is_refused(tmp_path):
    with lmdb.open(str(tmp_path / "other")) as environment, environment.begin(write=True) as t:
        t.put(b"x", b"y")
    with pytest.raises(ValueError, match="`num-samples` in .*other. Received: None"):
        open_source(str(tmp_path / "other"))


def test_a_corrupt_database_is_refused(tmp_path):
    file = write(tmp_path / "words", TEXTS) / "data.mdb"
    content = file.read_bytes()
    file.write_bytes(b"\xff" * len(content))
    with pytest.raises(ValueError, match="Expected an LMDB database. Received: .*words"):
        open_source(str(tmp_path / "words"))


def test_a_database_that_was_cut_short_is_refused(tmp_path):
    file = write(tmp_path / "words", [str(index) for index in range(60)]) / "data.mdb"
    file.write_bytes(file.read_bytes()[: 5 * 4096])
    with pytest.raises(
        ValueError, match="data.mdb of at least .* Received: 20480; it was truncated"
    ):
        open_source(str(tmp_path / "words"))


def test_a_folder_without_a_database_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="No LMDB database at"):
        open_source(f"{tmp_path},format=lmdb")

"""Evaluation with one lexicon per image, from LMDB and from TensorFlow Datasets."""

import dataclasses

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.sources import open_source
from attention_ocr.evaluation.evaluate import evaluate_batches, make_recognize
from attention_ocr.evaluation.image_lexicons import has_lexicons, make_lexicon_recognize
from attention_ocr.inference.work_directory import load_trained_model
from tests import tiny

lmdb = pytest.importorskip("lmdb")

TEXTS = ["ab", "ca1", "b", "0123", "abc"]
LEXICONS = ["ab cc 10", "CA1 bb", "b", "", "zzz toolongforit abc"]


class LexiconTestWords(tfds.core.GeneratorBasedBuilder):
    """Words with lexicons."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "text": tfds.features.Text(),
            "lexicon": tfds.features.Sequence(tfds.features.Text()),
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"test": self._generate_examples()}

    def _generate_examples(self):
        for index, (text, lexicon) in enumerate(zip(TEXTS, LEXICONS, strict=True)):
            image = tiny.word_image(text)
            yield index, {"image": image, "text": text, "lexicon": lexicon.split()}


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lexicons") / "words.lmdb"
    with (
        lmdb.open(str(folder), map_size=1 << 24) as environment,
        environment.begin(write=True) as transaction,
    ):
        for index, (text, lexicon) in enumerate(zip(TEXTS, LEXICONS, strict=True), start=1):
            image = tf.io.encode_png(tiny.word_image(text)).numpy()
            transaction.put(b"image-%09d" % index, image)
            transaction.put(b"label-%09d" % index, text.encode())
            transaction.put(b"lexicon-%09d" % index, lexicon.encode())
        transaction.put(b"num-samples", str(len(TEXTS)).encode())
    return folder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    LexiconTestWords(data_dir=folder).download_and_prepare()
    return f"tfds:lexicon_test_words:1.0.0,split=test,data_dir={folder}"


def predictions(work_dir, source: str, **decoding) -> dict[str, str]:
    model = load_trained_model(work_dir)
    config = model.config.with_decoding(decoding)
    batches = evaluation_batches(open_source(source), config)
    assert has_lexicons(batches)
    read = make_lexicon_recognize(model.recognizer, config, model.charset)
    evaluation = evaluate_batches(read, batches, model.charset)
    return {prediction.label: prediction.prediction for prediction in evaluation.predictions}


@pytest.mark.parametrize("decoding", [{}, {"beam_width": 3}, {"decoding": "ctc"}])
def test_predictions_are_words_of_the_lexicon_of_the_image(work_dir, database, decoding):
    read = predictions(work_dir, f"{database},lexicon=lexicon", **decoding)
    assert list(read) == TEXTS
    assert read["ab"] in ("ab", "cc", "10")
    assert read["b"] == "b"
    assert read["abc"] == "abc"
    # One of its words has capitals, and the other may not be predicted.
    assert read["ca1"] == "bb"
    folded = predictions(
        work_dir, f"{database},lexicon=lexicon", lexicon_ignore_case=True, **decoding
    )
    assert folded["ca1"] in ("ca1", "bb")


def test_an_image_with_an_empty_lexicon_is_recognised_without_one(work_dir, database):
    model = load_trained_model(work_dir)
    config = dataclasses.replace(model.config)
    batches = evaluation_batches(open_source(str(database)), config)
    assert not has_lexicons(batches)
    free = evaluate_batches(
        make_recognize(model.recognizer, config, model.charset), batches
    ).predictions
    read = predictions(work_dir, f"{database},lexicon=lexicon")
    assert read["0123"] == free[3].prediction


def test_lexicons_of_tensorflow_datasets_are_used(work_dir, prepared, database):
    read = predictions(work_dir, f"{prepared},lexicon=lexicon")
    expected = predictions(work_dir, f"{database},lexicon=lexicon")
    assert read == {text: expected[text] for text in read}
    assert len(read) == len(TEXTS)


def test_sources_without_a_lexicon_are_refused_by_name(prepared, database):
    with pytest.raises(ValueError, match="these lexicons: lexicon. Received: lexicon=text"):
        open_source(f"{prepared},lexicon=text")
    with pytest.raises(ValueError, match="Expected other-000000001 in .*Received: no such entry"):
        open_source(f"{database},lexicon=other")
    with pytest.raises(ValueError, match="needs a single source, not a mixture"):
        open_source(f"{database},lexicon=lexicon,weight=1;{database},weight=1")


def test_lexicons_per_image_exclude_a_rule_for_all(work_dir):
    model = load_trained_model(work_dir)
    config = model.config.with_decoding({"pattern": "a+"})
    with pytest.raises(ValueError, match="Received both: pattern='a[+]'"):
        make_lexicon_recognize(model.recognizer, config, model.charset)

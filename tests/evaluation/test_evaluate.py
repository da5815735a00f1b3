import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.sources import open_source
from attention_ocr.decoding.context import prepare_decoding
from attention_ocr.evaluation.evaluate import Prediction, evaluate_batches, make_recognize
from attention_ocr.inference.recognize import RecognitionOutput, recognize
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.language_models.files import save_language_model
from attention_ocr.language_models.ngram import train_ngram
from attention_ocr.text.charset import Charset
from tests import tiny


def reader_of(answers: list[tuple[str, float]]):
    """Return a `recognize` that returns the answers in order, whatever the images."""
    remaining = iter(answers)

    def read(images: tf.Tensor, _: tf.Tensor) -> RecognitionOutput:
        rows = [next(remaining) for _ in images]
        return RecognitionOutput(
            text=tf.constant([text for text, _ in rows]),
            confidence=tf.constant([confidence for _, confidence in rows]),
            character_confidences=tf.zeros((len(rows), 2)),
            attention=tf.zeros((len(rows), 2, 1, 1)),
        )

    return read


def batches_of(labels: list[str], readable: list[bool], size: int = 2) -> list[dict]:
    rows = range(len(labels))
    return [
        {
            "images": tf.zeros((len(part), 16, 16, 1)),
            "image_sizes": tf.fill((len(part), 2), 16),
            "text": tf.constant([labels[row] for row in part]),
            "key": tf.constant([f"{row}.png" for row in part]),
            "shrunk": tf.constant([row == 1 for row in part]),
            "readable": tf.constant([readable[row] for row in part]),
        }
        for part in (rows[start : start + size] for start in rows[::size])
    ]


def test_every_example_is_recognised_once_in_order_and_counted():
    labels = ["abc", "Don't", "", "e\u0301", "x"]
    answers = [("abc", 0.5), ("DONT", 0.25), ("", 1.0), ("\u00e9", 0.75), ("xy", 0.125)]
    evaluation = evaluate_batches(reader_of(answers), batches_of(labels, [True] * 5))
    assert evaluation.predictions == [
        Prediction("0.png", "abc", "abc", 0.5, False, True),
        Prediction("1.png", "Don't", "DONT", 0.25, True, True),
        Prediction("2.png", "", "", 1.0, False, True),
        Prediction("3.png", "\u00e9", "\u00e9", 0.75, False, True),
        Prediction("4.png", "x", "xy", 0.125, False, True),
    ]
    assert evaluation.metrics.num_examples == 5
    assert evaluation.metrics.exact_match == pytest.approx(3 / 5)
    assert evaluation.metrics.alphanumeric_match == pytest.approx(4 / 5)
    # Four of Don't are wrong and one character of x is too many, of 3 + 5 + 0 + 1 + 1.
    assert evaluation.metrics.cer == pytest.approx((4 + 1) / 10)


def test_an_unreadable_image_counts_as_an_empty_prediction():
    answers = [("ab", 0.9), ("ab", 0.9)]
    evaluation = evaluate_batches(reader_of(answers), batches_of(["ab", "ab"], [False, True]))
    broken = evaluation.predictions[0]
    assert (broken.prediction, broken.confidence, broken.readable) == ("", 0.0, False)
    assert evaluation.metrics.exact_match == 0.5
    assert evaluation.metrics.cer == pytest.approx(2 / 4)


def test_an_unreadable_image_without_text_is_an_error():
    batches = batches_of(["", "", "ab"], [False, True, True])
    answers = [("", 0.9), ("", 0.9), ("ab", 0.9)]
    evaluation = evaluate_batches(reader_of(answers), batches)
    assert [entry.right for entry in evaluation.predictions] == [False, True, True]
    metrics = evaluation.metrics
    for share in (metrics.exact_match, metrics.alphanumeric_match, metrics.ned):
        assert share == pytest.approx(2 / 3)
    assert metrics.cer == 0.0


@pytest.mark.parametrize("labels", [[""], ["", "a"]])
def test_empty_labels_and_predictions_give_numbers(labels):
    answers = [("", 1.0)] * len(labels)
    metrics = evaluate_batches(reader_of(answers), batches_of(labels, [True] * len(labels))).metrics
    for value in (metrics.exact_match, metrics.cer, metrics.wer, metrics.ned):
        assert np.isfinite(value)


@pytest.fixture(scope="module")
def model(work_dir):
    return load_trained_model(work_dir)


def test_the_graph_reads_what_the_layers_read(model):
    run = make_recognize(model.recognizer, model.config, model.charset)
    for widths in ((32, 48, 40, 23), (90, 17, 5, 60)):
        batch = tiny.random_batch(widths=widths)
        in_graph = run(batch["images"], batch["image_sizes"])
        eager = recognize(
            model.recognizer,
            prepare_decoding(model.config, model.charset),
            batch["images"],
            batch["image_sizes"],
        )
        np.testing.assert_array_equal(in_graph.text, eager.text)
        np.testing.assert_allclose(in_graph.confidence, eager.confidence, rtol=1e-3)
        np.testing.assert_allclose(in_graph.attention, eager.attention, atol=1e-4)
    # One graph for all widths and numbers of images.
    assert run.experimental_get_tracing_count() == 1


def test_a_data_set_is_evaluated_completely_whatever_its_batches(model):
    source = open_source(model.config.data.eval_data)
    read = make_recognize(model.recognizer, model.config, model.charset)
    whole = evaluate_batches(read, evaluation_batches(source, model.config))
    single = evaluate_batches(read, evaluation_batches(source, tiny.config(eval_batch_size=1)))
    labels = list(source.labels())
    assert [prediction.label for prediction in whole.predictions] == labels
    assert len({prediction.prediction for prediction in whole.predictions}) > 1
    for one, other in zip(whole.predictions, single.predictions, strict=True):
        assert one.prediction == other.prediction
        assert one.confidence == pytest.approx(other.confidence, rel=1e-3)


@pytest.mark.parametrize("decoding", ["attention", "ctc", "joint"])
def test_a_search_returns_its_best_texts_and_the_best_of_them_as_the_text(model, decoding):
    config = model.config.with_decoding({"decoding": decoding, "beam_width": 4, "num_best": 3})
    batch = tiny.random_batch()
    found = make_recognize(model.recognizer, config, model.charset)(
        batch["images"], batch["image_sizes"]
    )
    texts, confidences, scores = found.alternatives
    assert texts.shape == confidences.shape == scores.shape == (4, 3)
    np.testing.assert_array_equal(texts[:, 0], found.text)
    np.testing.assert_allclose(confidences[:, 0], found.confidence, rtol=1e-4)
    for row, attention in zip(found.text.numpy(), found.attention.numpy(), strict=True):
        sums = attention.sum(axis=(1, 2))
        length = len(row.decode("utf-8"))
        np.testing.assert_allclose(sums, [1.0] * length + [0.0] * (6 - length), atol=1e-3)


@pytest.mark.parametrize("decoding", ["attention", "joint"])
def test_a_language_model_of_words_is_silent_on_strings(model, tmp_path, decoding):
    save_language_model(train_ngram(["abc", "cab"], 3), tmp_path / "words.npz")
    batch = tiny.random_batch()

    def read(**values):
        config = model.config.with_decoding({"decoding": decoding, "beam_width": 4, **values})
        run = make_recognize(model.recognizer, config, model.charset)
        return run(batch["images"], batch["image_sizes"])

    fused = {"language_model": str(tmp_path / "words.npz"), "language_model_weight": 5.0}
    greedy = make_recognize(model.recognizer, model.config, model.charset)(
        batch["images"], batch["image_sizes"]
    )
    is_word = np.array([text.decode("utf-8").isalpha() for text in greedy.text.numpy()])
    assert 0 < is_word.sum() < len(is_word)
    without, everywhere = read(), read(**fused)
    gated = read(**fused, language_model_texts="words")
    assert (without.text.numpy() != everywhere.text.numpy()).all()
    np.testing.assert_array_equal(gated.text, np.where(is_word, everywhere.text, without.text))
    np.testing.assert_allclose(
        gated.confidence, np.where(is_word, everywhere.confidence, without.confidence), rtol=1e-5
    )
    # In a cascade, strings are not searched at all.
    below = float(greedy.confidence.numpy().max()) + 1e-6
    cascade = read(**fused, language_model_texts="words", search_below=below)
    np.testing.assert_array_equal(cascade.text, np.where(is_word, everywhere.text, greedy.text))
    np.testing.assert_allclose(
        cascade.confidence, np.where(is_word, everywhere.confidence, greedy.confidence), rtol=1e-5
    )


@pytest.mark.parametrize("head", ["attention", "ctc"])
def test_a_search_runs_where_greedy_decoding_has_low_confidence(model, tmp_path, head):
    save_language_model(train_ngram(["0b0", "1c1c"], 3), tmp_path / "words.npz")
    batch = tiny.random_batch()

    def read(**decoding):
        config = model.config.with_decoding({"decoding": head} | decoding)
        run = make_recognize(model.recognizer, config, model.charset)
        return run(batch["images"], batch["image_sizes"])

    search = {
        "beam_width": 4,
        "language_model": str(tmp_path / "words.npz"),
        "language_model_weight": 5.0,
    }
    greedy, searched = read(), read(**search)
    differ = greedy.text.numpy() != searched.text.numpy()
    assert differ.sum() >= 2
    # The most confident of the texts that a search would change is kept.
    highest = float(greedy.confidence.numpy()[differ].max())
    is_confident = greedy.confidence.numpy() >= highest
    mixed = read(**search, search_below=highest)
    expected = np.where(is_confident, greedy.text, searched.text)
    np.testing.assert_array_equal(mixed.text, expected)
    np.testing.assert_array_equal(mixed.alternatives.texts[:, 0], expected)
    confidences = np.where(is_confident, greedy.confidence, searched.confidence)
    np.testing.assert_allclose(mixed.confidence, confidences, rtol=1e-4)
    # With a rule, or several texts to return, the search always runs.
    for more in ({"num_best": 2}, {"allowed_characters": "abc"}):
        np.testing.assert_array_equal(
            read(**search, **more, search_below=highest).text, read(**search, **more).text
        )


def test_a_head_that_the_recogniser_lacks_cannot_decode(model):
    recognizer = tiny.recognizer(ctc_weight=0.0)
    decoding = prepare_decoding(tiny.config(decoding="ctc"), model.charset)
    batch = tiny.random_batch()
    with pytest.raises(ValueError, match="lacks the head of decoding='ctc'"):
        recognize(recognizer, decoding, batch["images"], batch["image_sizes"])


def test_glyphs_of_one_class_count_as_equal():
    charset = Charset("ab", {"A": "a"})
    batches = batches_of(["Ab", "AB"], [True] * 2)
    evaluation = evaluate_batches(reader_of([("ab", 1.0)] * 2), batches, charset)
    assert [prediction.label for prediction in evaluation.predictions] == ["ab", "aB"]
    assert evaluation.metrics.exact_match == 0.5

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.cli.main import main
from attention_ocr.language_models.files import load_language_model, save_language_model
from attention_ocr.language_models.lstm import WEIGHTS, LSTMModel, train_lstm
from attention_ocr.language_models.ngram import NgramModel, train_ngram
from attention_ocr.text.charset import Charset

CHARSET = Charset("abc")


@pytest.mark.parametrize(
    ("options", "model_class"),
    [
        (["--order=3", "--min_count=1", "--ignore_case"], NgramModel),
        (["--kind=lstm", "--units=4", "--epochs=1", "--batch_size=2", "--seed=0"], LSTMModel),
    ],
    ids=["ngram", "lstm"],
)
def test_the_command_makes_a_model_that_is_read_again(options, model_class, tmp_path, capsys):
    words = tmp_path / "words.txt"
    words.write_text("ab\nabc\nab\n", encoding="utf-8")
    path = tmp_path / "model.npz"
    assert main(["language-model", str(words), str(path), *options]) == 0
    assert "3 characters, 3 words" in capsys.readouterr().out
    model = load_language_model(path, CHARSET)
    assert isinstance(model, model_class)
    assert model.scores(model.initial_state(tf.constant(2))).shape == (2, 7)


@pytest.mark.parametrize(
    ("train", "model_class", "halved"),
    [
        (train_ngram, NgramModel, ("log_probabilities", "log_backoffs")),
        (train_lstm, LSTMModel, WEIGHTS),
    ],
    ids=["ngram", "lstm"],
)
def test_a_model_is_restored_in_half_precision(tmp_path, train, model_class, halved):
    arrays = train(["ab", "ba"], 3)
    save_language_model(arrays, tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as archive:
        assert {archive[name].dtype for name in halved} == {np.dtype(np.float16)}
    tokens = tf.constant(CHARSET.encode("a"))
    found = []
    for model in (
        load_language_model(tmp_path / "model.npz", CHARSET),
        model_class(arrays, CHARSET),
    ):
        state = model.advance(model.initial_state(tf.constant(1)), tokens)
        found.append(model.scores(state))
    np.testing.assert_allclose(*found, atol=2e-3)


def test_a_file_that_is_no_language_model_is_named(tmp_path):
    path = tmp_path / "model.npz"
    with pytest.raises(FileNotFoundError, match="model.npz"):
        load_language_model(path, CHARSET)
    path.write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match="Expected a language model, .* Received: .*model.npz"):
        load_language_model(path, CHARSET)
    np.savez(path, weights=np.zeros(3))
    with pytest.raises(ValueError, match="Expected a language model, .* Received: .*model.npz"):
        load_language_model(path, CHARSET)
    save_language_model(train_ngram(["xyz"], 2), path)
    with pytest.raises(ValueError, match="it has no character of the recogniser"):
        load_language_model(path, CHARSET)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--order=0"], "`order` must be above 0. Received: 0"),
        (["--min_count=0"], "`min_count` must be above 0. Received: 0"),
        (["--kind=lstm", "--batch_size=0"], "`batch_size` must be above 0. Received: 0"),
        (["--kind=lstm", "--epochs=0"], "`epochs` must be above 0. Received: 0"),
        (
            ["--kind=lstm", "--order=5", "--ignore_case"],
            "Expected options of --kind=lstm. Received: --order, --ignore_case, of --kind=ngram",
        ),
        (["--kind=lstm", "--min_count=2"], "Received: --min_count, of --kind=ngram"),
        (
            ["--units=8", "--epochs=1", "--batch_size=2", "--seed=0"],
            "--kind=ngram. Received: --units, --epochs, --batch_size, --seed, of --kind=lstm",
        ),
        ([], "words.txt: expected a word on each line. Received: no word"),
    ],
)
def test_the_command_names_the_wrong_argument(arguments, message, tmp_path, capsys):
    words = tmp_path / "words.txt"
    words.write_text("\n", encoding="utf-8")
    assert main(["language-model", str(words), str(tmp_path / "model.npz"), *arguments]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "model.npz").exists()

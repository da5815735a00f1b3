"""Rules made of settings, and searches that satisfy them."""

import itertools
import math
import re
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.automaton import Automaton
from attention_ocr.decoding.beam import BeamOptions, beam_decode
from attention_ocr.decoding.ctc_beam import ctc_beam_decode
from attention_ocr.decoding.rules import make_rule
from attention_ocr.settings.decoding import DecodingConfig
from attention_ocr.text.charset import END_ID, START_ID, Charset
from tests.decoding import alignments
from tests.decoding.stepping import accepted_texts, bigram_decoder

CHARSET = Charset("abc")
V, L, N, W = CHARSET.vocabulary_size, 4, 2, 5
WORDS = ("a", "ab", "abc", "bb", "cab", "caba", "ccc")


@pytest.fixture
def lexicon(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\n".join(WORDS), encoding="utf-8")
    return str(path)


def rule_of(**values) -> Automaton:
    rule = make_rule(DecodingConfig(**values), CHARSET, L)
    assert rule is not None
    return rule


texts_of = partial(accepted_texts, charset=CHARSET, max_length=L)


def test_without_settings_there_is_no_rule():
    assert make_rule(DecodingConfig(), CHARSET, L) is None


def test_each_setting_and_all_together(lexicon):
    every_text = {"".join(t) for n in range(L + 1) for t in itertools.product("abc", repeat=n)}
    assert texts_of(rule_of(lexicon=lexicon)) == set(WORDS)
    assert texts_of(rule_of(pattern="a+b?")) == {t for t in every_text if re.fullmatch("a+b?", t)}
    assert texts_of(rule_of(allowed_characters="ca")) == {t for t in every_text if "b" not in t}
    assert texts_of(rule_of(pattern=".{2}", allowed_characters="b")) == {"bb"}
    assert texts_of(rule_of(lexicon=lexicon, pattern=".*b.*")) == {w for w in WORDS if "b" in w}
    together = rule_of(lexicon=lexicon, pattern="...?", allowed_characters="ab")
    assert texts_of(together) == {"ab", "bb"}


def test_longer_words_than_the_model_reads_are_left_out(lexicon):
    rule = make_rule(DecodingConfig(lexicon=lexicon), CHARSET, 3)
    assert rule is not None
    assert texts_of(rule) == set(WORDS) - {"caba"}
    assert rule.longest == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"allowed_characters": "abxy"}, "characters of the model. Received: 'x', 'y' in 'abxy'"),
        (
            {"pattern": "a{9}"},
            "max_length=4 .*Received: pattern='a.9.', of which the shortest has 9",
        ),
        (
            {"pattern": "a", "allowed_characters": "b"},
            "pattern='a', allowed_characters='b', which n",
        ),
        ({"pattern": "(a"}, "`pattern`: expected a .* at character 3"),
        ({"lexicon": "nowhere.txt"}, "nowhere.txt"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(values, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        make_rule(DecodingConfig(**values), CHARSET, L)


def test_a_lexicon_without_a_fitting_word_is_refused(lexicon):
    with pytest.raises(ValueError, match="which no text does"):
        rule_of(lexicon=lexicon, pattern="bbbb")


def network(seed: int, num_examples: int):
    random = np.random.default_rng(seed)
    table = 2.0 * random.normal(size=(num_examples, L + 1, V, V))
    step, log_table = bigram_decoder(table, N)

    def score(example: int, text: str) -> float:
        tokens = [START_ID, *CHARSET.encode(text), END_ID]
        return sum(log_table[example, t, tokens[t], tokens[t + 1]] for t in range(len(text) + 1))

    return step, score


@pytest.mark.parametrize(
    "values", [{"lexicon": "words"}, {"pattern": "(ab|c)*[ab]"}, {"allowed_characters": "bc"}]
)
def test_a_beam_of_the_attention_finds_the_best_text_that_satisfies_the_rule(values, lexicon):
    rule = rule_of(**(values if "lexicon" not in values else {"lexicon": lexicon}))
    num_examples = 12
    step, score = network(2, num_examples)
    state = (tf.range(num_examples), tf.zeros(num_examples, tf.int32))
    sizes = (tf.constant(num_examples), tf.constant(N), L)
    texts = texts_of(rule)
    for width in (1, 200):
        best, alternatives = beam_decode(
            step, state, *sizes, BeamOptions(width, min(width, 3)), rule=rule
        )
        for example in range(num_examples):
            read = [CHARSET.decode(row) for row in alternatives.token_ids[example].numpy()]
            assert set(read) <= texts
            confidence = math.exp(score(example, read[0]))
            np.testing.assert_allclose(best.confidence[example], confidence, rtol=1e-3)
            if width > 1:
                expected = sorted(texts, key=lambda text: -score(example, text))[:3]
                assert read == expected


@pytest.mark.parametrize(
    "values", [{"lexicon": "words"}, {"pattern": "(ab|c)*[ab]"}, {"allowed_characters": "bc"}]
)
def test_a_beam_over_ctc_finds_the_best_text_that_satisfies_the_rule(values, lexicon):
    rule = rule_of(**(values if "lexicon" not in values else {"lexicon": lexicon}))
    num_examples, texts = 6, texts_of(rule)
    logits = 2.0 * np.random.default_rng(5).normal(size=(num_examples, W, V))
    widths = [5, 5, 5, 4, 3, 5]
    _, exact = ctc_beam_decode(logits, tf.constant(widths), L, 200, num_best=3, rule=rule)
    _, narrow = ctc_beam_decode(logits, tf.constant(widths), L, 3, rule=rule)
    for example, width in enumerate(widths):
        probabilities = alignments.every_text(logits[example, :width])
        keeping = {
            text: probabilities[tuple(CHARSET.encode(text))]
            for text in texts
            if tuple(CHARSET.encode(text)) in probabilities
        }
        expected = sorted(keeping, key=lambda text: -keeping[text])[:3]
        read = [CHARSET.decode(row) for row in exact.token_ids[example].numpy()]
        assert read == expected
        np.testing.assert_allclose(
            exact.confidence[example], [keeping[text] for text in expected], rtol=1e-3
        )
        # However narrow the beam and whatever the image shows, the text satisfies the rule.
        assert CHARSET.decode(narrow.token_ids[example, 0].numpy()) in texts


def test_where_no_text_fits_into_the_columns_nothing_is_read():
    rule = rule_of(pattern="abc")
    logits = np.zeros((2, 3, V))
    best, alternatives = ctc_beam_decode(logits, tf.constant([2, 3]), L, 4, num_best=2, rule=rule)
    assert best.token_ids.numpy().tolist() == [[0] * 4, [*CHARSET.encode("abc"), 0]]
    assert float(best.confidence[0]) == 0.0
    assert float(best.confidence[1]) > 0.0
    assert alternatives.scores[0].numpy().tolist() == [-math.inf] * 2

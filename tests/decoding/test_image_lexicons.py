"""Lexicons without regard to case, and a lexicon for each image."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.automaton import Automaton, TableRule, Tables
from attention_ocr.decoding.beam import BeamOptions, beam_decode
from attention_ocr.decoding.ctc_beam import ctc_beam_decode
from attention_ocr.decoding.image_lexicons import ImageLexicons, split_lexicons
from attention_ocr.decoding.lexicon import word_graph
from attention_ocr.decoding.rules import make_rule
from attention_ocr.settings.decoding import DecodingConfig
from attention_ocr.text.charset import PAD_ID, START_ID, Charset
from tests.decoding.stepping import accepted_texts

CHARSET = Charset("abcABß1")
V, L, N, W = CHARSET.vocabulary_size, 4, 2, 9


texts_of = partial(accepted_texts, charset=CHARSET, max_length=L)


def rule_of(tmp_path, words: str, **values) -> Automaton:
    path = tmp_path / "words.txt"
    path.write_text(words, encoding="utf-8")
    settings = DecodingConfig(lexicon=str(path), lexicon_ignore_case=True, **values)
    rule = make_rule(settings, CHARSET, L)
    assert rule is not None
    return rule


def test_a_lexicon_may_ignore_case(tmp_path):
    # There is no capital C, and ß is the same in capitals.
    assert texts_of(rule_of(tmp_path, "ab\nCß1")) == {"ab", "Ab", "aB", "AB", "cß1"}
    exact = make_rule(DecodingConfig(lexicon=str(tmp_path / "words.txt")), Charset("abCß1"), L)
    assert exact is not None
    assert exact.num_states > 1


GLYPHS = Charset("dontDONT'", {"’": "'", "Ö": "O"})


def test_with_case_ignored_a_glyph_is_the_character_that_stands_for_it(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("n’t\nTÖ\n", encoding="utf-8")
    settings = DecodingConfig(lexicon=str(path), lexicon_ignore_case=True)
    rule = make_rule(settings, GLYPHS, L)
    assert rule is not None
    found = accepted_texts(rule, charset=GLYPHS, max_length=L)
    assert found == {"n't", "n'T", "N't", "N'T", "TO", "To", "tO", "to"}
    lexicons = ImageLexicons(GLYPHS, L, ignore_case=True)
    images = TableRule(lexicons.tables([["n’t", "TÖ"]]), GLYPHS.vocabulary_size)
    assert accepted_texts(images, 0, 1, charset=GLYPHS, max_length=L) == found
    assert lexicons.num_without == 0


def test_with_case_ignored_other_rules_hold_exactly(tmp_path):
    assert texts_of(rule_of(tmp_path, "ab\nba\nc", pattern="[AB].*")) == {"Ab", "AB", "Ba", "BA"}
    assert texts_of(rule_of(tmp_path, "ab\nba\nc", allowed_characters="abA")) == {
        "ab",
        "Ab",
        "ba",
        "bA",
    }


def test_with_case_ignored_characters_that_the_model_has_in_no_case_are_named(tmp_path):
    with pytest.raises(
        ValueError, match="words of the model's characters. Received: 'xa' with 'x'"
    ):
        rule_of(tmp_path, "CAB\nxa")


LEXICONS = (["ab", "ba", "1"], [], ["c", "abcab", "xyz"], ["cab", "Cab"])


@pytest.mark.parametrize("ignore_case", [False, True])
def test_each_image_has_the_words_of_its_own_lexicon(ignore_case):
    lexicons = ImageLexicons(CHARSET, L, ignore_case)
    rule = TableRule(lexicons.tables(LEXICONS), V)
    found = [texts_of(rule, row, 4) for row in (0, 2, 3)]
    if ignore_case:
        assert found[0] == {"ab", "aB", "Ab", "AB", "ba", "bA", "Ba", "BA", "1"}
    else:
        assert found == [{"ab", "ba", "1"}, {"c"}, {"cab"}]
    # Without a lexicon, anything is read.
    assert lexicons.num_without == 1
    assert {"", "ca1ß", "AAAA"} <= texts_of(rule, 1, 4)
    # The rows of an example stand side by side.
    states = rule.initial_state(tf.constant(8)).numpy()
    assert (states[::2] == states[1::2]).all()
    assert len(set(states)) == 4


def test_words_stand_with_line_feeds_between():
    joined = np.array([b"caf\xc3\xa9\na b\n", b""], object)
    assert split_lexicons(joined) == [["café", "a b"], []]


def rules() -> tuple[TableRule, list[Automaton]]:
    lexicons = [words for words in LEXICONS if words]
    tables = ImageLexicons(CHARSET, L).tables(lexicons)
    alone = []
    for words in lexicons:
        kept = [word for word in words if len(word) <= L and not CHARSET.unknown_characters(word)]
        graph = word_graph(tuple(CHARSET.encode(word)) for word in kept)
        alone.append(Automaton(*graph, V))
    return TableRule(Tables(*map(tf.constant, tables)), V), alone


@pytest.mark.parametrize("width", [1, 3])
def test_attention_and_ctc_read_each_image_as_with_its_lexicon_alone(width):
    rule, alone = rules()
    random = np.random.default_rng(1)
    table = 2.0 * random.normal(size=(3, L + 1, V)).astype(np.float32)
    table[..., [PAD_ID, START_ID]] = -1e9
    logits = 2.0 * random.normal(size=(3, W, V)).astype(np.float32)

    def step(_, state):
        example, t = state
        now = tf.gather_nd(table, tf.stack([example, t], axis=1))
        return now, (example, t + 1), tf.ones((tf.shape(example)[0], N)) / N

    def by_attention(rows, rule):
        rows = tf.constant(rows)
        state = (rows, tf.zeros_like(rows))
        sizes = (tf.size(rows), tf.constant(N), L)
        return beam_decode(step, state, *sizes, BeamOptions(width), rule=rule)[0]

    def by_ctc(rows, rule):
        lengths = tf.fill((len(rows),), W)
        return ctc_beam_decode(tf.gather(logits, rows), lengths, L, width, rule=rule)[0]

    for decode in (by_attention, by_ctc):
        together = decode([0, 1, 2], rule)
        for row in range(3):
            (expected,) = decode([row], alone[row]).token_ids.numpy().tolist()
            assert together.token_ids[row].numpy().tolist() == expected
            assert CHARSET.decode(expected) in [w for words in LEXICONS for w in words]

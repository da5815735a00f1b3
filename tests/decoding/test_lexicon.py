import itertools

import numpy as np
import pytest

from attention_ocr.decoding.automaton import Automaton
from attention_ocr.decoding.lexicon import accepts, encode_words, read_words, word_graph
from attention_ocr.text.charset import Charset


def test_each_line_of_a_file_is_a_word(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeffcat\r\n\ntwo words\ncat\ne\u0301te\u0301".encode())
    assert read_words(path) == ["cat", "two words", "cat", "\u00e9t\u00e9"]


def test_a_file_without_a_word_or_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes(b"\n\r\n")
    with pytest.raises(
        ValueError, match="words.txt: expected a word on each line. Received: no word"
    ):
        read_words(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="words.txt: 'utf-8' codec"):
        read_words(path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_words(tmp_path / "nowhere")


def test_words_of_other_characters_are_named():
    with pytest.raises(ValueError, match="words.txt: expected .*'bad' with 'd' and 1 other words"):
        encode_words(["abba", "bad", "cab", "dada"], Charset("abc"), "words.txt")
    assert encode_words(["ab", "c"], Charset("abc"), "") == [(4, 5), (6,)]


def test_the_graph_holds_the_words_and_nothing_else():
    random = np.random.default_rng(3)
    alphabet = (4, 5, 6)
    every_text = [t for n in range(6) for t in itertools.product(alphabet, repeat=n)]
    for size in (1, 7, 120):
        words = {every_text[i] for i in random.choice(len(every_text), size)}
        graph = word_graph(words)
        assert {text for text in every_text if accepts(*graph, text)} == words


def test_prefixes_and_suffixes_are_shared():
    # tap, taps, top, tops: t, (a or o), p, s.
    words = [(6, 4, 5), (6, 4, 5, 7), (6, 8, 5), (6, 8, 5, 7)]
    assert Automaton(*word_graph(words), vocabulary_size=9).num_states == 5

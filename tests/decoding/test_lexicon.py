import itertools

import numpy as np
import pytest

from attention_ocr.decoding.automaton import Automaton
from attention_ocr.decoding.lexicon import (
    accepts,
    case_classes,
    encode_in_any_case,
    encode_words,
    in_any_case,
    intersection,
    read_words,
    word_graph,
)
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


def language(graph, charset, longest=4):
    """Return the texts up to a length that an automaton accepts."""
    texts = (
        "".join(text)
        for length in range(longest + 1)
        for text in itertools.product(charset.characters, repeat=length)
    )
    return {text for text in texts if accepts(*graph, tuple(charset.encode(text)))}


def test_words_in_any_case_are_accepted_in_every_mixture_of_cases():
    charset = Charset("aAbB1")
    classes = case_classes(charset)
    transitions, accepting = word_graph(encode_in_any_case(["ab1", "B"], classes))
    found = language((in_any_case(transitions, classes), accepting), charset)
    assert found == {"ab1", "Ab1", "aB1", "AB1", "b", "B"}


def test_a_character_whose_fold_is_longer_is_only_itself():
    charset = Charset("ßsS")
    classes = case_classes(charset)
    assert [len(classes[folded]) for folded in ("ß", "s")] == [1, 2]
    transitions, accepting = word_graph(encode_in_any_case(["ß"], classes))
    assert language((in_any_case(transitions, classes), accepting), charset) == {"ß"}


def test_letters_of_other_scripts_have_cases_too():
    charset = Charset("ЖжΣσς")
    classes = case_classes(charset)
    # A final sigma is a sigma.
    assert sorted(map(len, classes.values())) == [2, 3]


def test_a_word_with_a_character_that_no_class_has_is_left_out_in_any_case():
    classes = case_classes(Charset("abC"))
    assert len(encode_in_any_case(["abc", "abd", "", "CAB"], classes)) == 3


def test_the_intersection_accepts_what_both_accept():
    charset = Charset("abc")
    random = np.random.default_rng(5)
    texts = ["".join(text) for n in range(4) for text in itertools.product("abc", repeat=n)]
    for _ in range(8):
        first, second = ({texts[i] for i in random.choice(len(texts), 15)} for _ in range(2))
        graphs = [word_graph(encode_words(words, charset, "")) for words in (first, second)]
        assert language(intersection(*graphs), charset) == first & second


def test_an_intersection_with_a_language_of_any_length_is_finite():
    charset = Charset("ab")
    # One state that loops: every text of the letter "a".
    (a_id,) = charset.encode("a")
    loop = ([{a_id: 0}], [True])
    words = word_graph(encode_words(["", "a", "aa", "ab", "aaaa"], charset, ""))
    assert language(intersection(loop, words), charset) == {"", "a", "aa", "aaaa"}
    assert language(intersection(loop, loop), charset) == {"", "a", "aa", "aaa", "aaaa"}


def test_without_a_word_nothing_is_accepted():
    graph = word_graph([])
    assert graph == ([{}], [False])
    assert not accepts(*graph, ())
    assert accepts(*word_graph([()]), ())

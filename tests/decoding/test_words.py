"""Words are told from strings by their characters."""

import pytest
import tensorflow as tf

from attention_ocr.decoding.words import word_mask
from attention_ocr.text.charset import PAD_ID, UNKNOWN_ID, Charset

CHARSET = Charset("aBé1-'.!(@ ")


@pytest.mark.parametrize(
    ("text", "is_word"),
    [
        ("aB", 1),
        ("é-a", 1),
        ("a'B a", 1),
        ("", 1),
        ("a1", 0),
        ("1", 0),
        ("(aB!", 1),
        ("a.B", 1),
        ("a@B", 0),
    ],
)
def test_letters_joiners_and_punctuation_make_words(text, is_word):
    token_ids = CHARSET.encode(text)
    padded = tf.constant([[*token_ids, *[PAD_ID] * (6 - len(token_ids))]])
    assert word_mask(CHARSET, padded).numpy().tolist() == [is_word]


@pytest.mark.parametrize("word", ["हिन्दी", "ภาษาไทย", "עִבְרִית", "q\u0323", "தமிழ்"])
def test_marks_belong_to_the_letters_of_their_word(word):
    charset = Charset(sorted({*word, "1"}))
    for text, is_word in ((word, 1.0), (word + "1", 0.0)):
        assert word_mask(charset, tf.constant([charset.encode(text)])).numpy() == [is_word]


def test_an_unknown_character_makes_no_word():
    assert word_mask(CHARSET, tf.constant([[UNKNOWN_ID, PAD_ID]])).numpy().tolist() == [0.0]

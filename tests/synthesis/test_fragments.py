import numpy as np
import pytest

from attention_ocr.synthesis.fragments import FUNCTION_WORDS, order_by_frequency
from attention_ocr.synthesis.settings import SynthesisConfig
from attention_ocr.synthesis.texts import TextSampler, load_words


def draw(num_texts=600, seed=1, **settings):
    sampler = TextSampler(SynthesisConfig(**settings))
    rng = np.random.default_rng(seed)
    return [sampler.draw(rng) for _ in range(num_texts)]


@pytest.fixture
def ranked(tmp_path):
    """Return a file of 400 words that go by no alphabet, and the words."""
    words = [
        f"{'zyx'[place % 3]}{chr(97 + place // 26 % 26)}{chr(97 + place % 26)}o{place % 7}".replace(
            "0", "a"
        )
        .replace("1", "e")
        .replace("2", "i")
        .replace("3", "u")
        .replace("4", "ta")
        .replace("5", "re")
        .replace("6", "no")
        for place in range(400)
    ]
    file = tmp_path / "ranked.txt"
    file.write_text("\n".join(words), encoding="utf-8")
    return file, list(dict.fromkeys(words))


def test_fragments_are_pieces_of_words_or_words_with_a_mistake(ranked):
    file, words = ranked
    texts = draw(kinds=("fragments",), words_file=str(file), case="lower")
    joined = " ".join(words)
    pieces = [text for text in texts if text in joined]
    whole = [text for text in texts if text in words]
    assert len(whole) < 0.1 * len(texts)
    assert 0.4 * len(texts) < len(pieces) < 0.95 * len(texts)


def test_fragments_come_in_all_cases():
    texts = draw(kinds=("fragments",), min_length=3)
    assert sum(text.isupper() for text in texts) > 100
    assert sum(text.islower() for text in texts) > 100
    assert sum(text.istitle() for text in texts) > 50


def test_runs_follow_the_order_of_the_word_file(ranked):
    file, words = ranked
    texts = [
        text.lower().strip("',.:;!?()[]\"*%-")
        for text in draw(1500, kinds=("runs",), words_file=str(file))
    ]
    first, last = set(words[:40]), set(words[-40:])
    assert sum(text in first for text in texts) > 4 * sum(text in last for text in texts) > 0


def test_runs_of_the_english_list_are_rich_in_function_words():
    texts = [text.lower() for text in draw(kinds=("runs",))]
    share = sum(text in FUNCTION_WORDS for text in texts) / len(texts)
    assert 0.1 < share < 0.4


def test_runs_have_punctuation_at_their_ends_now_and_then():
    texts = draw(kinds=("runs",))
    ended = [text for text in texts if not text[-1].isalpha()]
    assert 0.05 * len(texts) < len(ended) < 0.3 * len(texts)
    assert all(text.isalpha() for text in draw(kinds=("runs",), characters="abcdefghiklmnorstu"))


def test_an_alphabetical_list_is_shuffled_and_any_other_is_kept():
    words = load_words()[:300]
    shuffled = order_by_frequency(words, is_english=False)
    assert sorted(shuffled) == sorted(words)
    assert shuffled != words
    assert shuffled == order_by_frequency(words, is_english=False)
    assert order_by_frequency(words, is_english=True)[: len(FUNCTION_WORDS)] == FUNCTION_WORDS
    backwards = tuple(reversed(words))
    assert order_by_frequency(backwards, is_english=True) == backwards

"""The script that writes the word lists, with a small `wordfreq` of its own."""

import sys
from collections import Counter
from types import ModuleType

import pytest

from tests.scripts import open_script

ENGLISH = ["the", "a", "o'clock", "naïve", "house", "42", "tree", "zebra", "quark"]
GERMAN = ["der", "haus", "straße", "слово", "über", "baum", "x-ray", "seltsam"]


@pytest.fixture
def word_lists(monkeypatch):
    """The script, for two languages whose words are those above."""
    fake = ModuleType("wordfreq")
    words = {"en": ENGLISH, "de": GERMAN}
    fake.top_n_list = lambda language, number: words[language][:number]
    fake.word_frequency = lambda word, _: {"the": 1e-2, "house": 1e-4}.get(word, 1e-7)
    monkeypatch.setitem(sys.modules, "wordfreq", fake)
    script = open_script("word_lists")
    monkeypatch.setattr(script, "LANGUAGES", ("en", "de"))
    monkeypatch.setattr(script, "NUM_OF_A_LANGUAGE", 4)
    monkeypatch.setattr(script, "NUM_COMMON", 3)
    return script


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


def test_english_words_are_of_ascii_letters_and_longer_than_one(word_lists, tmp_path):
    word_lists.main(tmp_path / "words")
    assert lines_of(tmp_path / "words" / "common.txt") == ["the", "house"]
    many = ["the", "house", "tree", "zebra", "quark"]
    assert lines_of(tmp_path / "words" / "many.txt") == many


def test_frequent_words_stand_more_often_among_the_lines_of_the_language_model(
    word_lists, tmp_path
):
    word_lists.main(tmp_path)
    counts = Counter(lines_of(tmp_path / "lines.txt"))
    # Less than in proportion to their frequency; rare ones once.
    assert (counts["the"], counts["house"], counts["o'clock"]) == (17, 3, 1)
    assert not {"a", "naïve"} & set(counts)
    num_words = 17 + 3 + len(["o'clock", "tree", "zebra", "quark"])
    assert counts.total() == num_words + round(
        num_words * word_lists.OTHERS / (1 - word_lists.OTHERS)
    )


def test_labels_without_digits_stand_ten_times_among_those_lines(word_lists, tmp_path):
    labels = tmp_path / "labels.tsv"
    texts = ("SingTel", "Let's", "MILK!", "x", "A1", "42", "--", "Café")
    labels.write_text("".join(f"{text}.png\t{text}\n" for text in texts), encoding="utf-8")
    word_lists.main(tmp_path / "without")
    word_lists.main(tmp_path / "with", [str(labels)])
    added = Counter(lines_of(tmp_path / "with" / "lines.txt"))
    added.subtract(lines_of(tmp_path / "without" / "lines.txt"))
    assert +added == dict.fromkeys(("SingTel", "Let's", "MILK!"), 10)


def test_a_language_has_its_words_in_the_letters_of_the_charset(word_lists, tmp_path):
    word_lists.main(tmp_path)
    assert lines_of(tmp_path / "de.txt") == ["der", "haus", "straße", "über"]
    assert lines_of(tmp_path / "en.txt") == ["the", "a", "naïve", "house"]


def test_words_of_the_same_rank_are_next_to_each_other(word_lists, tmp_path):
    word_lists.main(tmp_path)
    joined = ["the", "der", "a", "haus", "naïve", "straße", "house", "über"]
    assert lines_of(tmp_path / "languages.txt") == joined


def test_unseen_words_are_in_no_other_list(word_lists, tmp_path):
    word_lists.main(tmp_path)
    assert lines_of(tmp_path / "unseen" / "de.txt") == ["baum", "seltsam"]
    # English words are all in the longest list.
    assert not (tmp_path / "unseen" / "en.txt").exists()
    seen = {word for path in tmp_path.glob("*.txt") for word in lines_of(path)}
    assert not seen & set(lines_of(tmp_path / "unseen" / "de.txt"))


def test_a_word_of_several_languages_is_listed_once(word_lists, tmp_path, monkeypatch):
    monkeypatch.setattr(word_lists, "top_n_list", lambda language, _: ["the", f"of{language}"])
    word_lists.main(tmp_path)
    assert lines_of(tmp_path / "languages.txt") == ["the", "ofen", "ofde"]


def test_lists_are_the_same_each_time(word_lists, tmp_path):
    for name in ("one", "two"):
        word_lists.main(tmp_path / name)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).glob("*.txt")}
        for name in ("one", "two")
    )
    assert one == two

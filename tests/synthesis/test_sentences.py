import re
import unicodedata

import numpy as np
import pytest

from attention_ocr.synthesis.settings import parse_options
from attention_ocr.synthesis.texts import TextSampler
from attention_ocr.text.charset import ASCII, CHARSETS, LATIN, Charset

WORDS = ("the", "straße", "łódź", "crème", "kůň", "hyvä", "får", "ő", "þú", "și", "año", "ūdens")


def draw(count, **options):
    defaults = {"kinds": "sentences", "min_length": "20", "max_length": "60", "part": "all"}
    sampler = TextSampler(parse_options(defaults | options))
    rng = np.random.default_rng(5)
    return [sampler.draw(rng) for _ in range(count)]


@pytest.fixture
def words_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\n".join(WORDS), encoding="utf-8")
    return str(path)


def test_a_sentence_is_words_and_figures_separated_by_single_spaces(words_file):
    texts = draw(400, words_file=words_file, characters="latin")
    assert all(20 <= len(text) <= 60 for text in texts)
    assert all(text == " ".join(text.split()) for text in texts)
    tokens = " ".join(texts).split()
    spelt = {
        token.strip("'-\"()[].,!?:;%*&/=+#@‘’‚“”„«»‹›–—…•·¡¿€£$§°").lower() for token in tokens
    }
    assert spelt >= set(WORDS)
    figures = [token for token in tokens if re.search(r"\d", token)]
    assert 0.05 * len(tokens) < len(figures) < 0.3 * len(tokens)


def test_sentences_use_typographic_marks_where_they_are_allowed(words_file):
    latin = "".join(draw(400, words_file=words_file, characters="latin"))
    assert set("“”„«»–—’…€£°") <= set(latin)
    plain = "".join(draw(400, characters="printable+space"))
    assert set(plain) <= set(ASCII + " ")


def test_lower_and_upper_case_follow_a_full_stop(words_file):
    text = " ".join(draw(400, words_file=words_file, characters="latin"))
    followers = re.findall(r"\w\. (\w)", text)
    letters = [letter for letter in followers if letter.isalpha()]
    assert len(letters) > 30
    assert 0.15 < sum(map(str.islower, letters)) / len(letters) < 0.6


def test_a_sentence_without_the_space_is_one_word(words_file):
    texts = draw(50, words_file=words_file, min_length="1", max_length="8", characters="letters")
    assert all(text.isalpha() for text in texts)


def test_the_charset_latin_has_the_letters_of_european_languages():
    charset = Charset(CHARSETS["latin"])
    assert unicodedata.normalize("NFC", LATIN) == LATIN
    assert set(ASCII + " ") < set(LATIN)
    pangrams = (
        "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich",
        "Portez ce vieux whisky au juge blond qui fume: dès Noël, où un zéphyr haï, cœur",
        "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío, ¿añoraba?",
        "À noite, vovô Kowalsky vê o ímã cair no pé do pinguim queixoso, não põe",
        "Pchnąć w tę łódź jeża lub ośm skrzyń fig",
        "Příliš žluťoučký kůň úpěl ďábelské ódy",
        "Árvíztűrő tükörfúrógép",
        "Høj bly gom vandt fræk sexquiz på wc",
        "Kæmi ný öxi hér, ykist þjófum nú bæði víl og ádrepa",
        "Gheorghe, obezul, a reușit să obțină jucându-se un flux în Quebec de o mie kilowațioră",
        "Įlinkdama fechtuotojo špaga sublykčiojusi pragręžė apvalų arbūzą",
        "Glāžšķūņa rūķīši dzērumā čiepj Baha koncertflīģeļu vākus",
        "Češče uživajte sadje; đak, ljubičica",
        "Kŕdeľ šťastných ďatľov učí pri ústí Váhu mĺkveho koňa obhrýzať kôru",
    )
    for text in pangrams:
        assert not charset.unknown_characters(text), text

r"""Write the word lists of the bundled models, for rendering and for their language model.

`common.txt` and `many.txt` are English words of letters only, the most frequent first (Speer,
"rspeer/wordfreq", with lists from Wikipedia, subtitles, news, books and the web; Apache-2.0, the
data CC-BY-SA-4.0). `lines.txt` is for a language model: words with and without apostrophes, the
frequent ones repeated; numbers, prices, dates, codes and the like, so that no code is taken for a
misspelt word; and the labels of real words, each ten times. `languages.txt` has the words of 22
European languages, those of the same rank next to each other; `de.txt` and the like have those of
one language. `unseen/de.txt` and the like have less frequent words, which none of the other lists
has: there are none in English.

    pip install wordfreq
    python configs/word_lists.py runs/words SOURCE...
    attention-ocr language-model --order=8 --min_count=4 --ignore_case \
        runs/words/lines.txt runs/words/language_model.npz

A source is one of `--train_data`, such as
`runs/data/iiit5k_train/labels.tsv,every=5,part=train`; there need not be any.
"""

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from wordfreq import top_n_list, word_frequency

from attention_ocr.data.sources import Walk, open_source
from attention_ocr.synthesis.settings import parse_options
from attention_ocr.synthesis.texts import TextSampler
from attention_ocr.text.charset import LATIN

NUM_COMMON, NUM_MANY = 5_000, 80_000
RARE, POWER = 0.3, 0.35
"""A word stands `RARE * (10,000,000 * frequency) ** POWER` times in `lines.txt`, at least once."""
LABEL_TIMES = 10
OTHER_KINDS = "numbers+prices+dates+times+mixed+punctuated+addresses+random"
OTHERS = 1 / 6
LANGUAGES = (
    *("en", "de", "fr", "it", "es", "pt", "nl", "pl", "cs", "hu", "sv", "fi"),
    *("da", "nb", "is", "ro", "sk", "sl", "sh", "lt", "lv", "ca"),
)
NUM_OF_A_LANGUAGE = 15_000


def main(folder: Path, sources: Sequence[str] = ()) -> None:
    """Write the lists into a folder, which is created.

    Args:
        folder: Folder of the lists.
        sources: Labelled sets, whose labels are added to the texts of the language model.
    """
    known = [word for word in top_n_list("en", 2 * NUM_MANY) if word.isascii()]
    words = [word for word in known if word.isalpha()]
    folder.mkdir(parents=True, exist_ok=True)
    for name, number in (("common", NUM_COMMON), ("many", NUM_MANY)):
        _write(folder / f"{name}.txt", [word for word in words[:number] if len(word) > 1])
    spelt = [word for word in known if word.replace("'", "").isalpha() and len(word) > 1]
    _write(folder / "lines.txt", [*_make_lines(spelt[:NUM_MANY]), *_list_labels(sources)])
    for language in LANGUAGES:
        _write(folder / f"{language}.txt", _list_language(language)[:NUM_OF_A_LANGUAGE])
    _write(folder / "languages.txt", _join_languages())
    trained_on = {*words[:NUM_MANY], *_join_languages()}
    (folder / "unseen").mkdir(exist_ok=True)
    for language in LANGUAGES:
        unseen = [word for word in _list_language(language) if word not in trained_on]
        if unseen:
            _write(folder / "unseen" / f"{language}.txt", unseen)


def _make_lines(words: list[str]) -> list[str]:
    lines = []
    for word in words:
        times = round(RARE * (1e7 * word_frequency(word, "en")) ** POWER)
        lines += [word] * max(1, times)
    sampler = TextSampler(parse_options({"kinds": OTHER_KINDS, "max_length": "20"}))
    rng = np.random.default_rng(0)
    num_others = round(len(lines) * OTHERS / (1 - OTHERS))
    return lines + [sampler.draw(rng) for _ in range(num_others)]


def _list_labels(sources: Sequence[str]) -> list[str]:
    """Return the labels of ASCII characters without digits, longer than one, several times."""
    labels = (
        row["text"].decode("utf-8")
        for source in sources
        for row in open_source(source).files(Walk()).as_numpy_iterator()
    )
    return [label for label in labels if _is_spelt(label)] * LABEL_TIMES


def _is_spelt(label: str) -> bool:
    letters = [character for character in label if character.isalpha()]
    without_digits = not any(character.isdigit() for character in label)
    return len(label) > 1 and bool(letters) and label.isascii() and without_digits


def _join_languages() -> list[str]:
    ranked = [_list_language(language) for language in LANGUAGES]
    number = min(NUM_OF_A_LANGUAGE, *(len(words) for words in ranked))
    joined = itertools.chain.from_iterable(zip(*(words[:number] for words in ranked), strict=True))
    return list(dict.fromkeys(joined))


def _list_language(language: str) -> list[str]:
    return [word for word in top_n_list(language, 2 * NUM_OF_A_LANGUAGE) if _is_latin(word)]


def _is_latin(word: str) -> bool:
    return all(letter.isalpha() and letter in LATIN for letter in word)


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python configs/word_lists.py FOLDER [SOURCE...]")
    main(Path(sys.argv[1]), sys.argv[2:])

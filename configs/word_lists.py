r"""Write the word lists of the bundled models, for rendering and for their language model.

`common.txt` and `many.txt` are English words of letters only, the most frequent first (Speer,
"rspeer/wordfreq", with lists from Wikipedia, subtitles, news, books and the web; Apache-2.0, the
data CC-BY-SA-4.0). In `lines.txt` words are repeated in proportion to the logarithm of their
frequency, and a sixth of the lines are numbers, prices, dates, codes and the like, so that a
language model does not take a code for a misspelt word. `languages.txt` has the words of 22
European languages, those of the same rank next to each other; `de.txt` and the like have those of
one language. `unseen/de.txt` and the like have less frequent words, which none of the other lists
has: there are none in English.

    pip install wordfreq
    python configs/word_lists.py runs/words
    attention-ocr language-model --order=6 --min_count=3 --ignore_case \
        runs/words/lines.txt runs/words/language_model.npz
"""

import itertools
import math
import sys
from pathlib import Path

import numpy as np
from wordfreq import top_n_list, word_frequency

from attention_ocr.synthesis.settings import parse_options
from attention_ocr.synthesis.texts import TextSampler
from attention_ocr.text.charset import LATIN

NUM_COMMON, NUM_KNOWN, NUM_MANY = 5_000, 30_000, 80_000
OTHER_KINDS = "numbers+prices+dates+times+mixed+punctuated+addresses+random"
OTHERS = 1 / 6
LANGUAGES = (
    *("en", "de", "fr", "it", "es", "pt", "nl", "pl", "cs", "hu", "sv", "fi"),
    *("da", "nb", "is", "ro", "sk", "sl", "sh", "lt", "lv", "ca"),
)
NUM_OF_A_LANGUAGE = 15_000


def main(folder: Path) -> None:
    """Write the lists into a folder, which is created."""
    words = [word for word in top_n_list("en", 2 * NUM_MANY) if word.isascii() and word.isalpha()]
    folder.mkdir(parents=True, exist_ok=True)
    for name, number in (("common", NUM_COMMON), ("many", NUM_MANY)):
        _write(folder / f"{name}.txt", [word for word in words[:number] if len(word) > 1])
    known = [word for word in words[:NUM_KNOWN] if len(word) > 1]
    _write(folder / "lines.txt", _make_lines(known))
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
        times = round(3 * math.log10(1e7 * word_frequency(word, "en")))
        lines += [word] * max(2, times)
    sampler = TextSampler(parse_options({"kinds": OTHER_KINDS, "max_length": "20"}))
    rng = np.random.default_rng(0)
    num_others = round(len(lines) * OTHERS / (1 - OTHERS))
    return lines + [sampler.draw(rng) for _ in range(num_others)]


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
    main(Path(sys.argv[1]))

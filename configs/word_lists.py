r"""Write the words of the default model: what is rendered, and what its language model learns.

`common.txt` and `many.txt` are English words of letters alone, the most frequent first (Speer,
"rspeer/wordfreq", which has its lists from Wikipedia, subtitles, news, books and the web;
Apache-2.0, the data CC-BY-SA-4.0). `lines.txt` are words in lower, upper and title case, each as
often as the logarithm of its frequency says, and a sixth of numbers, prices, dates, codes and the
like, so that a model of these lines does not take a code for a misspelt word.

    pip install wordfreq
    python configs/word_lists.py runs/words
    attention-ocr language-model --kind=lstm --units=192 --epochs=5 --batch_size=256 \
        runs/words/lines.txt runs/words/language_model.npz
"""

import math
import sys
from pathlib import Path

import numpy as np
from wordfreq import top_n_list, word_frequency

from attention_ocr.synthesis.settings import parse_options
from attention_ocr.synthesis.texts import TextSampler

NUM_COMMON, NUM_SPOKEN, NUM_MANY = 5_000, 40_000, 80_000
NUM_LINES = 300_000
OTHER_KINDS = "numbers+prices+dates+times+mixed+punctuated+addresses+random"
OTHERS = 1 / 6


def main(folder: Path) -> None:
    """Write the lists into a folder, which is made."""
    words = [word for word in top_n_list("en", 2 * NUM_MANY) if word.isascii() and word.isalpha()]
    folder.mkdir(parents=True, exist_ok=True)
    for name, number in (("common", NUM_COMMON), ("many", NUM_MANY)):
        _write(folder / f"{name}.txt", [word for word in words[:number] if len(word) > 1])
    spoken = [word for word in words[:NUM_SPOKEN] if len(word) > 1]
    _write(folder / "lines.txt", _draw_lines(spoken))


def _draw_lines(words: list[str]) -> list[str]:
    rng = np.random.default_rng(0)
    weights = np.array([math.log10(1e7 * word_frequency(word, "en")) for word in words])
    weights = np.maximum(weights, 0.1)
    drawn = rng.choice(len(words), round(NUM_LINES * (1 - OTHERS)), p=weights / weights.sum())
    cases = (str.lower, str.upper, str.title)
    lines = [cases[rng.integers(3)](words[place]) for place in drawn]
    sampler = TextSampler(parse_options({"kinds": OTHER_KINDS, "max_length": "20"}))
    lines += [sampler.draw(rng) for _ in range(NUM_LINES - len(lines))]
    return [lines[place] for place in rng.permutation(len(lines))]


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

r"""Write the lines of text that the language model of `lines` is trained on.

Two thirds are rendered sentences of 22 languages, the others lines of receipts and the like: words,
codes, prices, dates, and real receipts, each `REPEATS` times. Their texts are those that the
recogniser is trained on; held-out receipts are not among them.

    python configs/line_texts.py runs/words runs/words/receipts/labels.tsv
    attention-ocr language-model --kind=lstm --units=320 --epochs=3 \
        runs/words/line_texts.txt runs/words/lines_language_model.npz
"""

import sys
from pathlib import Path

import numpy as np

from attention_ocr.data.sources import open_source
from attention_ocr.synthesis.settings import parse_options
from attention_ocr.synthesis.texts import TextSampler

SENTENCES = {
    "kinds": "sentences",
    "characters": "latin",
    "min_length": "20",
    "max_length": "100",
    "part": "train",
}
OTHERS = {
    "kinds": "sentences+prices+codes+numbers+dates+phrases+items",
    "characters": "printable+space",
    "max_length": "48",
    "part": "train",
}
NUM_SENTENCES, NUM_OTHERS = 150_000, 75_000
REPEATS = 14


def main(folder: Path, receipts: str) -> None:
    """Write `line_texts.txt` beside the word lists of a folder."""
    rng = np.random.default_rng(7)
    lines = []
    for options, words, count in (
        (SENTENCES, "languages.txt", NUM_SENTENCES),
        (OTHERS, "many.txt", NUM_OTHERS),
    ):
        sampler = TextSampler(parse_options(options | {"words_file": str(folder / words)}))
        lines += [sampler.draw(rng) for _ in range(count)]
    lines += REPEATS * [*open_source(receipts).labels()]
    (folder / "line_texts.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} FOLDER RECEIPTS")
    main(Path(sys.argv[1]), sys.argv[2])

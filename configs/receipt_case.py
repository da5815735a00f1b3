r"""Restore the case of labels that are in upper case whatever the print: receipts of SROIE.

A network trained on them as they are reads lower case as upper case, so that the bundled model
`lines`, which has seen them, is no guide. The model `default` has not: it reads the words of each
line, and each word of the label takes the form (upper case, lower case, capitalised) that agrees
best with its reading. Lines with a word that is read too differently are skipped.

    python configs/receipt_case.py runs/words/receipts SOURCE...

A source is one of `--train_data`, such as
`runs/data/sroie_lines/labels.tsv,every=5,part=fit,group=(.*)_`. The images are copied beside a
`labels.tsv` that lists them.
"""

import re
import sys
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

import attention_ocr
from attention_ocr.data.sources import Walk, open_source
from attention_ocr.images.decode import decode_array
from attention_ocr.pages.words import split_words

ALIKE = "cosuvwxzpk"
"""Letters whose two cases look alike: they count little."""
FORMS = (str.upper, str.lower, str.capitalize)
MIN_AGREEMENT = 0.75
"""Least agreement of a word with its reading, of 1."""


def main(folder: Path, sources: list[str]) -> None:
    """Write the lines whose case is known into a folder, which is created."""
    folder.mkdir(parents=True, exist_ok=True)
    reader = attention_ocr.load("default")
    lines: list[str] = []
    num_skipped = 0
    for source in sources:
        for row in open_source(source).files(Walk()).as_numpy_iterator():
            image = decode_array(row["encoded"])
            label = None
            if image is not None:
                words = reader.read(list(cut_words(image)))
                text = "".join(word.text for word in words)
                label = restore_case(row["text"].decode("utf-8"), text)
            if label is None:
                num_skipped += 1
                continue
            name = f"{len(lines)}.png"
            (folder / name).write_bytes(row["encoded"])
            lines.append(f"{name}\t{label}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    sys.stdout.write(f"{len(lines)} lines in {folder}; {num_skipped} of unknown case skipped\n")


def cut_words(line: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the words of a line, uint8 [h, w, 3] each."""
    width = line.shape[1]
    for begin, end in split_words([line])[0]:
        left, right = int(begin * width), max(int(np.ceil(end * width)), int(begin * width) + 1)
        yield np.ascontiguousarray(line[:, left:right])


def restore_case(label: str, text: str) -> str | None:
    """Return a label in upper case in the case of a reading; None if the reading is no guide.

    Args:
        label: The label.
        text: The reading, with or without spaces.
    """
    guide: list[str] = [""] * len(label)
    matcher = SequenceMatcher(None, label.lower(), text.lower(), False)
    for block in matcher.get_matching_blocks():
        guide[block.a : block.a + block.size] = text[block.b : block.b + block.size]
    restored = label
    for word in re.finditer(r"[^\W\d_]+", label):
        begin, end = word.span()
        written = [form(word.group()) for form in FORMS]
        scores = [agreement(form, guide[begin:end]) for form in written]
        if max(scores) < MIN_AGREEMENT:
            return None
        # The first form wins a tie: a lone letter whose cases look alike stays a capital.
        restored = restored[:begin] + written[int(np.argmax(scores))] + restored[end:]
    return restored


def agreement(word: str, guide: list[str]) -> float:
    """Return how well a word agrees with the characters read in its place: 0 to 1."""
    weights = [0.1 if letter.lower() in ALIKE else 1.0 for letter in word]
    agreeing = [
        weight for letter, read, weight in zip(word, guide, weights, strict=True) if letter == read
    ]
    return sum(agreeing) / sum(weights)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python configs/receipt_case.py FOLDER SOURCE...")
    main(Path(sys.argv[1]), sys.argv[2:])

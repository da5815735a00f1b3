r"""Restore the case of labels that are in upper case whatever the print: receipts of SROIE.

A network trained on them as they are reads lower case as upper case. Here the bundled model `lines`
reads each image: where it reads hardly a lower-case letter the label is kept, where it reads the
label in another case its reading is the label, and everything else is skipped.

    python configs/receipt_case.py runs/words/receipts SOURCE...

A source is one of `--train_data`, such as
`runs/data/sroie_lines/labels.tsv,every=5,part=fit,group=(.*)_`. The images are copied beside a
`labels.tsv` that lists them.
"""

import re
import sys
from difflib import SequenceMatcher
from pathlib import Path

import attention_ocr
from attention_ocr.data.sources import Walk, open_source

MOST_LOWER = 0.1
"""Highest share of lower case in the reading of a line that is printed in upper case."""
REGULAR = re.compile(r"[A-Z]*|[A-Z]?[a-z]*")
"""The cases of a printed word."""


def main(folder: Path, sources: list[str]) -> None:
    """Write the lines whose case is known into a folder, which is created."""
    folder.mkdir(parents=True, exist_ok=True)
    reader = attention_ocr.load("lines")
    lines: list[str] = []
    num_skipped = 0
    for source in sources:
        for row in open_source(source).files(Walk()).as_numpy_iterator():
            reading = reader.read(row["encoded"])[0]
            label = restore_case(row["text"].decode("utf-8"), reading.text)
            if label is None or not row["encoded"]:
                num_skipped += 1
                continue
            name = f"{len(lines)}.png"
            (folder / name).write_bytes(row["encoded"])
            lines.append(f"{name}\t{label}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    sys.stdout.write(f"{len(lines)} lines in {folder}; {num_skipped} of unknown case skipped\n")


def restore_case(label: str, text: str) -> str | None:
    """Return a label in upper case in the case of a reading; None if the reading is no guide."""
    blocks = SequenceMatcher(None, label.lower(), text.lower(), False).get_matching_blocks()
    letters = "".join(text[block.b : block.b + block.size] for block in blocks)
    num_lower = sum(letter.islower() for letter in letters)
    num_cased = sum(letter.isalpha() for letter in letters)
    if 2 * num_cased < sum(letter.isalpha() for letter in label):
        return None
    # A word in lower case is more than a few slips.
    if num_lower <= MOST_LOWER * num_cased and not re.search(r"[a-z]{3}", text):
        return label
    words = re.findall(r"[A-Za-z]+", text)
    is_regular = all(REGULAR.fullmatch(word) for word in words)
    return text if is_regular and label.lower() == text.lower() else None


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python configs/receipt_case.py FOLDER SOURCE...")
    main(Path(sys.argv[1]), sys.argv[2:])

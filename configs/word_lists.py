"""Write the word lists that `default_model_3.flags` renders: `common.txt` and `many.txt`.

English words of letters alone, the most frequent first (Speer, "rspeer/wordfreq", which has its
lists from Wikipedia, subtitles, news, books and the web; Apache-2.0, the data CC-BY-SA-4.0).

    pip install wordfreq
    python configs/word_lists.py runs/words
"""

import sys
from pathlib import Path

from wordfreq import top_n_list

NUM_COMMON, NUM_MANY = 5_000, 80_000


def main(folder: Path) -> None:
    """Write both lists into a folder, which is made."""
    words = [word for word in top_n_list("en", 2 * NUM_MANY) if word.isascii() and word.isalpha()]
    folder.mkdir(parents=True, exist_ok=True)
    for name, number in (("common", NUM_COMMON), ("many", NUM_MANY)):
        text = "".join(f"{word}\n" for word in words[:number] if len(word) > 1)
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

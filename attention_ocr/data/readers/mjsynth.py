"""MJSynth ("Synth 90k", Jaderberg et al. 2014) in its published layout.

`annotation_train.txt` and the other lists hold lines `./2425/1/115_Lube_45484.jpg 45484`: the label
is in the file name, and the number is the line of `lexicon.txt` with the label in lower case.
"""

from collections.abc import Iterator

from attention_ocr.data.readers.indexed import SPLIT_OPTIONS, FileListReader, indexed_source
from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import Source
from attention_ocr.data.storage import exists, folder_of, read_lines
from attention_ocr.data.tables import ImageTable

SPLITS = {
    "train": "annotation_train.txt",
    "val": "annotation_val.txt",
    "test": "annotation_test.txt",
    "all": "annotation.txt",
}


def open_source(spec: SourceSpec) -> Source:
    """Open the folder `mnt/ramdisk/max/90kDICT32px` of MJSynth, or one of its annotation files.

    Options: `split`, one of `SPLITS`, of a folder (default `train`); `every`, `part`, `group`.

    Raises:
        FileNotFoundError: If there is no such annotation file.
        ValueError: If a line is of another format, or contradicts the lexicon.
    """
    refuse_unknown_options(spec, ("split", *SPLIT_OPTIONS))
    path = spec.name
    if not path.endswith(".txt"):
        split = spec.options.get("split", "train")
        if split not in SPLITS:
            raise ValueError(
                f"`split` of {path} must be one of {', '.join(SPLITS)}. Received: {split}"
            )
        path = f"{path.rstrip('/')}/{SPLITS[split]}"
    elif "split" in spec.options:
        raise ValueError(
            f"`split` needs a folder, not an annotation file. Received: {path},split=…"
        )
    folder = folder_of(path) or "."
    table = ImageTable(path, folder, annotation_rows(path, _lexicon(f"{folder}/lexicon.txt")))
    return indexed_source(spec, FileListReader(table))


def annotation_rows(path: str, lexicon: list[str]) -> Iterator[tuple[int, str, str]]:
    """Yield line number, path and label of each line of an annotation file.

    Args:
        path: The file.
        lexicon: Words of `lexicon.txt`; empty to skip the comparison.
    """
    for line_number, line in read_lines(path):
        place = f"{path}, line {line_number}"
        key, _, number = line.strip().rpartition(" ")
        parts = key.rpartition("/")[2].rpartition(".")[0].split("_")
        if len(parts) != 3 or not number.isdecimal():
            raise ValueError(
                f"{place}: expected a path N_LABEL_M.jpg and a number. Received: {line!r}"
            )
        text = parts[1]
        if lexicon and (
            int(number) >= len(lexicon) or lexicon[int(number)].lower() != text.lower()
        ):
            raise ValueError(f"{place}: expected word {number} of lexicon.txt. Received: {text!r}")
        yield line_number, key.removeprefix("./"), text


def _lexicon(path: str) -> list[str]:
    return [word.strip() for _, word in read_lines(path)] if exists(path) else []

"""Split a data source by document: recognise from the names of images which belong together."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from attention_ocr.data.readers.indexed import SPLIT_OPTIONS
from attention_ocr.data.source_spec import parse_source
from attention_ocr.data.sources import Source, Walk, open_source

MIN_DOCUMENTS = 20
"""Least number of documents that are split: each part needs some."""
MIN_IMAGES = 15
"""Least number of images: a validation part takes a tenth of four fifths."""
_PATTERNS = (
    # The folder of an image.
    r"(.*)/",
    # What its name begins with, before a last part with a number: `letter_12.png`.
    r"(.*)[_-][^_./-]*\d[^_./-]*\.\w+$",
)


class Split(NamedTuple):
    """The parts of a data source.

    Attributes:
        fit: Source to train on.
        validation: Source to select the weights with.
        held_out: Source to evaluate on, about a fifth of the documents.
        group: The expression that names the document in a key; empty to split by image.
        num_documents: Number of documents; 0 if split by image.
    """

    fit: str
    validation: str
    held_out: str
    group: str
    num_documents: int


def split_by_document(data: str, group: str = "") -> Split:
    """Split a source into parts for training, validation and evaluation.

    The part of a document depends on its name alone, so that none that was held out is trained on
    after others have been added.

    Args:
        data: A source with the options `every`, `part`, `group` and `by`, which it does not give.
        group: A regular expression whose group names the document in a key; `none` splits by image;
            empty recognises documents by folders or names.

    Raises:
        FileNotFoundError: If the data do not exist.
        ValueError: If the source cannot be split, or has too few images or documents.
    """
    if ";" in data:
        raise ValueError(f"Expected one source, not a mixture. Received: {data}")
    if set(SPLIT_OPTIONS) & set(parse_source(data).options):
        raise ValueError(f"Expected a whole source, which is split here. Received: {data}")
    # A format without parts refuses the options.
    open_source(f"{data},every=2,part=eval")
    keys = list(_keys(open_source(data)))
    if len(keys) < MIN_IMAGES:
        raise ValueError(
            f"Expected {MIN_IMAGES} images or more, to train, validate and evaluate on. "
            f"Received: {len(keys)} in {data}"
        )
    group = "" if group == "none" else group or guess_group(keys)
    names = _documents(keys, group) if group else set()
    option = f",group={group}" if group else ""
    fit, validation, held_out = (
        f"{data},every=5,part={part},by=hash{option}" for part in ("fit", "validation", "eval")
    )
    return Split(fit, validation, held_out, group, len(names))


def guess_group(keys: Iterable[str]) -> str:
    r"""Return the expression that names the document of each image; empty if there are none.

    Args:
        keys: Paths of all images.

    Example:
        >>> guess_group(f"page{p}/{w}.png" for p in range(30) for w in range(9))
        '(.*)/'
    """
    keys = list(keys)
    for pattern in _PATTERNS:
        if not all(re.match(pattern, key) for key in keys):
            continue
        num_documents = len(_documents(keys, pattern))
        if MIN_DOCUMENTS <= num_documents <= len(keys) / 1.5:
            return pattern
    return ""


def _documents(keys: Iterable[str], group: str) -> set[str]:
    """Return the names of the documents; keys that do not match are refused by the split."""
    try:
        matches = [re.match(group, key) for key in keys]
        return {match[1] for match in matches if match and match[1] is not None}
    except (re.error, IndexError) as error:
        raise ValueError(
            f"`group` must be a regular expression with a group (…). Received: {group!r}"
        ) from error


def _keys(source: Source) -> Iterable[str]:
    for batch in source.rows(Walk()).map(lambda row: row["key"]).batch(1024):
        yield from (key.decode("utf-8", errors="surrogateescape") for key in batch.numpy())

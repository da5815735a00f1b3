"""A lexicon for each image, as data sets publish them: a few words, one of them the text."""

from collections.abc import Iterable, Sequence

import numpy as np

from attention_ocr.decoding.automaton import Automaton, Tables, stack
from attention_ocr.decoding.lexicon import (
    case_classes,
    encode_in_any_case,
    in_any_case,
    word_graph,
)
from attention_ocr.text.charset import Charset


class ImageLexicons:
    """Builds the rules of a batch of images from their lexicons.

    A word that the model cannot read, because it is too long or has other characters, is left out;
    an image without any word is read without a lexicon.

    Args:
        charset: Characters of the model.
        max_length: L, characters of the longest text.
        ignore_case: Whether a word may be read in any mixture of capital and small letters.

    Attributes:
        num_without: Number of images so far that were read without a lexicon.
    """

    def __init__(self, charset: Charset, max_length: int, ignore_case: bool = False) -> None:
        self.num_without = 0
        self._charset = charset
        self._max_length = max_length
        self._classes = case_classes(charset) if ignore_case else None
        everything = charset.encode("".join(charset.characters))
        self._anything = Automaton([dict.fromkeys(everything, 0)], [True], charset.vocabulary_size)

    def tables(self, lexicons: Sequence[Iterable[str]]) -> Tables:
        """Return the tables of a `TableRule`.

        Args:
            lexicons: The words of each image.
        """
        return stack([self._automaton(words) for words in lexicons])

    def _automaton(self, words: Iterable[str]) -> Automaton:
        encoded = [word for word in self._encode(words) if 0 < len(word) <= self._max_length]
        if not encoded:
            self.num_without += 1
            return self._anything
        transitions, accepting = word_graph(encoded)
        if self._classes is not None:
            transitions = in_any_case(transitions, self._classes)
        return Automaton(transitions, accepting, self._charset.vocabulary_size)

    def _encode(self, words: Iterable[str]) -> list[tuple[int, ...]]:
        folded = map(self._charset.fold, words)
        if self._classes is not None:
            return encode_in_any_case(folded, self._classes)
        known = (word for word in folded if not self._charset.unknown_characters(word))
        return [tuple(self._charset.encode(word)) for word in known]


def split_lexicons(joined: np.ndarray, separator: bytes = b"\n") -> list[list[str]]:
    """Return the words of each image, from bytes [B] in which they are concatenated."""
    return [
        [word.decode("utf-8", errors="replace") for word in words.split(separator) if word]
        for words in joined.tolist()
    ]

"""Labels that a model can never predict: they exceed its charset or its maximum length."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from attention_ocr.evaluation.evaluate import Prediction
from attention_ocr.text.charset import Charset

NUM_KEYS = 5
"""Examples shown per reason."""

NUM_CHARACTERS = 40
"""Characters shown in text, most frequent first; JSON holds all."""


class Unreachable(NamedTuple):
    """Labels that can never be predicted.

    Attributes:
        num_labels: Number of labels; one may have both faults.
        unknown_characters: Characters outside the charset, each with the number of labels that
            contain it, most frequent first.
        unknown_keys: Keys of the examples whose label contains one of them.
        max_length: Maximum number of characters that the model predicts.
        too_long_keys: Keys of the examples whose label is longer.
    """

    num_labels: int
    unknown_characters: dict[str, int]
    unknown_keys: list[str]
    max_length: int
    too_long_keys: list[str]

    def rows(self) -> list[tuple[str, str, str]]:
        """Return a row of name, number and note for each fault that occurs."""
        rows = []
        if self.unknown_keys:
            shown = list(self.unknown_characters)[:NUM_CHARACTERS]
            more = len(self.unknown_characters) - len(shown)
            characters = " ".join(_visible(character) for character in shown)
            characters += f" and {more} more" if more else ""
            rows.append(
                (
                    "labels outside the charset",
                    str(len(self.unknown_keys)),
                    f"never right: {characters}; {_some(self.unknown_keys)}",
                )
            )
        if self.too_long_keys:
            rows.append(
                (
                    f"labels over {self.max_length} characters",
                    str(len(self.too_long_keys)),
                    f"never right: {_some(self.too_long_keys)}",
                )
            )
        return rows

    def lines(self) -> list[str]:
        """Return a line of text for each fault that occurs."""
        return [f"{number} {name}, {note}" for name, number, note in self.rows()]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, including the keys of all examples."""
        return self._asdict()


def find_unreachable(
    predictions: Sequence[Prediction], charset: Charset, max_length: int
) -> Unreachable:
    """Return the labels of an evaluation that the model could not have predicted.

    Args:
        predictions: Predictions of an evaluation; glyphs of a class are replaced by its character.
        charset: Charset of the model.
        max_length: Maximum number of characters that it predicts.
    """
    labels_with: Counter[str] = Counter()
    unknown_keys, too_long_keys, num_labels = [], [], 0
    for prediction in predictions:
        unknown = set(charset.unknown_characters(prediction.label))
        labels_with.update(unknown)
        too_long = len(prediction.label) > max_length
        if unknown:
            unknown_keys.append(prediction.key)
        if too_long:
            too_long_keys.append(prediction.key)
        num_labels += bool(unknown) or too_long
    by_frequency = sorted(labels_with.items(), key=lambda entry: (-entry[1], entry[0]))
    return Unreachable(num_labels, dict(by_frequency), unknown_keys, max_length, too_long_keys)


def _visible(character: str) -> str:
    """Return a printable character as it is, any other one as its code point."""
    return character if character.isprintable() and character != " " else f"U+{ord(character):04X}"


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - NUM_KEYS} more" if len(keys) > NUM_KEYS else ""
    return f"{', '.join(keys[:NUM_KEYS])}{more}"

"""A list of words as an automaton."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from attention_ocr.io.bounded_read import read_bounded
from attention_ocr.text.charset import Charset, normalize

MAX_LEXICON_BYTES = 2**27
"""Largest word list, about ten million words."""


def read_words(path: Path) -> list[str]:
    """Read a UTF-8 file with a word on each line, in NFC; empty lines are left out.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds no word or is not UTF-8; the message names it.
    """
    try:
        lines = read_bounded(path, MAX_LEXICON_BYTES).decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: {error}") from error
    words = [word for line in lines if (word := normalize(line.rstrip("\r")))]
    if not words:
        raise ValueError(f"{path}: expected a word on each line. Received: no word")
    return words


def encode_words(words: Iterable[str], charset: Charset, source: str) -> list[tuple[int, ...]]:
    """Return the token ids of words.

    Args:
        words: Words in NFC.
        charset: Characters of the model.
        source: Origin of the words, for the message.

    Raises:
        ValueError: If a word holds characters that the charset lacks; the message names them.
    """
    words = list(words)
    for word in words:
        if missing := charset.unknown_characters(word):
            others = sum(bool(charset.unknown_characters(other)) for other in words) - 1
            also = f" and {others} other words" if others else ""
            raise ValueError(
                f"{source}: expected words of the model's characters. "
                f"Received: {word!r} with {', '.join(map(repr, missing))}{also}"
            )
    return [tuple(charset.encode(word)) for word in words]


def case_classes(charset: Charset) -> dict[str, list[int]]:
    """Return the token ids of the characters that differ only by case, by their folded form."""
    classes: dict[str, list[int]] = {}
    for character in charset.characters:
        classes.setdefault(_folded(character), []).extend(charset.encode(character))
    return classes


def encode_in_any_case(
    words: Iterable[str], classes: Mapping[str, list[int]]
) -> list[tuple[int, ...]]:
    """Return for each word the first token id of each character's class.

    Args:
        words: Words from `Charset.fold`; one with a character of no class is left out.
        classes: Classes from `case_classes`.
    """
    encoded = []
    for word in words:
        found = [classes.get(_folded(character)) for character in word]
        if all(found):
            encoded.append(tuple(ids[0] for ids in found if ids))
    return encoded


def in_any_case(
    transitions: list[dict[int, int]], classes: Mapping[str, list[int]]
) -> list[dict[int, int]]:
    """Return the transitions of an automaton of `encode_in_any_case` for all ids of each class."""
    ids_of = {ids[0]: ids for ids in classes.values()}
    return [
        {token_id: after for first, after in edges.items() for token_id in ids_of[first]}
        for edges in transitions
    ]


def _folded(character: str) -> str:
    # A character that becomes several (ß) stays as it is.
    folded = character.casefold()
    return folded if len(folded) == 1 else character


def word_graph(words: Iterable[tuple[int, ...]]) -> tuple[list[dict[int, int]], list[bool]]:
    """Return the smallest automaton that accepts the words and nothing else.

    Words share common prefixes and suffixes: the incremental construction for sorted words of
    Daciuk et al. (2000), algorithm 1.

    Returns:
        The transitions of its states, of which 0 is the start, and whether each accepts.
    """
    transitions: list[dict[int, int]] = [{}]
    accepting = [False]
    register: dict[tuple[object, ...], int] = {}
    path = [0]  # The states along the previous word.
    previous: tuple[int, ...] = ()

    def minimize(depth: int) -> None:
        """Replace the states of the path below `depth` by existing equal ones."""
        while len(path) > depth:
            state = path.pop()
            key = (accepting[state], *sorted(transitions[state].items()))
            transitions[path[-1]][previous[len(path) - 1]] = register.setdefault(key, state)

    for word in sorted(set(words)):
        shared = 0
        while shared < min(len(word), len(previous)) and word[shared] == previous[shared]:
            shared += 1
        minimize(shared + 1)
        for token_id in word[shared:]:
            transitions.append({})
            accepting.append(False)
            transitions[path[-1]][token_id] = len(transitions) - 1
            path.append(len(transitions) - 1)
        accepting[path[-1]] = True
        previous = word
    minimize(1)
    return transitions, accepting


def accepts(
    transitions: list[dict[int, int]], accepting: list[bool], word: tuple[int, ...]
) -> bool:
    """Tell whether an automaton accepts a word."""
    state = 0
    for token_id in word:
        if token_id not in transitions[state]:
            return False
        state = transitions[state][token_id]
    return accepting[state]


def intersection(
    first: tuple[list[dict[int, int]], list[bool]], second: tuple[list[dict[int, int]], list[bool]]
) -> tuple[list[dict[int, int]], list[bool]]:
    """Return the automaton of the words that both automata accept."""
    numbers = {(0, 0): 0}
    pairs = [(0, 0)]
    transitions: list[dict[int, int]] = []
    for pair in pairs:
        edges = {}
        for token_id, after in first[0][pair[0]].items():
            if token_id in second[0][pair[1]]:
                reached = (after, second[0][pair[1]][token_id])
                if reached not in numbers:
                    numbers[reached] = len(pairs)
                    pairs.append(reached)
                edges[token_id] = numbers[reached]
        transitions.append(edges)
    return transitions, [first[1][state] and second[1][other] for state, other in pairs]

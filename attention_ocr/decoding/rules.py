"""Rules built from the settings of decoding."""

from pathlib import Path

from absl import logging

from attention_ocr.decoding.automaton import Automaton
from attention_ocr.decoding.lexicon import (
    accepts,
    case_classes,
    encode_in_any_case,
    encode_words,
    in_any_case,
    intersection,
    read_words,
    word_graph,
)
from attention_ocr.decoding.pattern import compile_pattern
from attention_ocr.settings.decoding import DecodingConfig
from attention_ocr.text.charset import Charset, normalize


def make_rule(settings: DecodingConfig, charset: Charset, max_length: int) -> Automaton | None:
    """Return the rule for all texts: a lexicon, a pattern, allowed characters, or all of these.

    Args:
        settings: `lexicon`, `lexicon_ignore_case`, `pattern` and `allowed_characters`.
        charset: Characters of the model.
        max_length: L. Longer words are left out, and counted in the log.

    Returns:
        The rule; `None` where the settings name none.

    Raises:
        OSError: If the lexicon cannot be read.
        ValueError: If a character is outside the charset, the pattern is malformed, or no text
            satisfies the rule.
    """
    allowed = _allowed_ids(settings.allowed_characters, charset)
    if not (settings.lexicon or settings.pattern or allowed):
        return None
    # Without a pattern, any text of the allowed characters.
    everything = allowed or frozenset(charset.encode("".join(charset.characters)))
    graph: tuple[list[dict[int, int]], list[bool]] = [dict.fromkeys(everything, 0)], [True]
    if settings.pattern:
        graph = compile_pattern(settings.pattern, charset, allowed)
    if settings.lexicon:
        words = _short_words(settings, charset, max_length)
        if settings.lexicon_ignore_case:
            classes = case_classes(charset)
            transitions, accepting = word_graph(words)
            lexicon = (in_any_case(transitions, classes), accepting)
            constrained = bool(settings.pattern or allowed)
            graph = intersection(lexicon, graph) if constrained else lexicon
        else:
            graph = word_graph([word for word in words if accepts(*graph, word)])
    return _checked(graph, settings, charset, max_length)


def _short_words(
    settings: DecodingConfig, charset: Charset, max_length: int
) -> list[tuple[int, ...]]:
    """Return the words of the lexicon that are not too long, as token ids."""
    words = read_words(Path(settings.lexicon))
    if settings.lexicon_ignore_case:
        classes = case_classes(charset)
        encoded = encode_in_any_case(map(charset.fold, words), classes)
        if len(encoded) < len(words):
            # Raises for characters that the model has in neither case.
            unknown = [
                word for word in words if not encode_in_any_case([charset.fold(word)], classes)
            ]
            encode_words(unknown, charset, settings.lexicon)
    else:
        encoded = encode_words(words, charset, settings.lexicon)
    short = [word for word in encoded if len(word) <= max_length]
    if len(short) < len(encoded):
        logging.warning(
            "%s: left out %d words longer than max_length=%d",
            settings.lexicon,
            len(encoded) - len(short),
            max_length,
        )
    return short


def _checked(
    graph: tuple[list[dict[int, int]], list[bool]],
    settings: DecodingConfig,
    charset: Charset,
    max_length: int,
) -> Automaton:
    given = ", ".join(
        f"{name}={value!r}"
        for name in ("lexicon", "pattern", "allowed_characters")
        if (value := getattr(settings, name))
    )
    try:
        rule = Automaton(*graph, charset.vocabulary_size)
    except ValueError as error:
        raise ValueError(
            f"Expected a rule that a text of the model's characters satisfies. Received: {given}, "
            "which no text does"
        ) from error
    if rule.shortest > max_length:
        raise ValueError(
            f"Expected a rule that some text of max_length={max_length} characters satisfies. "
            f"Received: {given}, of which the shortest has {rule.shortest}"
        )
    return rule


def _allowed_ids(characters: str, charset: Charset) -> frozenset[int] | None:
    if not characters:
        return None
    if missing := charset.unknown_characters(characters):
        raise ValueError(
            "`allowed_characters` must be characters of the model. "
            f"Received: {', '.join(map(repr, dict.fromkeys(missing)))} in {normalize(characters)!r}"
        )
    return frozenset(charset.encode(characters))

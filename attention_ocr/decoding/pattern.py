r"""A regular expression as an automaton over a charset.

A subset of Python's syntax: characters, `.`, classes `[a-z0-9_]` and `[^...]`, the escapes `\d`,
`\w`, `\s` and their opposites, groups `(...)` and `(?:...)`, `|`, and `?`, `*`, `+`, `{m}`, `{m,}`,
`{,n}`, `{m,n}`. The expression describes the whole text.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from attention_ocr.text.charset import Charset, normalize

MAX_REPEATS = 1000
MAX_DEPTH = 100
"""Most groups inside one another, far from Python's limit of recursion."""

MAX_STATES = 50_000
CLASSES: dict[str, Callable[[str], bool]] = {
    "d": str.isdecimal,
    "w": lambda character: character.isalnum() or character == "_",
    "s": str.isspace,
}
CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


class _Node(NamedTuple):
    """A node of an expression: `set` of token ids, `sequence`, `choice`, or `repeat`."""

    kind: str
    token_ids: frozenset[int] = frozenset()
    parts: tuple["_Node", ...] = ()
    least: int = 0
    most: int | None = None


def compile_pattern(
    pattern: str, charset: Charset, allowed: frozenset[int] | None = None
) -> tuple[list[dict[int, int]], list[bool]]:
    """Compile an expression.

    Args:
        pattern: The expression.
        charset: Characters that a text may hold.
        allowed: Token ids to which texts are restricted; `None` for all.

    Returns:
        The transitions of a deterministic automaton, state 0 the start, and which states accept.

    Raises:
        ValueError: If the expression is malformed, names a character outside the charset, or is too
            large; the message says where.
    """
    tree = _Parser(normalize(pattern), charset).parse()
    return _determinize(_Network(tree), allowed, pattern)


class _Parser:
    """Reads an expression from left to right."""

    def __init__(self, pattern: str, charset: Charset) -> None:
        self.pattern = pattern
        self.charset = charset
        self.position = 0
        self.depth = 0

    def parse(self) -> _Node:
        tree = self.choice()
        if self.position < len(self.pattern):
            raise self.error("a group that was opened before this )")
        return tree

    def error(self, expectation: str) -> ValueError:
        return ValueError(
            f"`pattern`: expected {expectation} at character {self.position + 1}. "
            f"Received: {self.pattern!r}"
        )

    def peek(self) -> str:
        return self.pattern[self.position : self.position + 1]

    def take(self, expected: str) -> bool:
        found = self.pattern.startswith(expected, self.position)
        self.position += len(expected) * found
        return found

    def choice(self) -> _Node:
        parts = [self.sequence()]
        while self.take("|"):
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else _Node("choice", parts=tuple(parts))

    def sequence(self) -> _Node:
        parts = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repetition())
        return _Node("sequence", parts=tuple(parts))

    def repetition(self) -> _Node:
        part = self.atom()
        limits = self.limits()
        if limits is None:
            return part
        if self.peek() and self.peek() in "?*+{":
            raise self.error("one of ?, *, + and {m,n} after a part, not two,")
        least, most = limits
        return _Node("repeat", parts=(part,), least=least, most=most)

    def limits(self) -> tuple[int, int | None] | None:
        for sign, limits in (("?", (0, 1)), ("*", (0, None)), ("+", (1, None))):
            if self.take(sign):
                return limits
        if not self.take("{"):
            return None
        least = self.number()
        most = (self.number() if self.take(",") else least) if least is not None else None
        if least is None and self.take(","):
            least, most = 0, self.number()
            if most is None:
                raise self.error("a number")
        if least is None or not self.take("}"):
            raise self.error("{m}, {m,}, {,n} or {m,n}")
        if max(least, most or 0) > MAX_REPEATS or (most is not None and most < least):
            raise self.error(f"m <= n <= {MAX_REPEATS} before")
        return least, most

    def number(self) -> int | None:
        start = self.position
        while self.peek().isdecimal():
            self.position += 1
        return int(self.pattern[start : self.position]) if self.position > start else None

    def atom(self) -> _Node:
        if self.peek() == "(":
            return self.group()
        if self.take("["):
            return self.character_class()
        if self.take("."):
            return self.characters(lambda _: True)
        if self.peek() in "?*+{":
            raise self.error("something to repeat")
        if self.peek() in "^$":
            raise self.error("no ^ or $, as the whole text is described anyway,")
        return self.literal(self.escaped() if self.take("\\") else self.next())

    def group(self) -> _Node:
        if self.depth == MAX_DEPTH:
            raise self.error(f"at most {MAX_DEPTH} groups inside one another")
        self.depth += 1
        self.take("(")
        if self.peek() == "?" and not self.take("?:"):
            raise self.error("no extension but (?:")
        tree = self.choice()
        if not self.take(")"):
            raise self.error("a )")
        self.depth -= 1
        return tree

    def next(self) -> str:
        character = self.peek()
        if not character:
            raise self.error("a character")
        self.position += 1
        return character

    def escaped(self) -> str | Callable[[str], bool]:
        """Return the character or the class after a backslash."""
        letter = self.next()
        if letter.lower() in CLASSES:
            holds = CLASSES[letter.lower()]
            return holds if letter.islower() else lambda character: not holds(character)
        if letter in CONTROLS:
            return CONTROLS[letter]
        if letter.isalnum():
            self.position -= 1
            raise self.error("one of \\d \\w \\s \\D \\W \\S or an escaped sign")
        return letter

    def literal(self, item: str | Callable[[str], bool]) -> _Node:
        if callable(item):
            return self.characters(item)
        if item not in self.charset:
            raise ValueError(
                f"`pattern`: expected characters of the model. Received: {item!r} in "
                f"{self.pattern!r}"
            )
        return self.characters(lambda character: character == item)

    def characters(self, holds: Callable[[str], bool]) -> _Node:
        """Return the set of the token ids that stand for a character with a property."""
        token_ids = [
            token_id
            for character in (*self.charset.characters, *self.charset.glyphs)
            if holds(character)
            for token_id in self.charset.encode(character)
        ]
        return _Node("set", token_ids=frozenset(token_ids))

    def character_class(self) -> _Node:
        opposite = self.take("^")
        tests: list[Callable[[str], bool]] = []
        # A leading ] is a character.
        while not (tests and self.take("]")):
            if not self.peek():
                raise self.error("a ]")
            first = self.escaped() if self.take("\\") else self.next()
            if callable(first):
                tests.append(first)
                continue
            last: str | Callable[[str], bool] = first
            if self.peek() == "-" and self.pattern[self.position + 1 : self.position + 2] != "]":
                self.position += 1
                last = self.escaped() if self.take("\\") else self.next()
            if callable(last) or last < first:
                raise self.error("a range of ascending characters before")
            tests.append(partial(_is_between, first, last))
        named = self.characters(lambda character: any(test(character) for test in tests))
        if not opposite:
            return named
        # Of the token ids, not of the characters: one stands for all glyphs of a class.
        others = self.characters(lambda _: True).token_ids - named.token_ids
        return _Node("set", token_ids=others)


def _is_between(low: str, high: str, character: str) -> bool:
    return low <= character <= high


class _Network:
    """A non-deterministic automaton (Thompson, 1968)."""

    def __init__(self, tree: _Node) -> None:
        self.silent: list[list[int]] = []
        self.reading: list[tuple[frozenset[int], int] | None] = []
        self.start = self.state()
        self.end = self.add(tree, self.start)

    def state(self) -> int:
        if len(self.silent) >= MAX_STATES:
            raise ValueError(
                f"`pattern`: expected one of at most {MAX_STATES} states. Received a larger one"
            )
        self.silent.append([])
        self.reading.append(None)
        return len(self.silent) - 1

    def add(self, node: _Node, start: int) -> int:
        """Add a part after a state; return the state after the part."""
        if node.kind == "set":
            self.silent[start].append(self.state())
            end = self.state()
            self.reading[end - 1] = (node.token_ids, end)
            return end
        if node.kind == "sequence":
            for part in node.parts:
                start = self.add(part, start)
            # A state for nothing as well: repetitions of it count towards the limit.
            return start if node.parts else self.fork(start)
        if node.kind == "choice":
            end = self.state()
            for part in node.parts:
                self.silent[self.add(part, self.fork(start))].append(end)
            return end
        for _ in range(node.least):
            start = self.add(node.parts[0], start)
        if node.most is None:
            start = self.fork(start)
            self.silent[self.add(node.parts[0], start)].append(start)
            return self.fork(start)
        end = self.state()
        for _ in range(node.most - node.least):
            self.silent[start].append(end)
            start = self.add(node.parts[0], start)
        self.silent[start].append(end)
        return end

    def fork(self, start: int) -> int:
        state = self.state()
        self.silent[start].append(state)
        return state

    def closure(self, states: Iterator[int]) -> frozenset[int]:
        """Return the states reachable from `states` without reading a character."""
        found, stack = set(), list(states)
        while stack:
            state = stack.pop()
            if state not in found:
                found.add(state)
                stack.extend(self.silent[state])
        return frozenset(found)


def _determinize(
    network: _Network, allowed: frozenset[int] | None, pattern: str
) -> tuple[list[dict[int, int]], list[bool]]:
    """Follow all states of a network at once (subset construction)."""
    start = network.closure(iter([network.start]))
    numbers = {start: 0}
    subsets = [start]
    transitions: list[dict[int, int]] = []
    while len(transitions) < len(subsets):
        reached: dict[int, set[int]] = {}
        for state in subsets[len(transitions)]:
            token_ids, after = network.reading[state] or (frozenset(), 0)
            for token_id in token_ids if allowed is None else token_ids & allowed:
                reached.setdefault(token_id, set()).add(after)
        known: dict[frozenset[int], int] = {}
        edges = {}
        for token_id, after_states in reached.items():
            key = frozenset(after_states)
            if key not in known:
                subset = network.closure(iter(key))
                if subset not in numbers:
                    numbers[subset] = len(subsets)
                    subsets.append(subset)
                known[key] = numbers[subset]
            edges[token_id] = known[key]
        transitions.append(edges)
        if len(subsets) > MAX_STATES:
            raise ValueError(
                f"`pattern`: expected an automaton of at most {MAX_STATES} states. "
                f"Received: {pattern!r}, which needs more"
            )
    return transitions, [network.end in subset for subset in subsets]

import itertools
import random
import re

import pytest

from attention_ocr.decoding.lexicon import accepts
from attention_ocr.decoding.pattern import compile_pattern
from attention_ocr.text.charset import Charset

CHARSET = Charset("ab-1_ ]")
TEXTS = [
    "".join(text) for n in range(5) for text in itertools.product(CHARSET.characters, repeat=n)
]


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a",
        "ab1",
        ".",
        ".*",
        "a?b+",
        "a|b1|",
        "(a|b)*1",
        "(?:ab){1,2}",
        "a{2}b{0,1}",
        "a{,2}",
        "b{2,}",
        "a{0}b",
        "[ab]1",
        "[a-b1]+",
        "[^a-b]{2}",
        "[]a]b?",
        "[^]a]",
        "[a-]+",
        "[-a]+",
        r"\d\D",
        r"\w+\s\w*",
        r"[\d_]{2,3}",
        r"[^\w]\]",
        r"\-|\_",
        "((a|b)(1|))*",
        "(a*)*b",
        "(a?){3}",
        "(){3}a(|b)",
    ],
)
def test_a_pattern_accepts_the_same_texts_as_python(pattern):
    graph = compile_pattern(pattern, CHARSET)
    expected = {text for text in TEXTS if re.fullmatch(pattern, text)}
    assert {text for text in TEXTS if accepts(*graph, tuple(CHARSET.encode(text)))} == expected


def test_some_characters_may_be_ruled_out():
    graph = compile_pattern("[ab]{2}", CHARSET, frozenset(CHARSET.encode("b1")))
    assert [t for t in TEXTS if accepts(*graph, tuple(CHARSET.encode(t)))] == ["bb"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a", "expected a \\) at character 3. Received: '\\(a'"),
        ("a)", "expected a group that was opened before this \\) at character 2"),
        ("[ab", "expected a \\] at character 4"),
        ("*a", "expected something to repeat at character 1"),
        ("a**", "not two, at character 3"),
        ("a{2", "expected {m}, {m,}, {,n} or {m,n} at character 4"),
        ("a{x}", "expected {m}"),
        ("a{3,2}", "expected m <= n <= 1000 before at character 7"),
        ("a{2000}", "m <= n <= 1000"),
        ("[b-a]", "range of ascending characters before at character 5"),
        ("^a$", "no \\^ or \\$, as the whole text is described anyway, at character 1"),
        ("(?=a)", "no extension but \\(\\?: at character 2"),
        (r"\1", r"one of .* or an escaped sign at character 2"),
        ("a\\", "expected a character at character 3"),
        ("aéb", "expected characters of the model. Received: 'é' in 'aéb'"),
        ("(" * 400 + "a" + ")" * 400, "at most 100 groups inside one another at character 101"),
        ("b" + "(?:a|" * 101 + "a" + ")?" * 101, "at most 100 groups .* at character 502"),
        ("(((.{9}){9}){9}){99}", "at most 50000 states"),
        ("((){1000}){1000}", "at most 50000 states"),
        ("(a|b)*a.{30}", "at most 50000 states"),
    ],
)
def test_a_bad_pattern_is_refused_and_the_place_named(pattern, message):
    with pytest.raises(ValueError, match=message) as error:
        compile_pattern(pattern, CHARSET)
    assert "\n" not in str(error.value)


def test_groups_side_by_side_and_a_hundred_inside_one_another_are_compiled():
    for pattern in ("(a)" * 300, "(" * 100 + "a" + "|b)" * 100 + "(b)"):
        assert compile_pattern(pattern, CHARSET)[0]


def random_pattern(random, depth=3):
    """Return an expression of the supported syntax, with groups down to a depth."""
    if depth == 0 or random.random() < 0.3:
        return random.choice(["a", "b", "1", ".", r"\d", r"\W", "[ab]", "[^a]", "[1-9_]", r"\]"])
    kind = random.randrange(3)
    parts = [random_pattern(random, depth - 1) for _ in range(random.randint(1, 3))]
    if kind == 0:
        return "".join(parts)
    if kind == 1:
        return f"({'|'.join(parts)})"
    low = random.randint(0, 2)
    limits = ["?", "*", "+", f"{{{low}}}", f"{{{low},}}", f"{{,{low}}}", f"{{{low},{low + 1}}}"]
    return f"(?:{parts[0]}){random.choice(limits)}"


@pytest.mark.parametrize("seed", range(25))
def test_a_random_pattern_accepts_the_same_texts_as_python(seed):
    pattern = random_pattern(random.Random(seed))
    graph = compile_pattern(pattern, CHARSET)
    expected = {text for text in TEXTS if re.fullmatch(pattern, text)}
    found = {text for text in TEXTS if accepts(*graph, tuple(CHARSET.encode(text)))}
    assert found == expected, pattern


def test_a_composed_and_a_decomposed_pattern_are_one():
    charset = Charset("é1")
    composed, decomposed = (compile_pattern(text, charset) for text in ("é+", "e\u0301+"))
    assert composed == decomposed
    assert accepts(*composed, tuple(charset.encode("éé")))


@pytest.mark.parametrize(
    ("pattern", "accepted"),
    [
        ("A{2}", {"aa"}),
        ("[A-Z]", {"a", "b"}),
        ("[^A]", {"b", "1"}),
        ("[^a]", {"b", "1"}),
        (r"\d|\D", {"a", "b", "1"}),
        ("aB", {"ab"}),
    ],
)
def test_a_pattern_may_name_any_glyph_of_a_class(pattern, accepted):
    # A model that reads capitals as small letters.
    charset = Charset("ab1", {"A": "a", "B": "b"})
    graph = compile_pattern(pattern, charset)
    texts = {"".join(text) for n in (1, 2) for text in itertools.product("ab1", repeat=n)}
    assert {text for text in texts if accepts(*graph, tuple(charset.encode(text)))} == accepted


@pytest.mark.parametrize(("pattern", "text"), [(r"\t", "\t"), (r"[\f\v]", "\v"), (r"\r", "\r")])
def test_controls_are_written_as_escapes(pattern, text):
    charset = Charset("a\t\f\v\r")
    graph = compile_pattern(pattern, charset)
    assert accepts(*graph, tuple(charset.encode(text)))
    assert not accepts(*graph, tuple(charset.encode("a")))

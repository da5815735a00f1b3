import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
DOCUMENTS = sorted(REPOSITORY.glob("*.md")) + sorted((REPOSITORY / "docs").glob("*.md"))
TESTS = [
    (path, *reference)
    for path in DOCUMENTS
    for reference in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", path.read_text(encoding="utf-8"))
]


def test_some_tests_are_named():
    assert len(TESTS) >= 16


@pytest.mark.parametrize(("document", "file", "name"), TESTS, ids=lambda value: str(value)[-40:])
def test_every_test_named_in_the_docs_exists(document, file, name):
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert name in names, f"{document} names a test that does not exist"


CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGE = REPOSITORY / "attention_ocr"
PLACES = [
    (question.strip(), place)
    for question, places in re.findall(r"^\| (Where .*?\?) \| (.*) \|$", CONTRIBUTING, re.MULTILINE)
    for place in re.findall(r"`([\w/]+(?:\.py|/))`(?: \(`(\w+)`\))?", places)
]


def test_the_map_of_the_tree_has_every_room():
    (tree,) = re.findall(r"## Where to find it.*?```\n(.*?)```", CONTRIBUTING, re.DOTALL)
    generated = {"site", "runs", "dist", "build"}
    for folder in (REPOSITORY, PACKAGE):
        rooms = {
            path.name
            for path in folder.iterdir()
            if path.is_dir() and path.name[0] not in "._" and not path.name.endswith(".egg-info")
        } - generated
        missing = {name for name in rooms if not re.search(rf"(?<![\w/]){name}/", tree)}
        assert missing == set(), f"CONTRIBUTING.md does not say what is in {missing}"


def test_many_questions_are_answered():
    assert len({question for question, _ in PLACES}) > 30


@pytest.mark.parametrize(("question", "place"), PLACES, ids=lambda value: str(value)[-40:])
def test_the_answer_to_a_question_is_there(question, place):
    path, name = place
    found = [root / path for root in (PACKAGE, REPOSITORY) if (root / path).exists()]
    assert found, f"{question} {path} does not exist"
    if name:
        content = found[0].read_text(encoding="utf-8")
        assert re.search(rf"^(def|class) {name}\b|^{name}\b", content, re.MULTILINE), question


HOW_TOS = re.findall(r"^### (An? [\w ]+)\n\n(.*?)(?=^##)", CONTRIBUTING, re.MULTILINE | re.DOTALL)


def test_there_is_a_recipe_for_each_kind_of_component():
    kinds = {title.split(" ", 1)[1] for title, _ in HOW_TOS}
    expected = {"setting", "data format", "encoder", "attention", "decoder", "augmentation op"}
    assert kinds >= expected | {"second look", "detector", "export format"}


@pytest.mark.parametrize(("title", "recipe"), HOW_TOS, ids=lambda value: value[:20])
def test_a_recipe_names_what_is_there_in_about_ten_lines(title, recipe):
    assert len(recipe.strip().splitlines()) <= 11
    names = re.findall(r"`([\w./]+\.py|[\w./]+/)`", recipe)
    roots = (
        REPOSITORY,
        PACKAGE,
        PACKAGE / "models",
        PACKAGE / "inference",
        PACKAGE / "data/readers",
    )
    for name in names:
        assert any((root / name).exists() for root in roots), f"{title}: {name} does not exist"
    # Names in capitals are lists that a line is added to.
    sources = "".join(
        path.read_text(encoding="utf-8")
        for name in names
        for root in roots
        for path in [root / name]
        if path.is_file()
    )
    for name in re.findall(r"`(_?[A-Z][A-Z_]+)`", recipe):
        assert re.search(rf"^{name}\b", sources, re.MULTILINE), f"{title}: {name} is not there"

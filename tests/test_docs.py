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

"""The README, and the documentation site."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from attention_ocr.cli.main import COMMANDS, FLAG_COMMANDS

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.glob("*.md"))
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_the_readme_is_short_and_begins_with_reading_and_training():
    lines = README.splitlines()
    assert len(lines) <= 130
    read = next(number for number, line in enumerate(lines) if "attention_ocr.load()" in line)
    train = next(number for number, line in enumerate(lines) if "fine-tune" in line)
    # On the first screen, below the image.
    assert read < 25
    assert train < 56


def test_the_readme_names_the_two_commands_of_a_new_machine():
    assert "make quickstart" in README
    assert "make test" in README


@pytest.mark.parametrize("target", [link for link in LINK.findall(README) if "://" not in link])
def test_every_link_of_the_readme_leads_somewhere(target):
    path, _, anchor = target.partition("#")
    file = REPOSITORY / path
    assert file.exists()
    if anchor:
        titles = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
        assert anchor in [re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles]


def test_every_page_is_in_the_navigation_once():
    named = re.findall(r"(\w+\.md)$", (REPOSITORY / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    assert sorted(named) == [page.name for page in PAGES]


@pytest.mark.parametrize("page", [REPOSITORY / "README.md", *PAGES], ids=lambda page: page.name)
def test_every_command_in_the_docs_exists(page):
    text = page.read_text("utf-8")
    named = re.findall(r"attention-ocr ([a-z][a-z-]+)\b(?=[^\n]*(?:--|`|\.))", text)
    unknown = set(named) - {*COMMANDS, *FLAG_COMMANDS, "serve"}
    assert not unknown


@pytest.mark.parametrize("page", [REPOSITORY / "README.md", *PAGES], ids=lambda page: page.name)
def test_no_page_names_a_folder_outside_the_repository(page):
    assert not re.search(r"(?<![\w.])/(work|home|root)/|\.\./shared", page.read_text("utf-8"))


@pytest.mark.slow
def test_the_site_builds_strictly_and_needs_no_other_host(tmp_path):
    if importlib.util.find_spec("mkdocs") is None:
        pytest.skip("there is no MkDocs: pip install 'attention-ocr[docs]'")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", f"--site-dir={tmp_path}"],
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    api = (tmp_path / "api/index.html").read_text("utf-8")
    for name in ("load", "layers.CompactEncoder", "metrics.cer", "decoding.beam_decode"):
        assert f'id="attention_ocr.{name}"' in api
    for page in tmp_path.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|link)[^>]+(?:src|href)="(https?://[^"]+)', page.read_text()
        )
        assert [url for url in loaded if "canonical" not in url] == []

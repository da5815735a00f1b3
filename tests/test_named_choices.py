"""Every list of names in help and documentation holds exactly the names that the code accepts."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from attention_ocr.cli import page_arguments, presets
from attention_ocr.cli.main import COMMANDS, FLAG_COMMANDS, main
from attention_ocr.data.inspection import MEANINGS
from attention_ocr.data.sources import DATA_READERS
from attention_ocr.images.formats import FORMATS as IMAGE_FORMATS
from attention_ocr.language_models import files as language_model_files
from attention_ocr.settings.augmentation import AUGMENTATION_OPS
from attention_ocr.settings.decoder import ATTENTIONS, DECODERS
from attention_ocr.settings.formats import ENGINES, FORMATS
from attention_ocr.settings.model import COORDINATES, ENCODERS, RECTIFIERS, SEQUENCE_CELLS
from attention_ocr.settings.pages import DETECTORS
from attention_ocr.settings.second_looks import LIMITS
from attention_ocr.synthesis.kinds import KINDS
from attention_ocr.synthesis.looks import LOOKS
from attention_ocr.synthesis.settings import CASES, CHARACTER_SETS, PARTS
from attention_ocr.text import charset_building
from attention_ocr.text.charset import CHARSETS
from attention_ocr.visualization import explanation

REPOSITORY = Path(__file__).parents[1]
REGISTRIES = (
    *(AUGMENTATION_OPS, ATTENTIONS, DATA_READERS, DECODERS, DETECTORS, ENCODERS),
    *(FORMATS, SEQUENCE_CELLS),
)
FILE_FORMATS = {*page_arguments.PAGE_FORMATS, "csv", "parquet"}


def first_column(document: str, header: str) -> set[str]:
    """Return what stands in code in the first column of a table, or its words if none does."""
    lines = (REPOSITORY / document).read_text(encoding="utf-8").splitlines()
    (start,) = [place for place, line in enumerate(lines) if line.startswith(f"| {header} |")]
    names: set[str] = set()
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return names
        cell = line.split(" | ")[0].removeprefix("|")
        names |= set(re.findall(r"`([^`]+)`", cell) or [cell.strip()])
    return names


@pytest.mark.parametrize(
    ("document", "header", "names"),
    [
        ("docs/rendering.md", "kind", KINDS),
        ("docs/rendering.md", "look", LOOKS),
        ("docs/rendering.md", "set", CHARACTER_SETS),
        ("docs/models.md", "`--encoder`", ENCODERS),
        ("docs/models.md", "`--attention`", ATTENTIONS),
        ("docs/formats.md", "`--format`", FORMATS),
        ("docs/formats.md", "format | supported", IMAGE_FORMATS),
        ("docs/pages.md", "`--format`", page_arguments.PAGE_FORMATS),
        ("docs/pages.md", "name | lines", DETECTORS),
        ("docs/presets.md", "preset", presets.NETWORKS),
        ("docs/presets.md", "task", presets.TASKS),
    ],
)
def test_a_table_of_the_documentation_has_a_row_for_each_name(document, header, names):
    assert first_column(document, header) == set(names)


def test_the_table_of_second_looks_has_a_row_for_each_limit():
    flags = " ".join(first_column("docs/reading.md", "setting"))
    assert set(re.findall(r"--(\w+_below)=", flags)) == set(LIMITS)


def test_the_table_of_plugins_has_a_row_for_each_registry():
    text = (REPOSITORY / "docs/plugins.md").read_text(encoding="utf-8")
    groups = re.findall(r"^\|[^|]+\|[^|]+\| `(attention_ocr\.\w+)` \|", text, re.MULTILINE)
    assert set(groups) == {registry.group for registry in REGISTRIES}


def test_the_table_of_benchmarks_has_a_row_for_each_command():
    commands = {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__main__")
        for path in (REPOSITORY / "benchmarks").rglob("*.py")
        if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    listed = " ".join(first_column("docs/benchmarks.md", "command"))
    # Those of a package are started by its main one.
    own = {name for name in commands if name.count(".") == 1} | {"benchmarks.peers.compare"}
    assert set(re.findall(r"-m (benchmarks[\w.]*)", listed)) == own


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ("docs/data.md", DATA_READERS),
        ("docs/data.md", CHARSETS),
        ("docs/models.md", {*RECTIFIERS, *COORDINATES, "gru"}),
        ("docs/formats.md", set(ENGINES) - {"auto"}),
        ("CONTRIBUTING.md", {*COMMANDS, *FLAG_COMMANDS}),
    ],
)
def test_a_page_names_every_choice(document, names):
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    assert missing_from(text, names) == []


def missing_from(text: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", text)]


@pytest.mark.parametrize(
    ("command", "argument", "names"),
    [
        ("render", "--kinds", KINDS),
        ("render", "--look", LOOKS),
        ("render", "--characters", CHARACTER_SETS),
        ("render", "--case", CASES),
        ("render", "--part", PARTS),
        ("read", "--format", FILE_FORMATS),
        ("read", "--engine", ENGINES),
        ("read", "--detector", DETECTORS),
        ("serve", "--engine", ENGINES),
        ("explain", "--method", explanation.METHODS),
        ("language-model", "--kind", language_model_files.MODELS),
        ("charset", "--case", charset_building.CASES),
        ("charset", "--form", charset_building.FORMS),
        ("inspect", "--charset", CHARSETS),
        ("validate", "--ignore", MEANINGS),
    ],
)
def test_help_names_every_choice(command, argument, names, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    shown = capsys.readouterr().out.partition("\n\n")[2]
    about = re.search(rf"^  {argument}\b.*\n(?: {{4,}}.*\n)*", shown, re.MULTILINE)
    assert missing_from(re.sub(r"\s+", " ", about[0]), names) == []

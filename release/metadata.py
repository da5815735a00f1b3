"""Check wheels before they are released: `python -m release.metadata dist`."""

import argparse
import re
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

from packaging.metadata import Metadata
from packaging.utils import parse_wheel_filename

import attention_ocr
from release.distributions import LITE, ROOT, WHOLE
from release.licences import licence_expression


def find_problems(wheel: Path) -> list[str]:
    """Return what is wrong with the metadata of a wheel.

    Args:
        wheel: The wheel.
    """
    with zipfile.ZipFile(wheel) as archive:
        files = [name for name in archive.namelist() if not name.endswith("/")]
        (place,) = (name for name in files if name.endswith(".dist-info/METADATA"))
        content = archive.read(place)
    # Refuses unknown fields, malformed versions, addresses and licence expressions.
    metadata = Metadata.from_email(content, validate=True)
    licence_folder = place.replace("METADATA", "licenses/")
    problems = []
    if str(metadata.version) != attention_ocr.__version__:
        problems.append(
            f"version {metadata.version}, but the package is {attention_ocr.__version__}"
        )
    expression = licence_expression(name for name in files if ".dist-info/" not in name)
    if metadata.license_expression != expression:
        problems.append(f"licence {metadata.license_expression}, but its files are {expression}")
    problems += [
        f"licence file {name} is missing"
        for name in metadata.license_files or []
        if licence_folder + name not in files
    ]
    if not metadata.project_urls:
        problems.append(
            "no project URLs: add the Git remote `origin`, or set REPOSITORY_URL=https://…"
        )
    if not message_from_bytes(content).get_payload():
        problems.append("no description")
    return problems


def find_mismatches() -> list[str]:
    """Return documents that do not name the version of the package."""
    version = re.escape(attention_ocr.__version__)
    expected = {
        "CHANGELOG.md": rf"^## \[{version}\] - \d{{4}}-\d\d-\d\d$",
        "CITATION.cff": rf"^version: {version}$",
        "pyproject.toml": rf'^version = "{version}"$',
    }
    return [
        f"{name}: expected a line {pattern}"
        for name, pattern in expected.items()
        if not re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    ]


def main(arguments: list[str] | None = None) -> int:
    """Print what is wrong with the wheels of a folder; 1 if anything is."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="folder with both wheels")
    args = parser.parse_args(arguments)
    wheels = {str(parse_wheel_filename(path.name)[0]): path for path in args.folder.glob("*.whl")}
    problems = find_mismatches()
    problems += [
        f"{args.folder}: no wheel of {name}" for name in (WHOLE, LITE) if name not in wheels
    ]
    for wheel in wheels.values():
        problems += [f"{wheel.name}: {problem}" for problem in find_problems(wheel)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

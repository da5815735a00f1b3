"""The licence of every file, as `REUSE.toml` states it."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from release.distributions import ROOT, read_toml


def licence_of(file: str) -> str:
    """Return the SPDX expression of a file.

    Args:
        file: Its path relative to the repository.

    Raises:
        ValueError: If `REUSE.toml` does not cover it.
    """
    document = read_toml(ROOT / "REUSE.toml")
    for annotation in reversed(document["annotations"]):
        paths = annotation["path"]
        patterns = [paths] if isinstance(paths, str) else paths
        # `*` of `fnmatch` crosses folders, as `**` does.
        if any(fnmatchcase(file, pattern) for pattern in patterns):
            return str(annotation["SPDX-License-Identifier"])
    raise ValueError(f"Expected a licence in REUSE.toml. Received: {file}")


def licence_expression(files: Iterable[str]) -> str:
    """Return the SPDX expression of files that are distributed together."""
    identifiers = {part for file in files for part in re.split(r" AND ", licence_of(file))}
    return " AND ".join(sorted(identifiers))

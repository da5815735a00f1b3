"""The files below a folder, through links to other folders."""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path


def files_below(folder: str | os.PathLike[str], hidden: bool = True) -> Iterator[str]:
    """Yield the path of each file below a folder, relative to it and with slashes.

    Links to folders are followed. Each folder is entered once, by its own name if it has one below
    `folder`, so that a link to a folder above it ends. A folder's files, sorted, come before those
    of its sorted subfolders.

    Args:
        folder: The folder; without files if it does not exist.
        hidden: Whether to include files and folders whose names begin with a dot.
    """
    found: dict[str, tuple[tuple[str, ...], list[str]]] = {}
    pending = deque([os.fspath(folder)])
    while pending:
        for parent, folders, files in os.walk(pending.popleft()):
            real = os.path.realpath(parent)
            if real in found:
                folders.clear()
                continue
            folders[:] = sorted(name for name in folders if hidden or name[0] != ".")
            names = [name for name in files if hidden or name[0] != "."]
            found[real] = Path(parent).relative_to(folder).parts, names
            # Last, so that the files of a linked folder below `folder` keep its name.
            paths = (os.path.join(parent, name) for name in folders)  # noqa: PTH118
            pending += filter(os.path.islink, paths)
    for place, names in sorted(found.values()):
        for name in sorted(names):
            yield "/".join((*place, name))

"""Font files of the machine and of installed font packages; needs no font library."""

import glob
import os
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
# Entry points of font packages; where both exist, the first includes the second.
_ENTRY_POINT_GROUPS = ("fonts_ttf", "fonts_otf")


def list_font_files(fonts: str = "all") -> list[Path]:
    """List font files, usable or not.

    Args:
        fonts: As in `fonts.find_faces`.

    Returns:
        The files, sorted.
    """
    if fonts == "bundled":
        return bundled_files()
    if fonts == "all":
        return sorted({*bundled_files(), *_walk(machine_folders())})
    path = Path(fonts).expanduser()
    if path.is_dir():
        return sorted(_walk([path]))
    if path.is_file():
        return [path]
    # `Path.glob` refuses absolute patterns.
    found = (Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207
    return sorted(file for file in found if file.suffix.lower() in _SUFFIXES and file.is_file())


def bundled_files() -> list[Path]:
    """List the files of installed font packages, those that declare a `fonts_ttf` entry point."""
    files: dict[tuple[str, str], Path] = {}
    for group in _ENTRY_POINT_GROUPS:
        for entry_point in metadata.entry_points(group=group):
            package = entry_point.dist
            for file in (package.files or []) if package else []:
                if package and file.suffix.lower() in _SUFFIXES:
                    path = Path(str(package.locate_file(file)))
                    files.setdefault((package.name, path.stem), path)
    return sorted(path for path in files.values() if path.is_file())


def machine_folders() -> list[Path]:
    """List the font folders of the system, whether they exist or not."""
    home = Path.home()
    if sys.platform == "win32":
        windows = Path(os.environ.get("WINDIR", r"C:\Windows"))
        local = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        return [windows / "Fonts", local / "Microsoft" / "Windows" / "Fonts"]
    if sys.platform == "darwin":
        roots = (Path("/System/Library"), Path("/Library"), home / "Library")
        return [root / "Fonts" for root in roots]
    data_home = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    data_dirs = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    shared = [Path(folder) / "fonts" for folder in data_dirs.split(":") if folder]
    return [data_home / "fonts", home / ".fonts", *shared]


def _walk(folders: Iterable[Path]) -> set[Path]:
    return {
        Path(parent) / name
        for folder in folders
        for parent, _, names in os.walk(folder)
        for name in names
        if Path(name).suffix.lower() in _SUFFIXES
    }

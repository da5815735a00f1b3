"""Build the wheels of both distributions: `python -m release.wheels dist`."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from release.distributions import LITE, WHOLE, copy_sources


def build_wheel(name: str, out_dir: Path, isolated: bool = True) -> Path:
    """Build a wheel.

    Args:
        name: `WHOLE` or `LITE`.
        out_dir: Output folder; created if missing.
        isolated: Whether the build requirements are downloaded into an environment of their own.

    Returns:
        The wheel.

    Raises:
        RuntimeError: If the build fails; the message is its output.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        sources, built = Path(folder, "sources"), Path(folder, "built")
        copy_sources(sources, name)
        command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(built), str(sources)]
        command += [] if isolated else ["--no-isolation"]
        # Not in the repository, whose folders would be imported.
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(result.stdout + result.stderr)
        (wheel,) = built.glob("*.whl")
        target = out_dir / wheel.name
        target.write_bytes(wheel.read_bytes())
    return target


def main() -> None:
    """Build the wheels, and print their paths."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out_dir", type=Path, help="output folder")
    parser.add_argument(
        "--no_isolation", action="store_true", help="build with the packages of this environment"
    )
    parser.add_argument("--only", choices=(WHOLE, LITE), help="build one of the two")
    args = parser.parse_args()
    for name in (args.only,) if args.only else (WHOLE, LITE):
        wheel = build_wheel(name, args.out_dir, not args.no_isolation)
        print(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

"""Compare the recognisers of the field, and single changes to one, at the same processor time.

Each variant trains in a separate process on the same rendered words, for the same span of
processor time after its graphs are traced; the learning rate rises and falls over that time. It
then reads rendered words whose texts nobody was trained on, and real ones. Started again, the
command continues with the variants that have no result yet.

    python -m benchmarks.ablation [--cpu_seconds 240] [--real SOURCE] [--variants compact crnn]
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.ablation.images import write_images
from benchmarks.ablation.plot import draw
from benchmarks.ablation.variants import VARIANTS


def main() -> None:
    """Run the variants one after the other; print the table and draw it."""
    args = _parse()
    args.work_dir.mkdir(parents=True, exist_ok=True)
    images = args.work_dir / "images"
    write_images(images, args.train_images, args.test_images, args.real)
    failures = {}
    for name in args.variants:
        result = args.work_dir / f"{name}.json"
        if not result.exists():
            failure = _run(name, images, args.cpu_seconds, result)
            if failure:
                failures[name] = failure
    rows = [_row(name, args.work_dir / f"{name}.json") for name in args.variants]
    done = [row for row in rows if row]
    if done:
        measure.report(done, args.json)
        draw(done, args.work_dir / "ablation.png")
    for name, failure in failures.items():
        print(f"{name}: {failure}", file=sys.stderr)
    sys.exit(1 if failures else 0)


def _parse() -> argparse.Namespace:
    parser = measure.make_parser(__doc__)
    parser.add_argument("--work_dir", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--cpu_seconds", type=float, default=240, help="of training, each")
    parser.add_argument("--train_images", type=int, default=40_000)
    parser.add_argument("--test_images", type=int, default=1_000)
    parser.add_argument("--real", default="", help="source of the real words, if any")
    return parser.parse_args()


def _run(name: str, images: Path, cpu_seconds: float, result: Path) -> str:
    """Run a trial; return why it failed, or nothing."""
    command: Sequence[str] = (
        *(sys.executable, "-m", "benchmarks.ablation.trial", name),
        *(f"--images={images}", f"--cpu_seconds={cpu_seconds}", f"--result={result}"),
    )
    print(f"{name} ...", file=sys.stderr, flush=True)
    trial = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if trial.returncode == 0:
        return ""
    lines = trial.stderr.strip().splitlines()
    return lines[-1] if lines else f"ended with status {trial.returncode}"


def _row(name: str, result: Path) -> dict[str, Any]:
    if not result.exists():
        return {}
    figures = json.loads(result.read_text(encoding="utf-8"))
    return {
        "variant": name,
        "what": VARIANTS[name].change,
        "M parameters": figures["parameters"] / 1e6,
        "images": figures["images"],
        "train CPU ms": figures["train CPU ms"],
        "read CPU ms": figures["test read CPU ms"],
        "rendered %": figures["test"],
        "95 %": f"{figures['test low']:.1f} to {figures['test high']:.1f}",
        "real %": figures.get("real"),
        "real 95 %": (
            f"{figures['real low']:.1f} to {figures['real high']:.1f}"
            if "real" in figures
            else None
        ),
    }


if __name__ == "__main__":
    main()

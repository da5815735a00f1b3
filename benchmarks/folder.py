"""Cost of reading a folder with the console command, including start, files and results.

The command reads one image, a tenth of the folder and all of it, each in a new process: the time of
one image is that of the start, and memory must not grow with the folder. Without a folder, rendered
words are used.

    python -m benchmarks.folder [FOLDER] [--model MODEL] [--engine ENGINE] [--json FILE]
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import measure


def read_names(names: Sequence[Path], options: Sequence[str]) -> measure.Sample:
    """Read images with the command in this process, and return its time, including its start."""

    def command() -> None:
        from attention_ocr.cli.main import main

        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "texts.txt"
            status = main(["read", *map(str, names), f"--output={output}", *options])
            num_lines = len(output.read_text(encoding="utf-8").splitlines())
        if status != 0 or num_lines != len(names):
            raise ValueError(f"Expected {len(names)} readings. Received: {num_lines}")

    return measure.take_sample(command)


def row_of(names: Sequence[Path], options: Sequence[str]) -> dict[str, Any]:
    """Return the row of one reading in a new process."""
    with measure.fresh_process() as executor:
        sample = executor.submit(read_names, names, options).result()
    return {
        "images": len(names),
        "CPU s": sample.cpu_s,
        "wall s": sample.wall_s,
        "images a CPU-second": len(names) / sample.cpu_s,
        "images a second": len(names) / sample.wall_s,
        "peak MB": sample.peak_mb,
    }


def main(arguments: argparse.Namespace) -> None:
    """Read growing parts of a folder."""
    options = [f"--engine={arguments.engine}"]
    options += [] if arguments.model is None else [f"--model={arguments.model}"]
    with tempfile.TemporaryDirectory() as name:
        if arguments.folder is None:
            from benchmarks.words import write_images

            paths = write_images(Path(name), arguments.images)
        else:
            paths = sorted(path for path in arguments.folder.iterdir() if path.is_file())
        counts = sorted({1, max(1, len(paths) // 10), len(paths)})
        rows = [row_of(paths[:count], options) for count in counts]
    measure.report(rows, arguments.json)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="folder of readable images")
    parser.add_argument("--model", type=Path, help="default: the package's model")
    parser.add_argument("--engine", default="auto", help="(default: %(default)s)")
    parser.add_argument(
        "--images", type=int, default=10_000, help="rendered images if no folder is given"
    )
    main(parser.parse_args())

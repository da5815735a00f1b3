"""Reads rendered pages by attention-ocr, RapidOCR and Tesseract: accuracy, time and memory.

    python -m benchmarks.pages --pages=12 --out_dir=runs/pages

renders pages, clean and as photographed, and reads each by every reader that is installed; another
folder of `NAME.png` with the text of the page in `NAME.txt` is read with `--folder`. Each reader
runs in a separate process, with the processors that it takes by default.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
from absl import logging

from attention_ocr.metrics.accuracy import edit_distance
from benchmarks.page_images import photograph, render_page

WORDS = Path(__file__).parents[1] / "attention_ocr" / "synthesis" / "words.txt"
READERS = ("attention-ocr", "rapidocr", "tesseract")
PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "—": "-", "–": "-"})
"""Marks that readers write in different ways."""


def word_f1(label: str, prediction: str) -> tuple[int, int, int]:
    """Return the numbers of words found, of the label, and of the prediction, in any order.

    Example:
        >>> word_f1("a rose is a rose", "a rose a nose")
        (3, 5, 4)
    """
    labels, predictions = label.split(), prediction.split()
    found = sum((Counter(labels) & Counter(predictions)).values())
    return found, len(labels), len(predictions)


def score(labels: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
    """Return `word_f1` and `cer` of pages, in percent.

    Characters are compared in the order that the reader gives, with white space as one space.
    """
    found = wanted = read = errors = characters = 0
    for label, prediction in zip(labels, predictions, strict=True):
        plain = [" ".join(text.translate(PLAIN).split()) for text in (label, prediction)]
        counts = word_f1(*plain)
        found, wanted, read = found + counts[0], wanted + counts[1], read + counts[2]
        errors += edit_distance(*plain)
        characters += len(plain[0])
    return {"word_f1": 200 * found / max(wanted + read, 1), "cer": 100 * errors / characters}


def write_pages(folder: Path, num_pages: int) -> None:
    """Render pages into the folders `clean` and `photographed`."""
    words = WORDS.read_text(encoding="utf-8").split()
    for kind in ("clean", "photographed"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for seed in range(num_pages):
        page = render_page(seed, words)
        images = {"clean": page.image, "photographed": photograph(page.image, seed)}
        for kind, image in images.items():
            cv2.imwrite(str(folder / kind / f"{seed:03d}.png"), image)
            text = "\n".join(page.lines) + "\n"
            (folder / kind / f"{seed:03d}.txt").write_text(text, encoding="utf-8")


def _open_reader(name: str) -> Callable[[Path], str]:
    if name == "attention-ocr":
        from attention_ocr import PageReader

        pages = PageReader()
        return lambda path: pages.read(path).text
    if name == "rapidocr":
        from rapidocr import RapidOCR

        engine = RapidOCR(params={"Global.log_level": "critical"})
        return lambda path: "\n".join(engine(str(path)).txts or ())
    command = shutil.which("tesseract") or "tesseract"

    def read(path: Path) -> str:
        result = subprocess.run([command, str(path), "-"], capture_output=True, check=True)
        return result.stdout.decode("utf-8")

    return read


def _is_installed(name: str) -> bool:
    if name == "tesseract":
        return shutil.which(name) is not None
    return find_spec("rapidocr") is not None


def _cpu_s() -> float:
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def read_pages(name: str, folder: Path) -> dict[str, Any]:
    """Read a folder of pages by one reader, in this process.

    The first page is read once more before, so that loading is not counted.
    """
    paths = sorted(folder.glob("*.png"))
    read = _open_reader(name)
    read(paths[0])
    cpu_s, wall_s = _cpu_s(), time.perf_counter()
    texts = [read(path) for path in paths]
    cpu_s, wall_s = _cpu_s() - cpu_s, time.perf_counter() - wall_s
    who = resource.RUSAGE_CHILDREN if name == "tesseract" else resource.RUSAGE_SELF
    labels = [path.with_suffix(".txt").read_text(encoding="utf-8") for path in paths]
    return {
        "reader": name,
        "pages": len(paths),
        **score(labels, texts),
        "cpu_s": cpu_s / len(paths),
        "wall_s": wall_s / len(paths),
        "peak_mb": resource.getrusage(who).ru_maxrss / 1024,
    }


def main() -> None:
    """Run the benchmark, or one part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=12, metavar="N")
    parser.add_argument("--out_dir", type=Path, default=Path("runs/pages"), metavar="DIR")
    parser.add_argument("--folder", type=Path, action="append", metavar="DIR")
    parser.add_argument("--readers", default=",".join(READERS))
    parser.add_argument("--part", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        print(json.dumps(read_pages(args.part, args.folder[0])))
        return
    folders = args.folder
    if not folders:
        write_pages(args.out_dir, args.pages)
        folders = [args.out_dir / "clean", args.out_dir / "photographed"]
    print(f"{'pages':14s} {'reader':14s} word F1    CER  CPU s  wall s  MB")
    for folder in folders:
        for name in args.readers.split(","):
            if not _is_installed(name):
                logging.warning("%s is not installed.", name)
                continue
            command = [sys.executable, "-m", "benchmarks.pages", "--part", name, "--folder"]
            result = subprocess.run([*command, str(folder)], check=True, stdout=subprocess.PIPE)
            row = json.loads(result.stdout)
            print(
                f"{folder.name:14s} {name:14s} {row['word_f1']:7.1f} {row['cer']:6.1f} "
                f"{row['cpu_s']:6.2f} {row['wall_s']:7.2f} {row['peak_mb']:4.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Train the bundled model, from the word lists to the files that ship: one command, or one a step.

    python configs/default_model/make.py [--data=FOLDER] [--steps words train anneal pack card]

A step whose output is there is not repeated, except for training, which resumes. The README beside
this file says what each step does and how long it takes.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

DATA, WORDS, RUN = Path("runs/data"), Path("runs/words"), Path("runs/default_model")
MILESTONE, ANNEALED = Path("runs/milestone"), Path("runs/annealed")
BUNDLED = Path("attention_ocr/weights/default")
HELD_OUT = [DATA / name / "labels.tsv" for name in ("iiit5k_train", "svt_train", "ic15_train")]
DECODING = (
    *("--decoding=joint", "--joint_weight=0.3", "--beam_width=5", "--search_below=0.75"),
    *("--language_model_weight=0.4", "--language_model_texts=words"),
    "--attention_temperature=1.3",
)
SECOND_LOOKS = (
    *("--rotate_tall_below=0.9", "--widths_below=0.8", "--widths=0.75,1.3"),
    *("--deskew_below=0.5", "--rotate_180_below=0.3"),
)


def run(*arguments: str | Path) -> None:
    """Run Python with arguments.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    subprocess.run([sys.executable, *map(str, arguments)], check=True)


def make_words() -> None:
    """Write the word lists, the parts of real words and the language model."""
    if not (WORDS / "languages.txt").is_file():
        run("configs/word_lists.py", WORDS)
    if not (WORDS / "parts" / "labels.tsv").is_file():
        sources = [f"{labels},every=5,part=train" for labels in HELD_OUT]
        sources.append(str(DATA / "ic13_borndigital_train" / "labels.tsv"))
        run("configs/word_parts.py", WORDS / "parts", *sources)
    if not (WORDS / "language_model.npz").is_file():
        options = ("--order=6", "--min_count=3", "--ignore_case")
        files = (WORDS / "lines.txt", WORDS / "language_model.npz")
        run("-m", "attention_ocr", "language-model", *options, *files)


def train() -> None:
    """Train, or resume."""
    run("train.py", "--flagfile=configs/default_model/train.flags")


def anneal() -> None:
    """Copy the weights that the run has, and lower the learning rate to 0 on them."""
    if not MILESTONE.is_dir():
        draft = MILESTONE.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        for name in ("weights.npz", "config.json", "charset.txt"):
            shutil.copy(RUN / name, draft)
        draft.rename(MILESTONE)
    run("train.py", "--flagfile=configs/default_model/anneal.flags")


def pack() -> None:
    """Write the files that ship."""
    model = f"--language_model={WORDS / 'language_model.npz'}"
    options = ("--precision=int8", *DECODING, model, *SECOND_LOOKS)
    run("-m", "attention_ocr", "pack", ANNEALED, BUNDLED, *options)


def make_card() -> None:
    """Print the figures of the model card, and draw its errors."""
    run("-m", "benchmarks.rulers", f"--data={DATA}")
    run("-m", "benchmarks.model_card", *HELD_OUT, "--worst=docs/model_card_worst.png")


STEPS: dict[str, Callable[[], None]] = {
    "words": make_words,
    "train": train,
    "anneal": anneal,
    "pack": pack,
    "card": make_card,
}


def main(arguments: argparse.Namespace) -> None:
    """Take the steps, in the repository's root.

    Raises:
        FileNotFoundError: If a labelled set is missing.
    """
    if arguments.data != DATA and not DATA.exists():
        DATA.parent.mkdir(parents=True, exist_ok=True)
        DATA.symlink_to(arguments.data.resolve(), target_is_directory=True)
    missing = [labels for labels in HELD_OUT if not labels.is_file()]
    if missing:
        raise FileNotFoundError(
            f"Expected the labelled sets below {arguments.data}, see docs/benchmarks.md. "
            f"Missing: {', '.join(map(str, missing))}"
        )
    for name in arguments.steps:
        STEPS[name]()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the labelled sets")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=[*STEPS], metavar="STEP")
    main(parser.parse_args())

"""Train the bundled models, from the word lists to the files that ship: one command, or one a step.

    python configs/make_weights.py [--data=FOLDER] [--models default lines]
        [--steps words train pack card]

The word lists are not written again, and training resumes. The READMEs of `configs/default_model`
and `configs/lines` say what the steps do and how long they take.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DATA, WORDS = Path("runs/data"), Path("runs/words")
WORD_MODEL, LINE_MODEL = WORDS / "language_model.npz", WORDS / "lines_language_model.npz"
HELD_OUT = [DATA / name / "labels.tsv" for name in ("iiit5k_train", "svt_train", "ic15_train")]
BORN_DIGITAL, BY_PHOTO = (
    DATA / name / "labels.tsv" for name in ("ic13_borndigital_train", "ic03_train")
)
RECEIPTS = [DATA / name / "labels.tsv" for name in ("sroie_lines", "sroie_lines_more")]


@dataclass(frozen=True)
class Recipe:
    """How one bundled model is made.

    Args:
        flags: Flag file of the training.
        run: Its work directory.
        bundled: Folder of the files that ship.
        decoding: Flags of its decoding.
        second_looks: Flags of its second looks.
        language_model: Language model of its searches.
        card: Commands that print the figures of the model card.
    """

    flags: str
    run: Path
    bundled: Path
    decoding: tuple[str, ...]
    second_looks: tuple[str, ...]
    language_model: Path
    card: tuple[tuple[str | Path, ...], ...]


RECIPES = {
    "default": Recipe(
        "configs/default_model/train.flags",
        Path("runs/default_model"),
        Path("attention_ocr/weights/default"),
        decoding=(
            *("--decoding=joint", "--joint_weight=0.3", "--beam_width=8", "--search_below=0.75"),
            *("--language_model_weight=0.6", "--language_model_texts=words"),
            "--attention_temperature=1.3",
        ),
        second_looks=(
            *("--rotate_tall_below=0.9", "--widths_below=0.7", "--widths=0.75,1.3"),
            *("--deskew_below=0.5", "--rotate_180_below=0.3"),
        ),
        language_model=WORD_MODEL,
        card=(
            ("-m", "benchmarks.rulers", f"--data={DATA}"),
            ("-m", "benchmarks.model_card", *HELD_OUT, "--worst=docs/model_card_worst.png"),
        ),
    ),
    "lines": Recipe(
        "configs/lines/train.flags",
        Path("runs/lines"),
        Path("attention_ocr/weights/lines"),
        decoding=(
            *("--decoding=ctc", "--beam_width=6", "--search_below=0.9"),
            "--language_model_weight=0.3",
        ),
        second_looks=("--widths_below=0.9", "--widths=0.75,1.3"),
        language_model=LINE_MODEL,
        card=(("-m", "benchmarks.rulers", "--lines", "--model=lines", "--decoding=shipped"),),
    ),
}


def run(*arguments: str | Path) -> None:
    """Run Python with arguments.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    subprocess.run([sys.executable, *map(str, arguments)], check=True)


def make_words(recipe: Recipe) -> None:
    """Write word lists, images made of real words, receipts and the language model."""
    sources = [f"{labels},every=5,part=train" for labels in HELD_OUT]
    sources.append(str(BORN_DIGITAL))
    by_photo = rf"{BY_PHOTO},every=5,part=train,group=images/(.*)_\d+"
    if not (WORDS / "languages.txt").is_file():
        run("configs/word_lists.py", WORDS, *sources, by_photo)
    if not (WORDS / "parts" / "labels.tsv").is_file():
        run("configs/word_parts.py", WORDS / "parts", *sources)
    if not (WORDS / "views" / "labels.tsv").is_file():
        run("configs/word_views.py", WORDS / "views", *sources, by_photo)
    if not (WORDS / "contexts" / "labels.tsv").is_file():
        run("configs/word_contexts.py", WORDS / "contexts", *sources, by_photo)
    if not (WORDS / "context_views" / "labels.tsv").is_file():
        texts = f"{WORDS / 'contexts' / 'labels.tsv'},every=4,part=eval"
        run("configs/word_views.py", WORDS / "context_views", texts)
    if not (WORDS / "receipts" / "labels.tsv").is_file():
        sources = [f"{labels},every=5,part=fit,group=(.*)_" for labels in RECEIPTS]
        run("configs/receipt_case.py", WORDS / "receipts", *sources)
    language_model = ("-m", "attention_ocr", "language-model")
    if recipe.language_model == WORD_MODEL and not WORD_MODEL.is_file():
        options = ("--order=8", "--min_count=4", "--ignore_case")
        run(*language_model, *options, WORDS / "lines.txt", WORD_MODEL)
    if recipe.language_model == LINE_MODEL and not LINE_MODEL.is_file():
        run("configs/line_texts.py", WORDS, WORDS / "receipts" / "labels.tsv")
        options = ("--kind=lstm", "--units=320", "--epochs=3")
        run(*language_model, *options, WORDS / "line_texts.txt", LINE_MODEL)


def train(recipe: Recipe) -> None:
    """Train, or resume."""
    run("train.py", f"--flagfile={recipe.flags}")


def pack(recipe: Recipe) -> None:
    """Write the files that ship, from the averaged weights that the run has so far."""
    options = ["--precision=int8", *recipe.decoding, *recipe.second_looks]
    options.append(f"--language_model={recipe.language_model}")
    run("-m", "attention_ocr", "pack", recipe.run, recipe.bundled, *options)


def make_card(recipe: Recipe) -> None:
    """Print the figures of the model card, and draw the errors."""
    for command in recipe.card:
        run(*command)


STEPS: dict[str, Callable[[Recipe], None]] = {
    "words": make_words,
    "train": train,
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
    needed = (*HELD_OUT, BORN_DIGITAL, BY_PHOTO, *RECEIPTS)
    missing = [labels for labels in needed if not labels.is_file()]
    if missing:
        raise FileNotFoundError(
            f"Expected the labelled sets below {arguments.data}, see docs/benchmarks.md. "
            f"Missing: {', '.join(map(str, missing))}"
        )
    for model in arguments.models:
        for step in arguments.steps:
            STEPS[step](RECIPES[model])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the labelled sets")
    parser.add_argument("--models", nargs="+", choices=RECIPES, default=[*RECIPES], metavar="MODEL")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=[*STEPS], metavar="STEP")
    main(parser.parse_args())

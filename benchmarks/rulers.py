"""Accuracy of a model on held-out data: the rulers by which designs are chosen.

The rulers are the held-out part of each real data set, split by document where there are documents,
two data sets that are never trained on, and rendered words with unused seeds. The match ignores
case and all but letters and digits; its 95 % interval (Wilson), the strict match, the character
error rate, strict and in any case, and the accuracy of words, strict and *plain*, with all quotes
and dashes alike, are reported as well. By default each image is read once, by greedy attention
without a language model; `--decoding=model` uses the model's own, and `--decoding=shipped` reads as
users do, with second looks. The data sets are listed in docs/benchmarks.md.

`--lines` takes the rulers of lines: receipts, held out by document, and sentences of twelve
languages: lines that are not trained on, of words that are (`configs/word_lists.py` writes the
lists; `--words` names a folder of others).

    python -m benchmarks.rulers [--model=runs/mine] [--data=runs/data] [--rulers ic15 tags]
    python -m benchmarks.rulers --lines --model=lines --decoding=ctc
"""

import argparse
import functools
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.sources import Walk, open_source
from attention_ocr.evaluation.evaluate import (
    Evaluation,
    Prediction,
    evaluate_batches,
    make_recognize,
)
from attention_ocr.inference.locate import find_model
from attention_ocr.inference.reader import Reader, load
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.metrics.accuracy import cer, compute_metrics, wer
from attention_ocr.settings.config import Config
from benchmarks import measure

RULERS = {
    "ic15": "ic15_train/labels.tsv,every=5,part=eval",
    "ic03": r"ic03_train/labels.tsv,every=5,part=eval,group=images/(.*)_\d+",
    "tags": r"wire_labels/labels.tsv,every=2,part=eval,group=images/wire_(\d*?)\d?\d_",
    "steel": r"steel_numbers/labels.tsv,every=2,part=eval,group=images/\w+?_(\d+)_",
    "plates": "plates/labels.tsv",
    "house numbers": "svhn_small/labels.tsv",
}
"""Real images by name: a source below the folder of the data sets."""

RENDERED = {
    f"rendered {look}": (
        "synthetic,kinds=words+words+words+mixed,difficulty=0.9,max_length=16,part=eval,"
        f"look={look},seed={seed},num_examples=1000"
    )
    for look, seed in (("signs", 991), ("irregular", 992))
}

RECEIPTS = {
    "receipts": "sroie_lines/labels.tsv,every=5,part=eval,group=(.*)_",
    "more receipts": "sroie_lines_more/labels.tsv,every=5,part=eval,group=(.*)_",
}
"""Real lines by name: a source below the folder of the data sets."""

DECODINGS = ("attention", "ctc", "model", "shipped")
INTERVAL = "95 % interval"

TYPEWRITTEN = str.maketrans(
    dict.fromkeys("‘’‚‹›", "'") | dict.fromkeys("“”„«»", '"') | dict.fromkeys("–—", "-")
    | {"…": "...", "•": "·"}
)  # fmt: skip
"""Marks that look alike in many typefaces: what a reader chooses among them is often chance."""

LANGUAGES = ("en", "de", "fr", "it", "es", "pt", "nl", "pl", "cs", "hu", "sv", "fi")


def list_line_rulers(data: Path, words: Path) -> dict[str, str]:
    """Return the sources of the rulers of lines by name.

    Args:
        data: Folder of the data sets.
        words: Folder of the word lists.
    """
    sentences = "kinds=sentences,characters=latin,look=documents,difficulty=0.5,part=eval"
    rendered = {
        f"sentences {language}": (
            f"synthetic,{sentences},words_file={words / language}.txt,min_length=12,max_length=60,"
            f"seed={seed},num_examples=200"
        )
        for seed, language in enumerate(LANGUAGES, start=901)
    }
    long = (
        f"synthetic,{sentences},words_file={words / 'en'}.txt,min_length=90,max_length=100,"
        "seed=913,num_examples=200"
    )
    receipts = {name: f"{data / source}" for name, source in RECEIPTS.items()}
    return receipts | rendered | {"100 characters": long}


def read_source(model: Any, config: Config, source: str) -> Evaluation:
    """Read every image of a source."""
    recognize = make_recognize(model.recognizer, config, model.charset)
    return evaluate_batches(
        recognize, evaluation_batches(open_source(source), config), model.charset
    )


def read_as_shipped(reader: Reader, source: str) -> Evaluation:
    """Read every image of a source as users do: one at a time, with second looks."""
    predictions = []
    for row in open_source(source).files(Walk()).as_numpy_iterator():
        reading = reader.read(row["encoded"])[0]
        key, label = row["key"].decode("utf-8"), row["text"].decode("utf-8")
        predictions.append(Prediction(key, label, reading.text, reading.confidence, False, True))
    labels, texts = zip(*((row.label, row.prediction) for row in predictions), strict=True)
    return Evaluation(compute_metrics(labels, texts), predictions)


def typewritten(text: str) -> str:
    """Return a text with the quotes, dashes and bullets of a typewriter.

    Example:
        >>> typewritten("‘a’ – b…")
        "'a' - b..."
    """
    return text.translate(TYPEWRITTEN)


def describe(name: str, evaluation: Evaluation) -> dict[str, Any]:
    """Return the row of a ruler."""
    metrics = evaluation.metrics
    low, high = metrics.alphanumeric_match_interval
    labels = [row.label for row in evaluation.predictions]
    texts = [row.prediction for row in evaluation.predictions]
    plain = [*map(typewritten, labels)], [*map(typewritten, texts)]
    any_case = [*map(str.lower, labels)], [*map(str.lower, texts)]
    return {
        "ruler": name,
        "images": metrics.num_examples,
        "match %": 100 * metrics.alphanumeric_match,
        INTERVAL: f"{100 * low:.1f} to {100 * high:.1f}",
        "strict %": 100 * metrics.exact_match,
        "CER %": 100 * metrics.cer,
        "CER, any case %": 100 * cer(*any_case),
        "words %": 100 * (1 - metrics.wer),
        "words, plain %": 100 * (1 - wer(*plain)),
    }


def make_reading(model_name: str | None, decoding: str) -> Callable[[str], Evaluation]:
    """Return what reads a source.

    Args:
        model_name: A work directory or a bundled model; None for `default`.
        decoding: `attention` or `ctc`, greedy; `model`, that of its settings; `shipped`, that and
            second looks, by its fastest engine.
    """
    if decoding == "shipped":
        return functools.partial(read_as_shipped, load(model_name))
    model = load_trained_model(find_model(model_name))
    config = model.config
    if decoding != "model":
        greedy = {"decoding": decoding, "beam_width": 1, "search_below": 1.0}
        config = config.with_decoding(greedy | {"language_model": "", "language_model_weight": 0.0})
    return functools.partial(read_source, model, config)


def main(arguments: argparse.Namespace) -> None:
    """Evaluate the rulers and print a table.

    Raises:
        ValueError: If a ruler is unknown.
    """
    if arguments.lines:
        sources = list_line_rulers(arguments.data, arguments.words)
    else:
        sources = {name: f"{arguments.data / source}" for name, source in RULERS.items()} | RENDERED
    names = arguments.rulers or list(sources)
    if unknown := [name for name in names if name not in sources]:
        raise ValueError(f"Expected rulers of {', '.join(sources)}. Received: {unknown[0]}")
    read = make_reading(arguments.model, arguments.decoding)
    rows = [describe(name, read(sources[name])) for name in names]
    mean = dict.fromkeys(rows[0]) | {"ruler": "mean of rulers", "images": 0}
    for figure in (name for name in rows[0] if name.endswith(" %") and name != INTERVAL):
        mean[figure] = statistics.fmean(row[figure] for row in rows)
    mean["images"] = sum(row["images"] for row in rows)
    measure.report([*rows, mean], arguments.json)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument(
        "--model", metavar="DIR", help="work directory (default: the package's model)"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("runs/data"), help="folder of the data sets"
    )
    parser.add_argument(
        "--words", type=Path, default=Path("runs/words"), help="folder of the word lists"
    )
    parser.add_argument("--lines", action="store_true", help="the rulers of lines")
    parser.add_argument("--rulers", nargs="+", metavar="NAME", help="some of them (default: all)")
    parser.add_argument("--decoding", choices=DECODINGS, default="attention")
    main(parser.parse_args())

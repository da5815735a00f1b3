"""Train one variant for a span of processor time, and see what it reads then."""

import argparse
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.sources import open_source
from attention_ocr.evaluation.evaluate import evaluate_batches, make_recognize
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import ASCII, Charset
from attention_ocr.training.step import Batch
from benchmarks.ablation.variants import PLUGINS, VARIANTS, make_config
from benchmarks.budget import train_for


def run(name: str, images: Path, cpu_seconds: float) -> dict[str, Any]:
    """Train a variant until its time is spent, and return its figures.

    Args:
        name: Name of the variant.
        images: Folder of `images.write_images`.
        cpu_seconds: CPU seconds of training.
    """
    variant, charset = VARIANTS[name], Charset(ASCII)
    folder = images / variant.images
    config = make_config(variant, train_data=f"{folder / 'train'}/*.tfrecord", warmup_steps=0)
    trained = train_for(cpu_seconds, config, charset)
    recognizer = trained.recognizer
    figures = {
        "variant": name,
        "parameters": sum(int(np.prod(weight.shape)) for weight in recognizer.weights),
        "images": trained.images,
        "train CPU ms": 1000 * trained.cpu_s / trained.images,
    }
    recognize = make_recognize(recognizer, config, charset)
    for part in ("test", "real"):
        if (folder / part).is_dir():
            figures |= test(recognize, folder / part, config)
    return figures


def test(recognize: Any, folder: Path, config: Config) -> dict[str, Any]:
    """Read the words of a part.

    Returns:
        Exact match, or for real words the match without case and punctuation, with the ends of
        its 95 % interval (Wilson), all in %; the time is of a second walk.
    """
    part = folder.name
    batches = list(evaluation_batches(open_source(f"{folder}/*.tfrecord"), config))
    metrics = evaluate_batches(recognize, batches).metrics
    if part == "test":
        match, (low, high) = metrics.exact_match, metrics.exact_match_interval
    else:
        match, (low, high) = metrics.alphanumeric_match, metrics.alphanumeric_match_interval
    return {
        part: 100 * match,
        f"{part} low": 100 * low,
        f"{part} high": 100 * high,
        f"{part} images": metrics.num_examples,
        f"{part} read CPU ms": _cpu_ms(recognize, batches, metrics.num_examples),
    }


def _cpu_ms(recognize: Any, batches: Iterable[Batch], num_images: int) -> float:
    start = time.process_time()
    for batch in batches:
        recognize(batch["images"], batch["image_sizes"])
    return 1000 * (time.process_time() - start) / num_images


def main() -> None:
    """Run one trial and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--cpu_seconds", type=float, required=True)
    parser.add_argument("--result", type=Path, required=True)
    args = parser.parse_args()
    sys.path.append(str(PLUGINS))
    figures = run(args.variant, args.images, args.cpu_seconds)
    with whole_file(args.result) as file:
        file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

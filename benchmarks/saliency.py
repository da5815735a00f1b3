"""Localisation of characters by saliency maps.

Words are drawn in a plain font, so that the columns of each character are known; the mean share of
a character's saliency within its columns is printed. The share of a uniform map is that of the
character's width in the image's.

    python -m benchmarks.saliency [--model DIR] [--words EXIT ...] [--json FILE]
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

from attention_ocr.images.decode import encode_array
from attention_ocr.inference.locate import DEFAULT_MODEL, find_model
from attention_ocr.inference.serving_function import prepare_encoded
from attention_ocr.inference.work_directory import TrainedModel, load_trained_model
from attention_ocr.synthesis.font_files import bundled_files
from attention_ocr.visualization.saliency import HEADS, feedback_saliency, gradient_saliency
from benchmarks import measure

WORDS = ("EXIT", "PARKING", "Market", "street", "24hours", "Museum", "Bakery", "REPAIR")
METHODS: dict[str, Callable[..., tf.Tensor]] = {
    "gradient": gradient_saliency,
    "feedback": feedback_saliency,
}
_FONT = "Roboto-Regular"
_SIZE, _MARGIN = 32, 8


class DrawnWord(NamedTuple):
    """A word, and the positions of its characters.

    Attributes:
        image: Uint8 [h, w, 3], dark on light.
        columns: Float [n, 2], left and right end of each character as shares of the width.
    """

    image: np.ndarray
    columns: np.ndarray


def draw_word(text: str) -> DrawnWord:
    """Draw a word in a font that comes with the package."""
    file = next(file for file in bundled_files() if file.stem == _FONT)
    font = ImageFont.truetype(str(file), _SIZE, layout_engine=ImageFont.Layout.BASIC)
    ends = np.array([font.getlength(text[:index]) for index in range(len(text) + 1)]) + _MARGIN
    width = round(ends[-1]) + _MARGIN
    canvas = Image.new("RGB", (width, _SIZE + 2 * _MARGIN), (235, 235, 230))
    ImageDraw.Draw(canvas).text((_MARGIN, _MARGIN), text, fill=(20, 20, 20), font=font)
    columns = np.stack([ends[:-1], ends[1:]], axis=1) / width
    return DrawnWord(np.asarray(canvas), columns)


def shares_inside(maps: np.ndarray, columns: np.ndarray, width: int) -> np.ndarray:
    """Return the share of each map between the ends of its character.

    Args:
        maps: Float [n, H, W], non-negative.
        columns: Float [n, 2], as in `DrawnWord`.
        width: Width of the content without padding, pixels.

    Returns:
        Float [n]; 0 for a map that is zero everywhere.
    """
    centers = (np.arange(maps.shape[2]) + 0.5) / width
    inside = (columns[:, :1] <= centers) & (centers < columns[:, 1:])
    totals = maps.sum(axis=(1, 2))
    return np.divide(
        (maps.sum(axis=1) * inside).sum(axis=1), totals, out=np.zeros(len(maps)), where=totals > 0.0
    )


def localisation(model: TrainedModel, method: str, head: str, words: Sequence[str]) -> np.ndarray:
    """Return the share of each character of the words, for one head and method.

    Args:
        model: A model that computes in float32.
        method: One of `METHODS`.
        head: One of `saliency.HEADS`; words that the CTC head misreads are left out.
        words: Words to draw.

    Returns:
        Float [n].

    Raises:
        ValueError: If the model lacks the head.
    """
    shares = []
    for word in words:
        drawn = draw_word(word)
        images, sizes, _ = prepare_encoded(
            tf.constant([encode_array(drawn.image)]), model.config.image
        )
        token_ids = model.charset.encode(word)
        try:
            maps = METHODS[method](model.recognizer, images, sizes, token_ids, head)
        except ValueError as error:
            if "reads other characters" not in str(error):
                raise
            continue
        shares.append(shares_inside(maps.numpy(), drawn.columns, int(sizes[0, 1])))
    return np.concatenate(shares) if shares else np.zeros(0)


def main() -> None:
    """Print the mean share of each method and head."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=DEFAULT_MODEL, help="work directory (default: default)")
    parser.add_argument("--words", nargs="+", default=WORDS, metavar="WORD")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    arguments = parser.parse_args()
    model = load_trained_model(find_model(arguments.model))
    chance = np.concatenate([np.diff(draw_word(word).columns)[:, 0] for word in arguments.words])
    rows = [_row("nothing", "", chance)]
    heads = (model.recognizer.decoder, model.recognizer.ctc_head)
    for head, layer in zip(HEADS, heads, strict=True):
        for method in METHODS if layer is not None else ():
            shares = localisation(model, method, head, arguments.words)
            rows.append(_row(method, head, shares))
    measure.report(rows, arguments.json)


def _row(method: str, head: str, shares: np.ndarray) -> dict[str, Any]:
    share = float(shares.mean()) if len(shares) else 0.0
    return {"method": method, "head": head, "characters": len(shares), "share": round(share, 3)}


if __name__ == "__main__":
    main()

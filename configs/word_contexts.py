r"""Write other texts where real words were: rendered letters in the light of real photographs.

The ink of each real word is found by its brightness and painted over from its surroundings. A
rendered text takes its place: as high, bold and sloped, in the colour of the ink, as blurred as its
edges and as noisy as its background. Words whose ink does not stand out are skipped.

    python configs/word_contexts.py runs/words/contexts SOURCE...

A source is one of `--train_data`, such as
`runs/data/iiit5k_train/labels.tsv,every=5,part=train`; the texts come from the word list of
`configs/word_lists.py`. The images are written beside a `labels.tsv` that lists them.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from attention_ocr.data.sources import Walk, open_source
from attention_ocr.images.decode import decode_array
from attention_ocr.synthesis.fonts import find_faces
from attention_ocr.synthesis.looks import LOOKS
from attention_ocr.synthesis.settings import SynthesisConfig
from attention_ocr.synthesis.texts import TextSampler
from attention_ocr.synthesis.typeface_choice import FaceChooser
from attention_ocr.synthesis.typesetting import Typesetter

TEXTS_OF_A_WORD = 12
TEXTS = SynthesisConfig(
    kinds=("words",) * 3 + ("runs",) * 2 + ("fragments",) * 2 + ("mixed", "numbers", "codes"),
    words_file="runs/words/many.txt",
    max_length=20,
)
LOOK = LOOKS["signs"]
LOWEST, HIGHEST = 12, 96
"""Rows of a word: lower ones are skipped, higher ones reduced."""
EVEN_BORDER = 0.8
"""Least share of the border that is background."""
INK = (0.06, 0.55)
"""Range of the share of the pixels that are ink."""
CONTRAST = 30.0
"""Least difference between the means of ink and background, of 255."""
STEEPEST = 0.6
"""Greatest slope of a word, rows per column."""
SQUEEZED = 0.6
"""Least width of a text, relative to its natural one."""
SMALLEST = 0.7
"""Least height of a text, relative to that of the word."""
DRAWS = 12
"""Texts that are tried in a context."""
THICKENED = 4
"""Pixels by which letters are thickened at most, of `EM`."""
EM = 64


@dataclass(frozen=True)
class Context:
    """A photograph without its word.

    Attributes:
        ground: float32 [h, w, 3], the word painted over.
        ink: float32 [3], colour of the word.
        left: Column at which the word begins.
        right: Column after its end.
        middle: Row of the middle of the word at its left end.
        slope: Of the word, in rows per column.
        height: Of its ink, in pixels.
        density: Share of its box that is ink.
        blur: Standard deviation of the blur of its edges, in pixels.
        noise: Standard deviation of the noise.
    """

    ground: np.ndarray
    ink: np.ndarray
    left: int
    right: int
    middle: float
    slope: float
    height: float
    density: float
    blur: float
    noise: float


class Writer:
    """Writes texts into contexts.

    Args:
        settings: Settings of the texts and fonts.
    """

    def __init__(self, settings: SynthesisConfig) -> None:
        self._sampler = TextSampler(settings)
        characters = self._sampler.producible_characters()
        self._chooser = FaceChooser(
            find_faces(settings.fonts), characters, 0.9, EM, settings.seed, LOOK
        )
        self._typesetter = Typesetter()
        self._num_written = 0

    def write(self, rng: np.random.Generator, context: Context) -> tuple[np.ndarray, str] | None:
        """Return a crop, uint8 [h, w, 3], with a text, and the text; None if none fits."""
        for _ in range(DRAWS):
            text = self._sampler.draw(rng)
            chosen = self._chooser.choose(rng, self._num_written, text)
            self._num_written += 1
            if chosen is None:
                continue
            spacing = EM * rng.uniform(-0.03, 0.12)
            mask, _ = self._typesetter.set_text(chosen[0], EM, text, spacing)
            size = fitted_size(rng, context, mask.shape)
            if size is not None:
                mask = thicken(mask, context.density * rng.uniform(0.6, 1.1))
                return place(rng, context, mask, size), text
        return None


def main(folder: Path, sources: list[str]) -> None:
    """Write texts in the surroundings of all words of some sources into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, writer = np.random.default_rng(0), Writer(TEXTS)
    lines: list[str] = []
    num_skipped = 0
    for source in sources:
        for row in open_source(source).files(Walk()).as_numpy_iterator():
            image = decode_array(row["encoded"])
            context = None if image is None else find_context(image)
            if context is None:
                num_skipped += 1
                continue
            for _ in range(TEXTS_OF_A_WORD):
                written = writer.write(rng, context)
                name = f"{len(lines)}.png"
                if written and cv2.imwrite(str(folder / name), written[0][..., ::-1]):
                    lines.append(f"{name}\t{written[1]}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    sys.stdout.write(f"{len(lines)} texts in {folder}; {num_skipped} images skipped\n")


def fitted_size(
    rng: np.random.Generator, context: Context, shape: tuple[int, ...]
) -> tuple[int, int] | None:
    """Return width and height of a text in its context, None if it does not fit.

    Args:
        rng: Random numbers.
        context: Where the text goes.
        shape: Height and width of its mask, set at `EM` pixels to the em.
    """
    if not shape[0]:
        return None
    # Small letters alone, and marks, are lower than a word.
    height = context.height * rng.uniform(0.8, 1.05) * min(shape[0] / (0.7 * EM), 1.0)
    width = shape[1] * height / shape[0] * rng.uniform(0.8, 1.2)
    room = context.right - context.left
    shrunk = min(room / (SQUEEZED * width), 1.0)
    if shrunk < SMALLEST or height * shrunk < 6:
        return None
    return max(round(min(width * shrunk, room)), 3), round(height * shrunk)


def thicken(mask: np.ndarray, density: float) -> np.ndarray:
    """Thicken letters, uint8 [H, W], until ink covers a share of them, but not by much."""
    for _ in range(THICKENED):
        if mask.mean() >= 255 * density:
            break
        mask = cv2.dilate(mask, np.ones((2, 2), np.uint8))
    return mask


def find_context(image: np.ndarray) -> Context | None:
    """Remove the word from an image, uint8 [h, w, 3]; None if its ink does not stand out."""
    if image.shape[0] > HIGHEST:
        columns = max(round(image.shape[1] * HIGHEST / image.shape[0]), 1)
        image = cv2.resize(image, (columns, HIGHEST), interpolation=cv2.INTER_AREA)
    if image.shape[0] < LOWEST or image.shape[1] < image.shape[0]:
        return None
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    _, bright = cv2.threshold(gray, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    border = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]]).mean()
    if max(border, 1.0 - border) < EVEN_BORDER:
        return None
    ink = np.asarray(1 - bright if border > 0.5 else bright, np.uint8)
    if not INK[0] < ink.mean() < INK[1]:
        return None
    difference = gray[ink == 1].mean() - gray[ink == 0].mean()
    if abs(difference) < CONTRAST:
        return None
    return measure_context(image, gray, ink, abs(difference))


def measure_context(
    image: np.ndarray, gray: np.ndarray, ink: np.ndarray, contrast: float
) -> Context | None:
    """Measure the word of an image and paint it over.

    Args:
        image: uint8 [h, w, 3].
        gray: uint8 [h, w].
        ink: uint8 [h, w], 1 on the word.
        contrast: Difference of ink and background in `gray`.
    """
    rows = gray.shape[0]
    tops = np.argmax(ink, axis=0)
    bottoms = rows - np.argmax(ink[::-1], axis=0)
    columns = np.flatnonzero(ink.any(axis=0))
    slope, offset = np.polyfit(columns, (tops + bottoms)[columns] / 2, 1)
    heights = (bottoms - tops)[columns]
    height = float(np.percentile(heights, 95))
    left, right = int(columns[0]), int(columns[-1]) + 1
    if abs(slope) > STEEPEST or height < 8 or right - left < height:
        return None
    reach = max(round(0.08 * height), 1) + 1
    covered = cv2.dilate(ink, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    ground = cv2.inpaint(image, covered, 3, cv2.INPAINT_TELEA)
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.0).astype(np.float32)
    steepest = np.percentile(np.hypot(*np.gradient(gray.astype(np.float32))), 97)
    core = cv2.erode(ink, np.ones((3, 3), np.uint8))
    core = core if core.sum() > 9 else ink
    free = covered == 0
    noise = float(np.std((gray - smooth)[free])) if free.sum() > 20 else 2.0
    return Context(
        ground=ground.astype(np.float32),
        ink=np.median(image[core == 1], axis=0).astype(np.float32),
        left=left,
        right=right,
        middle=float(slope * left + offset),
        slope=float(slope),
        height=height,
        density=float(ink.sum()) / (height * (right - left)),
        # The steepest slope of a blurred edge is its contrast over the root of 2 pi times the blur.
        blur=float(np.clip(contrast / (2.5 * max(steepest, 1.0)), 0.4, 0.1 * height)),
        noise=min(noise, 12.0),
    )


def place(
    rng: np.random.Generator, context: Context, mask: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Draw a text into a context and cut its surroundings.

    Args:
        rng: Random numbers.
        context: Where the text goes.
        mask: uint8 [H, W], 255 on its ink.
        size: Width and height of the text in pixels.

    Returns:
        uint8 [h, w, 3].
    """
    rows, columns = context.ground.shape[:2]
    width, height = size
    letters = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    begin = context.left + rng.uniform(0.0, 1.0) * (context.right - context.left - width)
    top = context.middle + context.slope * (begin - context.left) - height / 2
    slant = rng.normal(0.0, 0.08)
    matrix = np.array([[1.0, slant, begin], [context.slope, 1.0, top]])
    covered = cv2.warpAffine(letters, matrix, (columns, rows)).astype(np.float32) / 255.0
    share = np.asarray(cv2.GaussianBlur(covered, (0, 0), context.blur))[..., None]
    grain = np.asarray(cv2.GaussianBlur(rng.normal(0.0, 1.0, (rows, columns)), (0, 0), 0.6))
    strength = context.noise * rng.uniform(0.5, 1.2) / max(float(grain.std()), 1e-6)
    image = context.ground * (1.0 - share) + context.ink * share + strength * grain[..., None]
    # As tight at the sides as the word was.
    first = max(round(begin - context.left * rng.uniform(0.5, 1.5)), 0)
    last = min(round(begin + width + (columns - context.right) * rng.uniform(0.5, 1.5)), columns)
    return np.clip(np.round(image[:, first:last]), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python configs/word_contexts.py FOLDER SOURCE...")
    main(Path(sys.argv[1]), sys.argv[2:])

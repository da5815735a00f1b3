"""Image files of all formats and oddities that readers meet, with the pixels they hold."""

import io

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 7, 11
NOISE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
TWO_COLOURS = np.full((HEIGHT, WIDTH, 3), (200, 30, 60), np.uint8)
TWO_COLOURS[:, 4:] = (20, 180, 90)
PALETTE = Image.fromarray(NOISE[..., :3]).quantize(200)
SMALL_PALETTE = Image.fromarray(TWO_COLOURS).quantize(2)
BILEVEL = NOISE[..., 0] > 127


def encode(image: Image.Image | np.ndarray, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(file, file_format, **options)
    return file.getvalue()


def colour(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def gray(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None].astype(np.uint8), 3, axis=-1)


def over_white(values: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255.0
    return np.round(values * share + 255.0 * (1.0 - share)).astype(np.uint8)


LOSSLESS = {
    "PNG": (encode(NOISE[..., :3], "PNG"), NOISE[..., :3]),
    "gray PNG": (encode(NOISE[..., 0], "PNG"), gray(NOISE[..., 0])),
    "bilevel PNG": (encode(BILEVEL, "PNG"), gray(BILEVEL * 255)),
    "gray and alpha PNG": (
        encode(Image.fromarray(NOISE[..., :2], "LA"), "PNG"),
        over_white(gray(NOISE[..., 0]), NOISE[..., 1]),
    ),
    "alpha PNG": (encode(NOISE, "PNG"), over_white(NOISE[..., :3], NOISE[..., 3])),
    "16-bit PNG": (encode(NOISE[..., 0].astype(np.uint16) * 257, "PNG"), gray(NOISE[..., 0])),
    "palette PNG": (encode(PALETTE, "PNG"), colour(PALETTE)),
    "palette PNG of one bit": (encode(SMALL_PALETTE, "PNG"), TWO_COLOURS),
    "palette PNG with transparency": (
        encode(SMALL_PALETTE, "PNG", transparency=0),
        np.where(np.asarray(SMALL_PALETTE)[..., None] == 0, 255, TWO_COLOURS).astype(np.uint8),
    ),
    "BMP": (encode(NOISE[..., :3], "BMP"), NOISE[..., :3]),
    "gray BMP": (encode(NOISE[..., 0], "BMP"), gray(NOISE[..., 0])),
    "palette BMP": (encode(PALETTE, "BMP"), colour(PALETTE)),
    "alpha BMP": (encode(NOISE, "BMP"), NOISE[..., :3]),
    "GIF": (encode(SMALL_PALETTE, "GIF"), TWO_COLOURS),
    "animated GIF": (
        encode(
            Image.fromarray(TWO_COLOURS),
            "GIF",
            save_all=True,
            append_images=[Image.fromarray(TWO_COLOURS[:, ::-1])],
        ),
        TWO_COLOURS,
    ),
    "animated PNG": (
        encode(
            Image.fromarray(TWO_COLOURS),
            "PNG",
            save_all=True,
            append_images=[Image.fromarray(TWO_COLOURS[:, ::-1])],
        ),
        TWO_COLOURS,
    ),
    "one pixel": (encode(np.full((1, 1, 3), 99, np.uint8), "PNG"), np.full((1, 1, 3), 99)),
}


def broken_files() -> dict[str, bytes]:
    files = {"empty": b"", "no image": b"hello", "signature alone": b"\x89PNG", "BM": b"BM"}
    for file_format in ("PNG", "JPEG", "BMP", "GIF"):
        whole = encode(Image.fromarray(TWO_COLOURS).resize((40, 24)), file_format)
        for share in (0.2, 0.5, 0.9):
            files[f"{share:.0%} of a {file_format}"] = whole[: int(share * len(whole))]
    return files


BROKEN = broken_files()

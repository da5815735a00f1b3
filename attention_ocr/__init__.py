"""Attention encoder-decoder text recognition on TensorFlow and Keras.

Shape letters in every docstring: B batch, H and W height and width of an image in pixels, C its
channels, H' and W' rows and columns of the feature grid, N = H'W' its cells, D its channels, U
units of a layer, T decoder steps, L characters of the longest text, V vocabulary.

`load` is enough to read images:

    reader = attention_ocr.load("runs/mine")
    print(reader.read("word.png")[0].text)

and `read_page` reads whole pages:

    print(attention_ocr.read_page("photo.jpg").text)

`train`, `evaluate` and `export` are the commands of these names. Code that builds on the toolkit
imports from `attention_ocr.layers`, `.models`, `.decoding`, `.metrics` and `.data`. Names that are
listed neither there nor here are private and may move.
"""

from typing import TYPE_CHECKING

from attention_ocr.public_names import public_names

if TYPE_CHECKING:
    from attention_ocr.evaluation.trained_model import evaluate
    from attention_ocr.exporting.export import export
    from attention_ocr.images.headers import ImageLimits
    from attention_ocr.inference.reader import Reader, Reading, load
    from attention_ocr.pages.page_reader import PageReader, read_page
    from attention_ocr.settings.config import Config
    from attention_ocr.text.charset import Charset
    from attention_ocr.training.loop import train
else:
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "attention_ocr.evaluation.trained_model": ("evaluate",),
            "attention_ocr.exporting.export": ("export",),
            "attention_ocr.images.headers": ("ImageLimits",),
            "attention_ocr.inference.reader": ("Reader", "Reading", "load"),
            "attention_ocr.pages.page_reader": ("PageReader", "read_page"),
            "attention_ocr.settings.config": ("Config",),
            "attention_ocr.text.charset": ("Charset",),
            "attention_ocr.training.loop": ("train",),
        },
        (
            "data",
            "decoding",
            "layers",
            "metrics",
            "models",
        ),
    )

__version__ = "0.2.0"
__all__ = [
    "Charset",
    "Config",
    "ImageLimits",
    "PageReader",
    "Reader",
    "Reading",
    "evaluate",
    "export",
    "load",
    "read_page",
    "train",
]

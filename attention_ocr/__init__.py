"""Attention encoder-decoder text recognition on TensorFlow and Keras.

Shape letters in every docstring: B batch, H and W height and width of an image in pixels, C its
channels, H' and W' rows and columns of the feature grid, N = H'W' its cells, D its channels, U
units of a layer, T decoder steps, L characters of the longest text, V vocabulary.

`load` and `Reading` are all that is needed to read images:

    reader = attention_ocr.load("runs/mine")
    print(reader.read("word.png")[0].text)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attention_ocr.inference.reader import Reader, Reading, load

__version__ = "0.1.0"
__all__ = ["Reader", "Reading", "load"]


def __getattr__(name: str) -> Any:
    # TensorFlow takes seconds to import: only who reads pays.
    if name in __all__:
        from attention_ocr.inference import reader

        return getattr(reader, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""CUTE80: curved words, cropped."""

from attention_ocr.data.tfds.layouts import ImageListWords


class Builder(ImageListWords):
    """Reads `imagelist.txt`, with the lexicon of each word."""

    HOMEPAGE = "http://cs-chan.com/downloads_CUTE80_dataset.html"

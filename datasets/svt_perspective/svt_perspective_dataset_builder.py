"""SVT-Perspective: words of street signs photographed at an angle."""

from attention_ocr.data.tfds.layouts import ImageListWords


class Builder(ImageListWords):
    """Reads `imagelist.txt`, with the lexicon of each word."""

    HOMEPAGE = "https://openaccess.thecvf.com/content_iccv_2013/html/Phan_Recognizing_Text_with_2013_ICCV_paper.html"

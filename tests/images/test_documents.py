import gc
import io
import sys
import threading
import time
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from attention_ocr.images.documents import REOPEN_AFTER, open_document
from attention_ocr.images.headers import ImageLimits


def tiff(num_pages: int, size=(31, 47)) -> bytes:
    images = [Image.new("L", size, 10 * number) for number in range(1, num_pages + 1)]
    stream = io.BytesIO()
    images[0].save(stream, format="TIFF", save_all=True, append_images=images[1:])
    return stream.getvalue()


def pdf(num_pages: int) -> bytes:
    images = [Image.new("L", (310, 470), 10 * number) for number in range(1, num_pages + 1)]
    stream = io.BytesIO()
    images[0].save(stream, format="PDF", save_all=True, append_images=images[1:], resolution=72)
    return stream.getvalue()


def test_the_pages_of_a_tiff_are_opened_one_by_one_in_any_order():
    with open_document(tiff(3)) as document:
        assert document.num_pages == 3
        for number in (2, 3, 1):
            page = document.page(number)
            assert page.shape == (47, 31, 3)
            assert np.unique(page) == 10 * number


def test_a_large_image_keeps_its_size(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (1200, 1700, 3), dtype=np.uint8)
    path = tmp_path / "large.png"
    Image.fromarray(image).save(path, compress_level=1)
    with open_document(path) as document:
        np.testing.assert_array_equal(document.page(1), image)


def test_the_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / "turned.jpg"
    Image.new("RGB", (60, 20), "white").save(path, exif=exif)
    with open_document(path) as document:
        assert document.page(1).shape == (60, 20, 3)


@pytest.mark.parametrize("as_path", [False, True])
def test_a_pdf_is_rendered_at_the_resolution(tmp_path, as_path):
    pytest.importorskip("pypdfium2")
    source = pdf(2)
    if as_path:
        (tmp_path / "a.pdf").write_bytes(source)
    with open_document(tmp_path / "a.pdf" if as_path else source, dpi=144) as document:
        assert document.num_pages == 2
        page = document.page(2)
        assert page.shape == (940, 620, 3)
        assert abs(int(page[500, 300, 0]) - 20) < 3


def test_a_page_of_a_pdf_beyond_the_limit_is_rendered_smaller():
    pytest.importorskip("pypdfium2")
    with open_document(pdf(1), ImageLimits(max_image_pixels=10_000), dpi=300) as document:
        height, width, _ = document.page(1).shape
        assert 9_000 < height * width <= 10_000
        assert abs(height / width - 470 / 310) < 0.02


ENCRYPTED = b"""%%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>> endobj
4 0 obj <</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>> endobj
trailer <</Root 1 0 R/Encrypt 4 0 R/ID[<00><00>]>>
""" % (b"11" * 32, b"22" * 32)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ENCRYPTED, "encrypted PDF: remove its password first"),
        (b"%PDF-1.7 and nothing else", "unreadable PDF"),
        (b"no page", "not a PNG, JPEG, BMP, GIF, WebP, TIFF or AVIF file, nor a PDF"),
        (tiff(2)[:60], "unreadable image"),
    ],
)
def test_a_file_that_cannot_be_opened_says_why(content, reason):
    if content.startswith(b"%PDF"):
        pytest.importorskip("pypdfium2")
    with pytest.raises(ValueError, match=reason):
        open_document(content).page(1)


def test_a_page_beyond_the_limits_is_refused_and_others_are_opened():
    images = [Image.new("L", size) for size in ((20, 20), (300, 300), (20, 20))]
    stream = io.BytesIO()
    images[0].save(stream, format="TIFF", save_all=True, append_images=images[1:])
    with open_document(stream.getvalue(), ImageLimits(max_image_pixels=1000)) as document:
        assert document.page(1).shape == (20, 20, 3)
        with pytest.raises(ValueError, match="image of 300x300 pixels, the limit is 1000"):
            document.page(2)
        assert document.page(3).shape == (20, 20, 3)


def test_memory_does_not_grow_with_the_pages():
    content = tiff(300, (300, 400))
    tracemalloc.start()
    try:
        with open_document(content) as document:
            document.page(1)
            before = tracemalloc.get_traced_memory()[0]
            for number in range(2, 301):
                document.page(number)
            assert tracemalloc.get_traced_memory()[0] - before < 3 * 300 * 400 * 3
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("as_path", [False, True])
def test_a_pdf_of_many_pages_is_opened_anew_before_pdfium_holds_them_all(
    tmp_path, monkeypatch, as_path
):
    pdfium = pytest.importorskip("pypdfium2")
    opened = []

    class Counting(pdfium.PdfDocument):
        """Counts the pages that it was asked for."""

        def __init__(self, source):
            super().__init__(source)
            self.num_asked, self.is_closed = 0, False
            opened.append(self)

        def __getitem__(self, index):
            self.num_asked += 1
            return super().__getitem__(index)

        def close(self):
            self.is_closed = True
            super().close()

    monkeypatch.setattr(pdfium, "PdfDocument", Counting)
    source, num_pages = pdf(25), 25
    if as_path:
        (tmp_path / "a.pdf").write_bytes(source)
    with open_document(tmp_path / "a.pdf" if as_path else source) as document:
        for number in range(1, num_pages + 1):
            assert abs(int(document.page(number)[9, 9, 0]) - min(10 * number, 255)) < 3
            assert [one.is_closed for one in opened] == [True] * (len(opened) - 1) + [False]
    assert all(one.num_asked <= REOPEN_AFTER for one in opened)
    assert opened[-1].is_closed


def test_a_pdf_that_is_gone_on_the_way_is_an_unreadable_page(tmp_path):
    pytest.importorskip("pypdfium2")
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(REOPEN_AFTER + 1))
    with open_document(path, dpi=9) as document:
        for number in range(1, REOPEN_AFTER + 1):
            document.page(number)
        path.unlink()
        with pytest.raises(ValueError, match="unreadable page"):
            document.page(REOPEN_AFTER + 1)


class _ScriptedPDFium:
    """Stands for pypdfium2; notes the calls that begin before another has ended."""

    PdfiumError = RuntimeError

    def __init__(self):
        self.overlapping, self.num_closed = [], 0
        self._running = threading.Lock()

    @contextmanager
    def call(self, name):
        if not self._running.acquire(blocking=False):
            self.overlapping.append(name)
            yield
            return
        try:
            # Lets other threads run, as foreign functions do.
            time.sleep(0.001)
            yield
        finally:
            self._running.release()

    def close(self):
        with self.call("close"):
            self.num_closed += 1

    def PdfDocument(self, _):  # noqa: N802
        with self.call("open"):
            return _ScriptedPDF(self)


class _ScriptedPDF:
    """A document of many pages; like pypdfium2's, one that is collected is closed."""

    def __init__(self, pdfium):
        self._pdfium = pdfium
        self.close = weakref.finalize(self, pdfium.close)

    def __len__(self):
        with self._pdfium.call("length"):
            return 2 * REOPEN_AFTER

    def __getitem__(self, _):
        return _ScriptedPage(self._pdfium)


class _ScriptedPage:
    def __init__(self, pdfium):
        self._pdfium = pdfium

    def get_size(self):
        with self._pdfium.call("size"):
            return 3.0, 2.0

    def render(self, **_):
        with self._pdfium.call("render"):
            return _ScriptedBitmap()

    def close(self):
        with self._pdfium.call("close page"):
            pass


class _ScriptedBitmap:
    def to_numpy(self):
        return np.zeros((2, 3, 3), np.uint8)

    def close(self):
        pass


@pytest.mark.parametrize("is_closed", [True, False])
def test_threads_take_turns_at_pdfium(monkeypatch, is_closed):
    pdfium = _ScriptedPDFium()
    monkeypatch.setitem(sys.modules, "pypdfium2", pdfium)

    def read(number):
        document = open_document(b"%PDF-1.7")
        document.itself = document
        for page_number in range(1, REOPEN_AFTER + 2):
            document.page(page_number)
        if is_closed:
            document.close()
        elif number % 4 == 0:
            del document
            gc.collect()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(read, range(16)))
    gc.collect()
    assert pdfium.overlapping == []
    assert pdfium.num_closed == 2 * 16

"""PP-OCR's text detector, as the package rapidocr brings it: weights inside, nothing fetched."""

import cv2

from attention_ocr.io.extras import extra
from attention_ocr.layout.page import Line
from attention_ocr.pages.detector import Detector, PageImage


class RapidOCRDetector(Detector):
    """Finds lines by the differentiable binarization network of PP-OCR, run by ONNX Runtime.

    Args:
        box_threshold: Mean probability of text in a box, from which on it is returned.
        max_side: Pixels to which the longer side of larger pages is reduced for the network.
        model: An ONNX file of another PP-OCR detector; empty for that of rapidocr.
        num_threads: Threads of the network; 0 for one per processor.

    Raises:
        ImportError: If rapidocr or ONNX Runtime is not installed.
    """

    def __init__(
        self,
        box_threshold: float = 0.5,
        max_side: int = 2000,
        model: str = "",
        num_threads: int = 0,
    ) -> None:
        with extra("pages", "Finding the lines of a page"):
            import onnxruntime  # noqa: F401
            from rapidocr import RapidOCR
        params = {
            "Global.use_cls": False,
            "Global.use_rec": False,
            "Global.log_level": "critical",
            "Global.max_side_len": max_side,
            "Det.box_thresh": box_threshold,
        }
        if num_threads:
            params["EngineConfig.onnxruntime.intra_op_num_threads"] = num_threads
        if model:
            params["Det.model_path"] = model
        self._detect = RapidOCR(params=params)

    def detect(self, page: PageImage) -> list[Line]:
        """Return the lines of a page, see `Detector`."""
        found = self._detect(cv2.cvtColor(page.pixels, cv2.COLOR_RGB2BGR))
        boxes = getattr(found, "boxes", None)
        if boxes is None:
            return []
        return [Line(tuple((float(x), float(y)) for x, y in box)) for box in boxes]

"""How pages are read: detectors, and the resolution of PDF."""

from attention_ocr.settings.registries import Registry

DEFAULT_DETECTOR = "rapidocr"

DEFAULT_DPI = 200
"""Resolution at which the pages of a PDF are rendered."""

DETECTORS = Registry(
    "detectors",
    "detector",
    {
        "rapidocr": "attention_ocr.pages.rapidocr_detector:RapidOCRDetector",
        "layout": "attention_ocr.pages.layout_detector:LayoutDetector",
    },
    base="attention_ocr.pages.detector:Detector",
)
"""Add a new detector of the package here."""

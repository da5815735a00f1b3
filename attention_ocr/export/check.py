"""Load an export in a process of its own and compare it with what the model in memory read.

Run as `python -m attention_ocr.export.check SAVED_MODEL CHECK_DIR`; exit status 1 on a difference.
"""

import json
import sys
from pathlib import Path

CHECK_FILE = "check.json"
CONFIDENCE_TOLERANCE = 1e-3


class ExportDiffersError(ValueError):
    """An export that reads otherwise than the model it was made of."""


def check_saved_model(saved_model: Path, check_dir: Path) -> int:
    """Read the images of `check_dir` with an export and compare texts and confidences.

    Args:
        saved_model: directory of the SavedModel.
        check_dir: images `00000.png`, ... and the expected readings in `check.json`.

    Returns:
        The number of images compared.

    Raises:
        ExportDiffersError: a text differs, or a confidence by more than `CONFIDENCE_TOLERANCE`.
    """
    import tensorflow as tf

    document = json.loads((check_dir / CHECK_FILE).read_text(encoding="utf-8"))
    readings, batch_size = document["readings"], document["batch_size"]
    if not readings:
        raise ExportDiffersError("There is no image to check the export with.")
    loaded = tf.saved_model.load(str(saved_model))
    serve = loaded.signatures["serving_default"]
    for start in range(0, len(readings), batch_size):
        expected = readings[start : start + batch_size]
        paths = [check_dir / f"{start + index:05d}.png" for index in range(len(expected))]
        outputs = serve(images=tf.constant([path.read_bytes() for path in paths]))
        rows = zip(outputs["text"].numpy(), outputs["confidence"].numpy(), strict=True)
        for index, (reading, (text, confidence)) in enumerate(zip(expected, rows, strict=True)):
            _compare(start + index, reading, text.decode("utf-8"), float(confidence))
    return len(readings)


def _compare(index: int, expected: dict[str, object], text: str, confidence: float) -> None:
    if text != expected["text"]:
        raise ExportDiffersError(
            f"Image {index} of the check: the model read {expected['text']!r}, the export {text!r}."
        )
    difference = abs(confidence - float(str(expected["confidence"])))
    if not difference <= CONFIDENCE_TOLERANCE:
        raise ExportDiffersError(
            f"Image {index} of the check: the model is sure by {expected['confidence']}, the export"
            f" by {confidence}."
        )


if __name__ == "__main__":
    try:
        check_saved_model(Path(sys.argv[1]), Path(sys.argv[2]))
    except ExportDiffersError as failure:
        sys.exit(str(failure))

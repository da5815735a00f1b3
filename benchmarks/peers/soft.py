"""Write the soft readings of PP-OCRv6 small; runs in the environment of `requirements.txt`.

    python benchmarks/peers/soft.py readings.npz < paths.txt

Takes a path a line and writes, of all of them, `texts`; `lengths`, the characters of each;
`log_probabilities` float16 [characters of all, 94], of the printable characters of ASCII, at the
frame in which each character is most probable; and `cpu_s`, the seconds of all threads for opening
and reading. PP-OCRv6 is licensed under Apache-2.0.
"""

import math
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

# As in `attention_ocr.text.charset`, which the environment of the peers does not have.
ASCII = "".join(chr(code) for code in range(33, 127))
HEIGHT, MIN_WIDTH = 48, 320
"""Height of the network input in pixels, as in rapidocr."""


class SoftReading(NamedTuple):
    """Output of a network with a CTC head for an image.

    Attributes:
        text: The predicted text.
        log_probabilities: Float16 [characters, 94], of each ASCII character at each position, in
            nats.
    """

    text: str
    log_probabilities: np.ndarray


def collapse(probabilities: np.ndarray, characters: Sequence[str]) -> SoftReading:
    """Read greedily: equal neighbours are one character, class 0 is the blank.

    Args:
        probabilities: Float [frames, classes].
        characters: Characters of the classes after the blank, including those of `ASCII`.
    """
    best = probabilities.argmax(axis=1)
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    spans = [slice(*span) for span in zip(starts, [*starts[1:], len(best)], strict=True)]
    spans = [span for span in spans if best[span.start] != 0]
    peaks = [span.start + probabilities[span, best[span.start]].argmax() for span in spans]
    classes = [1 + characters.index(character) for character in ASCII]
    at_peaks = probabilities[np.array(peaks, np.int64)][:, classes]
    return SoftReading(
        "".join(characters[best[span.start] - 1] for span in spans),
        np.log(np.maximum(at_peaks, 1e-20)).astype(np.float16),
    )


def read_softly(paths: Iterable[str]) -> Iterable[SoftReading]:
    """Read image files, one at a time."""
    import cv2
    import onnxruntime
    import rapidocr

    file = Path(rapidocr.__file__).parent / "models" / "PP-OCRv6_rec_small.onnx"
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    characters = [*session.get_modelmeta().custom_metadata_map["character"].splitlines(), " "]
    for path in paths:
        image = cv2.imread(path)
        if image is None:
            raise ValueError(f"Expected an image file. Received: {path}")
        width = math.ceil(HEIGHT * image.shape[1] / image.shape[0])
        inputs = np.zeros((1, 3, HEIGHT, max(width, MIN_WIDTH)), np.float32)
        resized = cv2.resize(image, (width, HEIGHT)).transpose(2, 0, 1)  # [3, height, width]
        inputs[0, :, :, :width] = resized / 127.5 - 1.0
        (probabilities,) = session.run(None, {session.get_inputs()[0].name: inputs})
        yield collapse(probabilities[0], characters)


def main(file: Path) -> None:
    """Read the paths of standard input and write the file."""
    start = time.process_time()
    readings = list(read_softly(line.rstrip("\n") for line in sys.stdin))
    np.savez(
        file,
        texts=np.array([reading.text for reading in readings]),
        lengths=np.array([len(reading.log_probabilities) for reading in readings]),
        log_probabilities=np.concatenate([reading.log_probabilities for reading in readings]),
        cpu_s=time.process_time() - start,
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"Expected the file to write. Received: {' '.join(sys.argv[1:]) or 'none'}")
    main(Path(sys.argv[1]))

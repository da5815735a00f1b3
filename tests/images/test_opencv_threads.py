"""Preparing an image wakes none of OpenCV's threads, which would cost more than the work."""

import subprocess
import sys

import pytest

SCRIPT = """
import os
import cv2
import numpy as np
from attention_ocr.images.crop_check import looks_like_several
from attention_ocr.images.fitting import fit_array
from attention_ocr.settings.image import ImageConfig

def count():
    return len(os.listdir("/proc/self/task"))

cv2.setNumThreads(4)
image = np.full((48, 240, 3), 255, np.uint8)
cv2.putText(image, "two words", (5, 35), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2)
before = count()
fit_array(image, ImageConfig())
looks_like_several(image, False)
print(count() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts the threads in /proc")
def test_preparing_an_image_starts_no_thread():
    command = [sys.executable, "-c", SCRIPT]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["0"]

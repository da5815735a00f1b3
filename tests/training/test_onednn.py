"""oneDNN's kernels are turned on for training, before TensorFlow is imported."""

import os
import platform
import subprocess
import sys

import pytest

STATE = (
    "import os, attention_ocr.{module}\n"
    "from tensorflow.python.util import _pywrap_util_port\n"
    "print(os.environ.get('TF_ENABLE_ONEDNN_OPTS'), _pywrap_util_port.IsMklEnabled())"
)

pytestmark = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="x86 processors only"
)


def state(module: str, **variables: str) -> str:
    """Return the variable and what TensorFlow made of it, in a process that imports `module`."""
    environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
    done = subprocess.run(
        [sys.executable, "-c", STATE.format(module=module)],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["training.loop", "cli.train", "cli.fine_tune"])
def test_training_uses_onednn(module):
    assert state(module) == "1 True"


def test_the_variable_of_the_user_is_respected():
    assert state("training.loop", TF_ENABLE_ONEDNN_OPTS="0") == "0 False"

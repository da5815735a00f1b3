"""Training: an explicit loop that a kill at any moment does not disturb."""

import os
import platform

# TensorFlow itself does so only on processors with AVX512_VNNI or later instructions, although
# training is faster on others too. It reads the variable while it is imported.
if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

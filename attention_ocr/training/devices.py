"""Devices and precision of a training step."""

import os
import platform
from pathlib import Path

import tensorflow as tf

BFLOAT16_FEATURES = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Flags of x86 and ARM processors with bfloat16 multiplication."""


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Return the strategy that distributes a step over devices.

    Args:
        name: `one_device`; `mirrored`, all accelerators of this machine (or all its logical
            CPUs); `multi_worker`, the machines in the environment variable `TF_CONFIG`;
            `auto`, mirrored if there are several GPUs, otherwise one device.

    Raises:
        ValueError: If `name` is `multi_worker` and `TF_CONFIG` is not set.
    """
    if name == "multi_worker":
        if "TF_CONFIG" not in os.environ:
            raise ValueError("strategy=multi_worker needs the environment variable TF_CONFIG.")
        # Listing logical devices would initialize TensorFlow, after which it cannot connect.
        gpus = tf.config.list_physical_devices("GPU")
        options = tf.distribute.experimental.CommunicationOptions(
            implementation=tf.distribute.experimental.CommunicationImplementation.AUTO
            if gpus
            else tf.distribute.experimental.CommunicationImplementation.RING
        )
        return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = [device.name for device in gpus or tf.config.list_logical_devices("CPU")]
        return tf.distribute.MirroredStrategy(devices)
    return tf.distribute.OneDeviceStrategy("/gpu:0" if gpus else "/cpu:0")


def worker_shard(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Return the index of this process and the number of processes."""
    resolver = strategy.cluster_resolver
    jobs = resolver.cluster_spec().as_dict() if resolver is not None else {}
    num_chiefs = len(jobs.get("chief", []))
    num_workers = num_chiefs + len(jobs.get("worker", []))
    if not num_workers:
        return 0, 1
    index = resolver.task_id + (num_chiefs if resolver.task_type == "worker" else 0)
    return index, num_workers


def resolve_precision(name: str) -> str:
    """Return the compute dtype, `bfloat16`, `float16` or `float32`.

    Args:
        name: One of these, or `auto`: bfloat16 if every device supports it natively; float16 if
            every GPU has tensor cores for it (compute capability 7.0) and some have none for
            bfloat16 (8.0).
    """
    if name != "auto":
        return name
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capabilities = [
            tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
            for gpu in gpus
        ]
        if min(capabilities) >= (8, 0):
            return "bfloat16"
        # On older GPUs float16 is no faster than float32, and on some sixty times slower.
        return "float16" if min(capabilities) >= (7, 0) else "float32"
    # Without oneDNN, TensorFlow emulates bfloat16 on the CPU, many times slower than float32.
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return "float32"
    return "bfloat16" if BFLOAT16_FEATURES & _processor_features() else "float32"


def _processor_features() -> frozenset[str]:
    information = Path("/proc/cpuinfo")
    if platform.system() != "Linux" or not information.is_file():
        return frozenset()
    for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()

import json
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from attention_ocr.training import devices
from attention_ocr.training.devices import make_strategy, resolve_precision, worker_shard


@pytest.mark.parametrize("name", ["auto", "one_device"])
def test_without_gpus_a_step_runs_on_one_device(name):
    strategy = make_strategy(name)
    assert isinstance(strategy, tf.distribute.OneDeviceStrategy)
    assert strategy.num_replicas_in_sync == 1
    assert worker_shard(strategy) == (0, 1)


def test_mirrored_takes_all_logical_processors():
    strategy = make_strategy("mirrored")
    assert isinstance(strategy, tf.distribute.MirroredStrategy)
    assert strategy.num_replicas_in_sync == len(tf.config.list_logical_devices("CPU")) == 2
    assert worker_shard(strategy) == (0, 1)


def test_several_machines_need_tf_config(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ValueError, match="needs the environment variable TF_CONFIG"):
        make_strategy("multi_worker")


CONNECT = """
from attention_ocr.training.devices import make_strategy, worker_shard
strategy = make_strategy("multi_worker")
print(type(strategy).__name__, *worker_shard(strategy))
"""


def test_the_strategy_of_several_machines_is_made_before_tensorflow_starts():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    cluster = {"cluster": {"worker": [address]}, "task": {"type": "worker", "index": 0}}
    # In a separate process: in this one TensorFlow is initialized already.
    process = subprocess.run(
        [sys.executable, "-c", CONNECT],
        env=os.environ | {"TF_CONFIG": json.dumps(cluster)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.stdout == "CollectiveAllReduceStrategy 0 1\n", process.stderr


@pytest.mark.parametrize(
    ("jobs", "task_type", "task_id", "shard"),
    [
        ({"worker": ["a:1", "b:1"]}, "worker", 0, (0, 2)),
        ({"worker": ["a:1", "b:1"]}, "worker", 1, (1, 2)),
        ({"chief": ["a:1"], "worker": ["b:1", "c:1"]}, "chief", 0, (0, 3)),
        ({"chief": ["a:1"], "worker": ["b:1", "c:1"]}, "worker", 1, (2, 3)),
        ({"worker": ["a:1"], "evaluator": ["b:1"]}, "worker", 0, (0, 1)),
    ],
)
def test_each_machine_has_its_own_shard(jobs, task_type, task_id, shard):
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(jobs), task_type=task_type, task_id=task_id
    )
    assert worker_shard(SimpleNamespace(cluster_resolver=resolver)) == shard


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_an_explicit_precision_is_used(name):
    assert resolve_precision(name) == name


@pytest.mark.parametrize(
    ("features", "precision"),
    [
        ({"sse", "avx512_bf16"}, "bfloat16"),
        ({"amx_bf16"}, "bfloat16"),
        ({"fp", "bf16"}, "bfloat16"),
        ({"avx512f", "avx2"}, "float32"),
        (set(), "float32"),
    ],
)
def test_auto_is_bfloat16_if_the_processor_supports_it(features, precision, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    monkeypatch.setattr(devices, "_processor_features", lambda: frozenset(features))
    assert resolve_precision("auto") == precision


def test_auto_is_float32_if_bfloat16_would_be_emulated(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setattr(devices, "_processor_features", lambda: frozenset({"avx512_bf16"}))
    assert resolve_precision("auto") == "float32"


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ([(8, 0)], "bfloat16"),
        ([(9, 0), (7, 5)], "float16"),
        ([(7, 0)], "float16"),
        ([(8, 0), (6, 1)], "float32"),
        ([(6, 1)], "float32"),
    ],
)
def test_auto_is_the_fastest_type_that_every_gpu_has(capabilities, precision, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: range(len(capabilities)))
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda gpu: {"compute_capability": capabilities[gpu]},
    )
    assert resolve_precision("auto") == precision


def test_the_features_of_the_processor_are_read_on_linux_only(monkeypatch):
    if platform.system() == "Linux":
        assert devices._processor_features()
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    assert devices._processor_features() == frozenset()

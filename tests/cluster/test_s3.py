"""Data in S3: the same shards as from local files, though a node is killed."""

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attention_ocr.data.labels import read_labels
from attention_ocr.data.shards import write_shards
from tests.cluster.test_records import files_of, write_labels
from tests.networks import network

if TYPE_CHECKING:
    from tests.cluster.ray_cluster import RayCluster

# Pages of results hold a thousand objects.
NUM_IMAGES = 1_500


@pytest.mark.slow
def test_a_node_killed_while_it_reads_from_s3_costs_time_only(tmp_path, monkeypatch):
    for package in ("ray", "s3fs", "moto"):
        pytest.importorskip(package)
    from tests.cluster.ray_cluster import RayCluster
    from tests.cluster.s3_server import S3Server

    labels = write_labels(tmp_path / "words", NUM_IMAGES)
    (labels.parent / "7.png").unlink()
    write_shards(read_labels(labels, require_images=False), tmp_path / "here", num_shards=12)
    expected = files_of(tmp_path / "here")
    with network(3) as net, S3Server(net, tmp_path / "s3.log") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.make_bucket("bucket")
        server.put(labels.parent, "bucket/words")
        with RayCluster(net) as cluster:
            source, out = "s3://bucket/words/labels.tsv", "s3://bucket/records"
            flags = ["--engine=ray", "--num_shards=12", "--on_bad_example=skip"]
            log = tmp_path / "records.log"
            process = cluster.start(log, "records", source, out, *flags)
            try:
                while "PUT /bucket/records/data.parts/0000" not in server.requests():
                    assert process.poll() is None, log.read_text("utf-8", "replace")
                    time.sleep(0.05)
                cluster.kill_node(1)
                cluster.start_node(1)
                assert process.wait(600) == 0, log.read_text("utf-8", "replace")
            finally:
                process.kill()
                process.wait()
            server.get("bucket/records", tmp_path / "there")
            there = files_of(tmp_path / "there")
            rejected = json.loads(there.pop("data.rejected.jsonl"))
            assert (rejected["key"], rejected["reason"]) == ("7.png", "missing")
            assert there == expected
            check_commands(cluster, tmp_path)
            check_errors(cluster)


def check_commands(cluster: "RayCluster", folder: Path) -> None:
    """Read and inspect what is in the bucket."""
    run = cluster.run
    done = run("inspect", "s3://bucket/records/*.tfrecord", "--engine=ray")
    assert done.stdout.startswith(f"{NUM_IMAGES - 1:,} examples"), done.stderr
    out = f"--out={folder}/readings"
    done = run("read", "s3://bucket/words/1?.png", "--engine=ray", out, "--format=jsonl")
    assert done.returncode == 0, done.stderr
    lines = (folder / "readings/readings-00000.jsonl").read_text("utf-8").splitlines()
    keys = [json.loads(line)["key"] for line in lines]
    assert keys == [f"s3://bucket/words/1{digit}.png" for digit in range(10)]


def check_errors(cluster: "RayCluster") -> None:
    """Run commands that cannot succeed."""

    def message(*arguments: str, unset: str = "") -> str:
        environment = {k: v for k, v in cluster.environment().items() if k != unset}
        done = subprocess.run(
            cluster.command("records", *arguments, "--engine=ray"),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 1
        return done.stderr.splitlines()[-1]

    source = "s3://bucket/words/labels.tsv"
    assert "The specified bucket does not exist" in message(source, "s3://none/records")
    assert "The specified bucket does not exist" in message("s3://none/labels.tsv", "s3://bucket/x")
    assert "No such file: s3://bucket/x.tsv" in message("s3://bucket/x.tsv", "s3://bucket/x")
    assert "locate credentials" in message(source, "s3://bucket/x", unset="AWS_ACCESS_KEY_ID")

"""The manifests of deploy/ keep to Kubernetes' schemas, and name what the toolkit has."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from attention_ocr.cli.main import _make_parser
from attention_ocr.serving.rest_api import METRICS_PATH

yaml = pytest.importorskip("yaml")
DEPLOY = Path(__file__).parents[2] / "deploy"
FOLDERS = sorted(path.parent.name for path in DEPLOY.glob("*/kustomization.yaml"))
CORE_KINDS = {
    "Deployment",
    "HorizontalPodAutoscaler",
    "Job",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "Service",
}


def resources(folder: str) -> list[dict[str, Any]]:
    """Return the resources of a folder, without what kustomize changes in them."""
    listed = yaml.safe_load((DEPLOY / folder / "kustomization.yaml").read_text("utf-8"))
    found = []
    for name in listed["resources"]:
        path = DEPLOY / folder / name
        if path.is_dir():
            found += resources(path.resolve().name)
        else:
            found += list(yaml.safe_load_all(path.read_text("utf-8")))
    return found


def pod(name: str, template: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": template["spec"]}


def pods_of_cluster(name: str, spec: dict[str, Any]) -> list[dict[str, Any]]:
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    return [pod(name, group["template"]) for group in groups]


def core_resources(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a resource of Kubernetes itself, or those that one of JobSet or KubeRay contains."""
    name, spec = resource["metadata"]["name"], resource["spec"]
    if resource["kind"] == "JobSet":
        return [
            {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}} | job["template"]
            for job in spec["replicatedJobs"]
        ]
    if resource["kind"] == "RayJob":
        return pods_of_cluster(name, spec["rayClusterSpec"])
    if resource["kind"] == "RayCluster":
        return pods_of_cluster(name, spec)
    return [resource]


def all_pods(folder: str) -> list[dict[str, Any]]:
    """Return the specification of every pod of a folder."""
    found = []
    for core in (core for resource in resources(folder) for core in core_resources(resource)):
        if core["kind"] == "Pod":
            found.append(core["spec"])
        elif core["kind"] in ("Job", "Deployment"):
            found.append(core["spec"]["template"]["spec"])
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_manifests_keep_to_the_schemas(folder):
    validate = pytest.importorskip("kubernetes_validate")
    for resource in resources(folder):
        for core in core_resources(resource):
            assert core["kind"] in CORE_KINDS
            validate.validate(core, "1.30", strict=True)


@pytest.mark.parametrize("folder", FOLDERS)
def test_kustomize_builds_what_the_files_say(folder):
    if shutil.which("kubectl") is None:
        pytest.skip("needs kubectl")
    built = subprocess.run(
        ["kubectl", "kustomize", DEPLOY / folder], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    names = {(r["kind"], r["metadata"]["name"]) for r in yaml.safe_load_all(built.stdout)}
    assert names == {(r["kind"], r["metadata"]["name"]) for r in resources(folder)}
    assert "image: attention-ocr\n" not in built.stdout or folder == "training-gpu"
    assert ("nvidia.com/gpu" in built.stdout) == (folder == "training-gpu")


@pytest.mark.parametrize("index", [0, 3])
def test_each_pod_of_the_training_gets_its_place_in_the_cluster(index):
    (job_set,) = (r for r in resources("training") if r["kind"] == "JobSet")
    (job,) = core_resources(job_set)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    count = job["spec"]["completions"]
    (given,) = (entry["value"] for entry in container["env"] if entry["name"] == "NUM_WORKERS")
    assert int(given) == count == job["spec"]["parallelism"]
    script = container["args"][0].replace("exec attention-ocr", "printenv TF_CONFIG; true")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"NUM_WORKERS": given, "JOB_COMPLETION_INDEX": str(index), "PATH": path}
    output = subprocess.run(
        [*container["command"], script], env=os.environ | own, capture_output=True, check=True
    )
    config = json.loads(output.stdout)
    # JobSet's names: the set, the job, its index, and the index of the pod.
    name, replicated = job_set["metadata"]["name"], job_set["spec"]["replicatedJobs"][0]["name"]
    subdomain = job_set["spec"]["network"]["subdomain"]
    assert config["cluster"]["worker"] == [
        f"{name}-{replicated}-0-{place}.{subdomain}:2222" for place in range(count)
    ]
    assert config["task"] == {"type": "worker", "index": index}


def test_commands_are_those_of_the_toolkit():
    parser = _make_parser()
    jobs = [r for r in resources("ray") if r["kind"] == "RayJob"]
    assert {job["spec"]["entrypoint"].split()[1] for job in jobs} == {"records", "read"}
    for job in jobs:
        parser.parse_args(job["spec"]["entrypoint"].split()[1:])
    (server,) = all_pods("server")
    arguments = server["containers"][0]["args"]
    parsed = parser.parse_args(arguments[1:])
    assert (parsed.host, parsed.port, parsed.rest_api_port) == ("0.0.0.0", 8500, 8501)


def test_the_server_is_watched_where_it_answers():
    (deployment,) = (r for r in resources("server") if r["kind"] == "Deployment")
    template = deployment["spec"]["template"]
    assert template["metadata"]["annotations"]["prometheus.io/path"] == METRICS_PATH
    (container,) = template["spec"]["containers"]
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] == "/v1/models/mine"
    labels = template["metadata"]["labels"]
    for resource in resources("server"):
        if resource["kind"] == "Service":
            assert resource["spec"]["selector"] == labels
        if resource["kind"] == "PodDisruptionBudget":
            assert resource["spec"]["selector"]["matchLabels"] == labels


def test_the_autoscaler_reads_metrics_that_the_server_has():
    pytest.importorskip("prometheus_client")
    from attention_ocr.serving.monitoring import Monitoring

    (scaler,) = (r for r in resources("server") if r["kind"] == "HorizontalPodAutoscaler")
    names = [m["pods"]["metric"]["name"] for m in scaler["spec"]["metrics"] if "pods" in m]
    assert names
    exposed = Monitoring().text().decode()
    assert [name for name in names if f"\n{name} " in exposed] == names
